package dev.parley.engine.subscription;

import dev.parley.engine.subscription.SubscriptionCommand.Ack;
import dev.parley.engine.subscription.SubscriptionCommand.Acked;
import dev.parley.engine.subscription.SubscriptionCommand.AddStreams;
import dev.parley.engine.subscription.SubscriptionCommand.Claim;
import dev.parley.engine.subscription.SubscriptionCommand.Create;
import dev.parley.engine.subscription.SubscriptionCommand.Delete;
import dev.parley.engine.subscription.SubscriptionCommand.Delivered;
import dev.parley.engine.subscription.SubscriptionCommand.DeliveryFailed;
import dev.parley.engine.subscription.SubscriptionCommand.Expire;
import dev.parley.engine.subscription.SubscriptionCommand.Forget;
import dev.parley.engine.subscription.SubscriptionCommand.Gone;
import dev.parley.engine.subscription.SubscriptionCommand.Notice;
import dev.parley.engine.subscription.SubscriptionCommand.Release;
import dev.parley.engine.subscription.SubscriptionCommand.RemoveStream;
import dev.parley.engine.subscription.SubscriptionOutcome.AlreadyClaimed;
import dev.parley.engine.subscription.SubscriptionOutcome.Claimed;
import dev.parley.engine.subscription.SubscriptionOutcome.ConfigDiffers;
import dev.parley.engine.subscription.SubscriptionOutcome.Confirmed;
import dev.parley.engine.subscription.SubscriptionOutcome.Created;
import dev.parley.engine.subscription.SubscriptionOutcome.Done;
import dev.parley.engine.subscription.SubscriptionOutcome.Fenced;
import dev.parley.engine.subscription.SubscriptionOutcome.InvalidOffset;
import dev.parley.engine.subscription.SubscriptionOutcome.NoPendingWork;
import dev.parley.engine.subscription.SubscriptionOutcome.NotFound;
import dev.parley.engine.subscription.SubscriptionOutcome.NotPullWake;
import dev.parley.engine.subscription.SubscriptionOutcome.TooManyLinks;
import dev.parley.engine.subscription.SubscriptionState.Wake;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The rules for commands of subscriptions. Pure: the same commands in the same order give the same result.
 *
 * <p>A subscription is idle, or has a wake in flight, which a worker may hold for a lease. If a wake ends and the facts
 * in the command show that there is something to do, the next wake is made at once. If the facts do not show it, a
 * later {@link Notice} will.
 */
public final class SubscriptionMachine {
    /** The greatest number of streams to which a subscription may be linked. */
    public static final int MAX_LINKS = 10_000;

    private SubscriptionMachine() {}

    /** Applies {@code command}, which is at {@code position} in the journal, and returns its outcome. */
    public static SubscriptionOutcome apply(SubscriptionCommand<?> command, long position, SubscriptionTx tx) {
        SubscriptionState s = tx.find(command.id());
        if (s == null) {
            return command instanceof Create c ? create(c, position, tx) : new NotFound();
        }
        return switch (command) {
            case Create c -> c.config().hash().equals(s.hash()) ? new Confirmed() : new ConfigDiffers();
            case Delete c -> {
                tx.remove(s);
                yield new Done();
            }
            case AddStreams c -> addStreams(s, c, tx);
            case RemoveStream c -> removeStream(s, c, tx);
            case Notice c -> notice(s, c, tx);
            case Forget c -> forget(s, c, tx);
            case Claim c -> claim(s, c, tx);
            case Ack c -> ack(s, c, tx);
            case Release c -> release(s, c, tx);
            case Expire c -> expire(s, c, tx);
            case Delivered c -> delivered(s, c, tx);
            case DeliveryFailed c -> deliveryFailed(s, c, tx);
        };
    }

    private static SubscriptionOutcome create(Create c, long position, SubscriptionTx tx) {
        if (c.tails().size() > MAX_LINKS) {
            return new TooManyLinks(MAX_LINKS);
        }
        SubscriptionState s = tx.put(SubscriptionState.of(c, position));
        Set<String> named = new HashSet<>(c.config().streams());
        for (StreamTail tail : c.tails()) {
            s = link(s, tail, named.contains(tail.path()), tx);
        }
        return new Created();
    }

    /** Links a stream. Earlier entries are not delivered: the cursor begins at the tail (6.2, 6.4). */
    private static SubscriptionState link(SubscriptionState s, StreamTail tail, boolean explicit, SubscriptionTx tx) {
        boolean glob = s.config().matches(tail.path());
        return tx.putLink(s, new Link(tail.path(), tail.streamId(), tail.position(), explicit, glob));
    }

    private static SubscriptionOutcome addStreams(SubscriptionState s, AddStreams c, SubscriptionTx tx) {
        Set<String> added = new HashSet<>();
        for (StreamTail tail : c.tails()) {
            if (tx.link(s, tail.path()) == null) {
                added.add(tail.path());
            }
        }
        if (s.links() + added.size() > MAX_LINKS) {
            return new TooManyLinks(MAX_LINKS);
        }
        SubscriptionState now = s;
        for (StreamTail tail : c.tails()) {
            Link known = tx.link(now, tail.path());
            now = known == null ? link(now, tail, true, tx) : tx.putLink(now, known.withExplicit(true));
        }
        return new Done();
    }

    private static SubscriptionOutcome removeStream(SubscriptionState s, RemoveStream c, SubscriptionTx tx) {
        Link link = tx.link(s, c.path());
        if (link != null && link.explicit()) {
            if (link.glob()) {
                tx.putLink(s, link.withExplicit(false));
            } else {
                tx.removeLink(s, c.path());
            }
        }
        return new Done();
    }

    private static SubscriptionOutcome notice(SubscriptionState s, Notice c, SubscriptionTx tx) {
        wakeIfPending(meet(s, c.tails(), tx), c.tails(), c.nextWakeId(), c.time(), tx);
        return new Done();
    }

    /** Links the streams that the pattern covers. If another stream has followed at a path, the link moves to it. */
    private static SubscriptionState meet(SubscriptionState s, List<StreamTail> tails, SubscriptionTx tx) {
        SubscriptionState now = s;
        for (StreamTail tail : tails) {
            Link link = tx.link(now, tail.path());
            if (link == null) {
                if (now.links() < MAX_LINKS && now.config().matches(tail.path())) {
                    now = tx.putLink(now, new Link(tail.path(), tail.streamId(), Link.START, false, true));
                }
            } else if (link.isOutdatedBy(tail)) {
                now = tx.putLink(now, link.to(tail));
            }
        }
        return now;
    }

    private static @Nullable String firstPending(SubscriptionState s, List<StreamTail> tails, SubscriptionTx tx) {
        for (StreamTail tail : tails) {
            Link link = tx.link(s, tail.path());
            if (link != null && link.isPending(tail)) {
                return tail.path();
            }
        }
        return null;
    }

    /** The resulting state, with or without a wake. */
    private static SubscriptionState wakeIfPending(
            SubscriptionState s, List<StreamTail> tails, String wakeId, long time, SubscriptionTx tx) {
        String stream = s.mayWake(time) ? firstPending(s, tails, tx) : null;
        return stream == null ? s : tx.put(s.woken(wakeId, stream, time));
    }

    private static SubscriptionOutcome forget(SubscriptionState s, Forget c, SubscriptionTx tx) {
        SubscriptionState now = s;
        for (Gone gone : c.streams()) {
            Link link = tx.link(now, gone.path());
            if (link != null && !link.explicit() && link.streamId() == gone.streamId()) {
                now = tx.removeLink(now, gone.path());
            }
        }
        return new Done();
    }

    private static SubscriptionOutcome claim(SubscriptionState s, Claim c, SubscriptionTx tx) {
        if (s.isWebhook()) {
            return new NotPullWake();
        }
        SubscriptionState now = s;
        Wake wake = s.wake();
        if (wake != null && wake.isOver(c.time())) {
            now = tx.put(s.idle());
        } else if (wake != null && wake.holder() != null) {
            return new AlreadyClaimed(wake.holder(), s.generation());
        }
        now = meet(now, c.tails(), tx);
        String stream = firstPending(now, c.tails(), tx);
        if (stream == null) {
            // If the wake stayed in flight, the next append would not make one, and no worker would come.
            if (now.wake() != null) {
                tx.put(now.idle());
            }
            return new NoPendingWork();
        }
        if (now.wake() == null) {
            now = now.woken(c.nextWakeId(), stream, c.time());
        }
        now = tx.put(now.held(c.worker(), c.time()));
        Wake held = now.wake();
        return new Claimed(held == null ? c.nextWakeId() : held.id(), now.generation());
    }

    private static SubscriptionOutcome ack(SubscriptionState s, Ack c, SubscriptionTx tx) {
        if (!s.holds(c.generation(), c.wakeId(), c.time())) {
            return new Fenced();
        }
        Map<String, StreamTail> tails = new HashMap<>();
        c.tails().forEach(tail -> tails.put(tail.path(), tail));
        for (Acked ack : c.acks()) {
            InvalidOffset refusal = check(tx.link(s, ack.path()), ack, tails.get(ack.path()));
            if (refusal != null) {
                return refusal;
            }
        }
        SubscriptionState now = meet(s, c.tails(), tx);
        for (Acked ack : c.acks()) {
            Link link = tx.link(now, ack.path());
            // A request may ack the same stream twice. The greater position counts.
            if (link != null && ack.position() > link.acked()) {
                now = tx.putLink(now, link.ackedTo(ack.position()));
            }
        }
        Wake wake = now.wake();
        now = tx.put(now.held(wake == null ? null : wake.holder(), c.time()));
        if (!c.done()) {
            return new SubscriptionOutcome.Acked(false);
        }
        now = wakeIfPending(tx.put(now.idle()), c.tails(), c.nextWakeId(), c.time(), tx);
        return new SubscriptionOutcome.Acked(now.wake() != null);
    }

    private static @Nullable InvalidOffset check(@Nullable Link link, Acked ack, @Nullable StreamTail tail) {
        if (link == null) {
            return new InvalidOffset("The subscription is not linked to " + ack.path() + ".");
        }
        Link current = tail != null && link.isOutdatedBy(tail) ? link.to(tail) : link;
        if (ack.streamId() != StreamTail.UNBORN && ack.streamId() != current.streamId()) {
            return new InvalidOffset("The offset is of another stream than the one at " + ack.path() + ".");
        }
        if (ack.position() < current.acked()) {
            return new InvalidOffset("The cursor in " + ack.path() + " is already further.");
        }
        // The fact may be about an earlier stream at the path.
        if (tail == null || tail.streamId() != current.streamId() || ack.position() > tail.position()) {
            return new InvalidOffset("The offset is beyond the tail of " + ack.path() + ".");
        }
        return null;
    }

    private static SubscriptionOutcome release(SubscriptionState s, Release c, SubscriptionTx tx) {
        if (!s.holds(c.generation(), c.wakeId(), c.time())) {
            return new Fenced();
        }
        wakeIfPending(meet(tx.put(s.idle()), c.tails(), tx), c.tails(), c.nextWakeId(), c.time(), tx);
        return new Done();
    }

    private static SubscriptionOutcome expire(SubscriptionState s, Expire c, SubscriptionTx tx) {
        Wake wake = s.wake();
        if (wake != null && wake.id().equals(c.wakeId()) && wake.isOver(c.time())) {
            // A webhook that used up all of its time counts as failed. Otherwise a dead one would be called without a
            // pause.
            boolean lost = !wake.delivered() && s.nextAttemptAt() <= c.time();
            SubscriptionState now = tx.put(lost ? s.failed(c.retryAt()).idle() : s.idle());
            wakeIfPending(meet(now, c.tails(), tx), c.tails(), c.nextWakeId(), c.time(), tx);
        }
        return new Done();
    }

    private static SubscriptionOutcome delivered(SubscriptionState s, Delivered c, SubscriptionTx tx) {
        Wake wake = s.wake();
        if (wake != null && wake.id().equals(c.wakeId()) && !wake.delivered()) {
            tx.put(s.delivered());
        }
        return new Done();
    }

    private static SubscriptionOutcome deliveryFailed(SubscriptionState s, DeliveryFailed c, SubscriptionTx tx) {
        Wake wake = s.wake();
        if (wake != null && wake.id().equals(c.wakeId()) && !wake.delivered()) {
            tx.put(s.failed(c.retryAt()));
        }
        return new Done();
    }
}
