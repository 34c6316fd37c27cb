package dev.parley.engine.subscription;

import dev.parley.engine.stream.StreamState;
import dev.parley.engine.subscription.SubscriptionCommand.Gone;
import dev.parley.engine.subscription.SubscriptionState.Wake;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Determines what is due for a subscription. This follows from its state alone, so nothing is forgotten over a restart,
 * and it does no harm to ask too often.
 */
public final class Upkeep {
    /**
     * The number of pending streams that a command names. One is enough for a wake, unless it is processed meanwhile.
     */
    public static final int MAX_PENDING = 16;

    /**
     * The number of streams that one {@link SubscriptionCommand.Notice} links, or one {@link
     * SubscriptionCommand.Forget} unlinks.
     */
    public static final int MAX_NOTICED = 256;

    private final Function<String, @Nullable StreamState> streams;

    /**
     * @param streams the stream at a path as it is now, or null
     */
    public Upkeep(Function<String, @Nullable StreamState> streams) {
        this.streams = streams;
    }

    /** What is due. */
    public sealed interface Due {}

    /**
     * Nothing is due before {@code time}, in milliseconds since 1970; {@link Long#MAX_VALUE} if only news can change
     * that.
     */
    public record At(long time) implements Due {}

    /** There is something to do and no wake: submit a notice of {@code tails}. */
    public record WakeUp(List<StreamTail> tails) implements Due {}

    /** The wake's lease is over: submit an {@link SubscriptionCommand.Expire}. */
    public record LeaseOver(Wake wake) implements Due {}

    /** The wake is not delivered yet: deliver it, and again when {@link At}. */
    public record Deliver(Wake wake) implements Due {}

    /** What is due at {@code now} for {@code subscription}. */
    public Due due(Subscription subscription, long now) {
        SubscriptionState s = subscription.state();
        Wake wake = s.wake();
        if (wake == null) {
            if (s.nextAttemptAt() > now) {
                return new At(s.nextAttemptAt());
            }
            List<StreamTail> pending = pending(subscription, now);
            return pending.isEmpty() ? new At(Long.MAX_VALUE) : new WakeUp(pending);
        }
        if (wake.isOver(now)) {
            return new LeaseOver(wake);
        }
        if (!wake.delivered() && s.nextAttemptAt() <= now) {
            return new Deliver(wake);
        }
        long leaseUntil = wake.leaseUntil() == SubscriptionState.NO_LEASE ? Long.MAX_VALUE : wake.leaseUntil();
        return new At(wake.delivered() ? leaseUntil : Math.min(leaseUntil, s.nextAttemptAt()));
    }

    /** A link, and the tail of its stream. */
    public record Standing(Link link, StreamTail tail) {
        /** Whether there is something to process. */
        public boolean isPending() {
            return link.isPending(tail);
        }
    }

    /** All links with the tails of their streams at {@code now}. */
    public List<Standing> standings(Subscription subscription, long now) {
        List<Standing> standings = new ArrayList<>();
        for (Link link : subscription.links()) {
            StreamTail tail = tail(link.path(), now);
            standings.add(new Standing(current(link, tail), tail));
        }
        return standings;
    }

    private static Link current(Link link, StreamTail tail) {
        return link.isOutdatedBy(tail) ? link.to(tail) : link;
    }

    /** The streams that have something to process, at most {@link #MAX_PENDING}. */
    public List<StreamTail> pending(Subscription subscription, long now) {
        return pendingAfter(subscription, Map.of(), now);
    }

    /** The streams that have something to process after the cursors were moved to {@code acked}. */
    public List<StreamTail> pendingAfter(Subscription subscription, Map<String, Long> acked, long now) {
        List<StreamTail> pending = new ArrayList<>();
        for (Link link : subscription.links()) {
            StreamTail tail = tail(link.path(), now);
            if (current(link, tail).isPending(tail) && tail.position() > acked.getOrDefault(link.path(), Link.START)) {
                pending.add(tail);
                if (pending.size() == MAX_PENDING) {
                    break;
                }
            }
        }
        return pending;
    }

    /**
     * The streams among {@code paths} that belong in a {@link SubscriptionCommand.Notice}: streams that the
     * subscription should be linked to, and, if it is idle, streams that have something to process. At most {@link
     * #MAX_NOTICED}.
     *
     * @param hasRoom whether there is memory for a link to the stream at a path; asked once for each stream that
     *     belongs in the notice
     */
    public List<StreamTail> noteworthy(
            Subscription subscription, Collection<String> paths, long now, Predicate<String> hasRoom) {
        SubscriptionState s = subscription.state();
        int room = SubscriptionMachine.MAX_LINKS - s.links();
        List<StreamTail> noteworthy = new ArrayList<>();
        for (String path : paths) {
            StreamTail tail = tail(path, now);
            Link link = subscription.link(path);
            boolean matters;
            if (link != null) {
                matters = link.isOutdatedBy(tail) || (s.mayWake(now) && link.isPending(tail));
            } else {
                matters = tail.streamId() != StreamTail.UNBORN
                        && room > 0
                        && s.config().matches(path)
                        && hasRoom.test(path);
                room -= matters ? 1 : 0;
            }
            if (matters) {
                noteworthy.add(tail);
                if (noteworthy.size() == MAX_NOTICED) {
                    break;
                }
            }
        }
        return noteworthy;
    }

    /**
     * The streams at {@code paths} that belong in a {@link SubscriptionCommand.Forget}: they do not exist any more, and
     * were linked by the pattern only. At most {@link #MAX_NOTICED}.
     */
    public List<Gone> gone(Subscription subscription, Collection<String> paths) {
        List<Gone> gone = new ArrayList<>();
        for (String path : paths) {
            Link link = subscription.link(path);
            if (link != null && !link.explicit()) {
                StreamState stream = streams.apply(path);
                if (stream == null || stream.deleted()) {
                    gone.add(new Gone(path, link.streamId()));
                    if (gone.size() == MAX_NOTICED) {
                        break;
                    }
                }
            }
        }
        return gone;
    }

    /** The tail of the stream at {@code path}. */
    public StreamTail tail(String path, long now) {
        StreamState stream = streams.apply(path);
        return stream == null || !stream.visible(now)
                ? new StreamTail(path, StreamTail.UNBORN, 0)
                : new StreamTail(path, stream.id(), stream.shown());
    }
}
