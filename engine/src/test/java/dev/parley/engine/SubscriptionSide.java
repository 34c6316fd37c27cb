package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Owner;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.StoreTx;
import dev.parley.engine.subscription.Link;
import dev.parley.engine.subscription.StreamTail;
import dev.parley.engine.subscription.Subscription;
import dev.parley.engine.subscription.SubscriptionCommand;
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
import dev.parley.engine.subscription.SubscriptionConfig;
import dev.parley.engine.subscription.SubscriptionConfig.PullWake;
import dev.parley.engine.subscription.SubscriptionConfig.Webhook;
import dev.parley.engine.subscription.SubscriptionMachine;
import dev.parley.engine.subscription.SubscriptionOutcome;
import dev.parley.engine.subscription.SubscriptionState;
import dev.parley.engine.subscription.SubscriptionState.Wake;
import dev.parley.engine.subscription.SubscriptionTx;
import dev.parley.engine.subscription.Subscriptions;
import dev.parley.engine.subscription.Upkeep;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The subscriptions of a {@link History}, or of one node of a {@link ClusterHistory}: what clients, workers and the dispatcher ask, and what must hold. Facts in their
 * commands grow old on the way, workers are slow or dead, deliveries fail.
 *
 * <p>What a command comes to says the machine itself, over a store of its own in which each command is a batch and nothing
 * crashes. That its rules are right is {@code SubscriptionMachineTest}'s to show, and that of the checks here.
 */
final class SubscriptionSide implements Subscriptions.Watcher {
    private static final List<String> IDS = List.of("hook", "pool");
    private static final List<Owner> OWNERS =
            List.of(new Owner("app", "one"), new Owner("app", "other"), new Owner("", "7f000001"));
    private static final String NAMED = "a";
    private static final long LEASE_MILLIS = 40;
    private static final int MAX_TOKENS = 50;
    private static final int MAX_ROUNDS = 1_000;

    /** Lets all commands that wait be committed and applied. */
    interface Drain {
        void run() throws IOException;
    }

    private record Token(String id, long generation, String wakeId) {}

    /** What the dispatcher has going on about one subscription; a start forgets it. */
    private static final class Desk {
        private final long incarnation;
        private final Set<String> changed = new TreeSet<>();
        private boolean busy;

        Desk(long incarnation, Collection<String> paths) {
            this.incarnation = incarnation;
            changed.addAll(paths);
        }
    }

    private final String name;
    private final SplittableRandom random;
    private final List<String> paths;
    private final Store store = new SimulatedStore();
    private final Subscriptions reference =
            new Subscriptions(store, Memory.ofHeap().subscriptions());

    /** Every token there ever was, or the newest of them. */
    private final List<Token> tokens = new ArrayList<>();

    private final Map<Long, Long> generations = new HashMap<>();
    private final Map<String, Desk> desks = new HashMap<>();

    /** Streams of whose change the dispatcher has heard. */
    private final Set<String> news = new TreeSet<>();

    private boolean noRoom;
    private int made;

    /**
     * @param name with which the ids of wakes begin that this side makes up
     * @param paths where streams come and go
     */
    SubscriptionSide(String name, SplittableRandom random, List<String> paths) {
        this.name = name;
        this.random = random;
        this.paths = paths;
    }

    private <T> T oneOf(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    private String wakeId() {
        return name + made++;
    }

    // What clients and workers ask.

    SubscriptionCommand<?> command(Projections seen, long now) {
        String id = oneOf(IDS);
        Subscription subscription = seen.subscriptions().find(id);
        Upkeep upkeep = new Upkeep(seen.streams()::find);
        if (subscription == null) {
            return create(id, upkeep, now);
        }
        return switch (random.nextInt(12)) {
            case 0 -> random.nextInt(3) == 0 ? new Delete(id, now) : create(id, upkeep, now);
            case 1, 2 -> new AddStreams(id, now, List.of(upkeep.tail(NAMED, now)));
            case 3 -> new RemoveStream(id, now, NAMED);
            default -> work(subscription, upkeep, now);
        };
    }

    private Create create(String id, Upkeep upkeep, long now) {
        boolean hook = id.equals("hook");
        SubscriptionConfig config = new SubscriptionConfig(
                hook ? new Webhook("https://worker.example") : new PullWake("b"),
                hook ? "dir/*" : "**",
                random.nextInt(20) == 0 ? List.of() : List.of(NAMED),
                LEASE_MILLIS,
                null);
        List<StreamTail> tails = new ArrayList<>();
        for (String path : paths) {
            StreamTail tail = upkeep.tail(path, now);
            if (config.streams().contains(path) || (tail.streamId() != StreamTail.UNBORN && config.matches(path))) {
                tails.add(tail);
            }
        }
        Owner owner = random.nextInt(4) == 0 ? null : oneOf(OWNERS);
        return new Create(id, now, config, "http://here", owner, tails);
    }

    /** What workers do: claim, and report with the right token or an old one. */
    private SubscriptionCommand<?> work(Subscription subscription, Upkeep upkeep, long now) {
        String id = subscription.state().id();
        if (tokens.isEmpty() || (!subscription.state().isWebhook() && random.nextBoolean())) {
            return new Claim(id, now, "worker", upkeep.pending(subscription, now), wakeId());
        }
        Token token = random.nextBoolean() ? tokens.getLast() : oneOf(tokens);
        if (!token.id.equals(id) || random.nextInt(4) == 0) {
            return new Release(token.id, now, token.generation, token.wakeId, List.of(), wakeId());
        }
        List<Acked> acks = new ArrayList<>();
        List<StreamTail> tails = new ArrayList<>();
        Map<String, Long> to = new HashMap<>();
        for (Upkeep.Standing standing : upkeep.standings(subscription, now)) {
            if (standing.isPending() && random.nextInt(4) > 0) {
                long from = Math.max(0, standing.link().acked());
                long position = from + random.nextLong(standing.tail().position() - from + 1);
                acks.add(new Acked(standing.tail().path(), position));
                to.put(standing.tail().path(), position);
                tails.add(standing.tail());
            }
        }
        tails.addAll(upkeep.pendingAfter(subscription, to, now));
        return new Ack(id, now, token.generation, token.wakeId, acks, random.nextBoolean(), tails, wakeId());
    }

    // What the dispatcher does.

    /** After a start it looks at everything. */
    void start(Subscriptions subscriptions) {
        desks.clear();
        news.clear();
        subscriptions.watch(this);
    }

    @Override
    public void streamsChanged(Collection<String> changed) {
        news.addAll(changed);
    }

    @Override
    public void subscriptionsChanged(Collection<String> ids) {
        // It looks at all of them in every step.
    }

    /** A step for each subscription; false if nothing was to be done. */
    boolean dispatch(Pipeline running, long now) {
        Subscriptions subscriptions = running.projections().subscriptions();
        for (String path : news) {
            subscriptions.following(path, subscription -> {
                Desk desk = desks.get(subscription.state().id());
                if (desk != null) {
                    desk.changed.add(path);
                }
            });
        }
        news.clear();
        boolean any = false;
        for (String id : IDS) {
            Subscription subscription = subscriptions.find(id);
            if (subscription == null) {
                desks.remove(id);
            } else {
                any |= dispatch(running, subscription, now);
            }
        }
        return any;
    }

    private boolean dispatch(Pipeline running, Subscription subscription, long now) {
        SubscriptionState s = subscription.state();
        Desk desk = desks.get(s.id());
        if (desk == null || desk.incarnation != s.incarnation()) {
            desk = new Desk(s.incarnation(), paths);
            desks.put(s.id(), desk);
        }
        if (desk.busy) {
            return false;
        }
        SubscriptionCommand<?> command =
                next(subscription, desk, new Upkeep(running.projections().streams()::find), now);
        if (command == null) {
            return false;
        }
        desk.busy = true;
        running.submit(command, new Reported<>(desk));
        return true;
    }

    private @Nullable SubscriptionCommand<?> next(Subscription subscription, Desk desk, Upkeep upkeep, long now) {
        SubscriptionState s = subscription.state();
        List<Gone> gone = upkeep.gone(subscription, desk.changed);
        if (!gone.isEmpty()) {
            return new Forget(s.id(), now, gone);
        }
        List<StreamTail> tails = upkeep.noteworthy(subscription, desk.changed, now, path -> true);
        if (!tails.isEmpty()) {
            return new Notice(s.id(), now, tails, wakeId());
        }
        desk.changed.clear();
        return switch (upkeep.due(subscription, now)) {
            case Upkeep.At at -> null;
            case Upkeep.WakeUp wakeUp -> new Notice(s.id(), now, wakeUp.tails(), wakeId());
            case Upkeep.LeaseOver over ->
                new Expire(s.id(), now, over.wake().id(), now + 20, upkeep.pending(subscription, now), wakeId());
            case Upkeep.Deliver deliver -> delivery(s, deliver.wake(), now);
        };
    }

    private SubscriptionCommand<?> delivery(SubscriptionState s, Wake wake, long now) {
        if (s.isWebhook()) {
            know(new Token(s.id(), s.generation(), wake.id()));
        }
        return random.nextInt(3) == 0
                ? new DeliveryFailed(s.id(), now, wake.id(), now + 1 + random.nextLong(2 * LEASE_MILLIS))
                : new Delivered(s.id(), now, wake.id());
    }

    private void know(Token token) {
        tokens.add(token);
        if (tokens.size() > MAX_TOKENS) {
            tokens.removeFirst();
        }
    }

    private final class Reported<O> implements Reply<O> {
        private final Desk desk;

        Reported(Desk desk) {
            this.desk = desk;
        }

        @Override
        public void done(O outcome) {
            desk.busy = false;
        }

        @Override
        public void failed(Exception failure) {
            desk.busy = false;
            noRoom |= !(failure instanceof OverloadedException);
        }
    }

    // What must hold.

    /** What a durable command comes to. */
    SubscriptionOutcome happen(long position, SubscriptionCommand<?> command, Model streams) {
        Subscription known = reference.find(command.id());
        SubscriptionState was = known == null ? null : known.state();
        Map<String, Link> linksBefore = new HashMap<>();
        if (known != null) {
            known.links().forEach(link -> linksBefore.put(link.path(), link));
        }
        StoreTx rows = new StoreTx(store);
        SubscriptionTx tx = new SubscriptionTx(reference, rows);
        SubscriptionOutcome outcome = SubscriptionMachine.apply(command, position, tx);
        tx.write();
        rows.commit();
        tx.show();
        if (outcome instanceof SubscriptionOutcome.Claimed claimed) {
            know(new Token(command.id(), claimed.generation(), claimed.wakeId()));
        }
        Subscription after = reference.find(command.id());
        if (after != null) {
            checkFencing(command, outcome, was);
            if (outcome instanceof SubscriptionOutcome.Fenced || outcome instanceof SubscriptionOutcome.InvalidOffset) {
                assertThat(after.state()).isEqualTo(was);
                assertThat(after.links()).hasSameElementsAs(linksBefore.values());
            }
            checkCursors(command, was, linksBefore, after, streams);
        }
        return outcome;
    }

    private static void checkFencing(
            SubscriptionCommand<?> command, SubscriptionOutcome outcome, @Nullable SubscriptionState was) {
        if (command instanceof Ack ack && was != null) {
            Wake wake = was.wake();
            boolean current = wake != null
                    && wake.id().equals(ack.wakeId())
                    && was.generation() == ack.generation()
                    && !(wake.leaseUntil() != SubscriptionState.NO_LEASE && wake.leaseUntil() <= ack.time());
            assertThat(outcome instanceof SubscriptionOutcome.Fenced).isNotEqualTo(current);
        }
    }

    private void checkCursors(
            SubscriptionCommand<?> command,
            @Nullable SubscriptionState was,
            Map<String, Link> linksBefore,
            Subscription after,
            Model streams) {
        SubscriptionState is = after.state();
        assertThat(is.links()).isEqualTo(after.links().size());
        long generation = generations.merge(is.incarnation(), is.generation(), Math::max);
        assertThat(is.generation()).as("the generation never decreases").isEqualTo(generation);
        for (Link link : after.links()) {
            if (link.streamId() != StreamTail.UNBORN) {
                assertThat(link.acked())
                        .as("cursor in %s", link.path())
                        .isLessThanOrEqualTo(streams.ever(link.streamId()).units.size());
            }
            Link old = linksBefore.get(link.path());
            if (was != null && was.incarnation() == is.incarnation() && old != null) {
                assertThat(link.streamId()).isGreaterThanOrEqualTo(old.streamId());
                if (link.streamId() == old.streamId()) {
                    assertThat(link.acked()).as("no cursor goes back").isGreaterThanOrEqualTo(old.acked());
                    if (link.acked() > old.acked()) {
                        assertThat(command).as("only workers move cursors").isInstanceOf(Ack.class);
                    }
                }
            }
        }
    }

    /** Compares all that can be read, when nothing waits. */
    void compare(Subscriptions subscriptions) {
        assertThat(subscriptions.count()).isEqualTo(reference.count());
        for (Subscription expected : reference.all()) {
            Subscription found = subscriptions.find(expected.state().id());
            assertThat(found).isNotNull();
            assertThat(found.state()).isEqualTo(expected.state());
            assertThat(found.links()).containsExactlyElementsOf(expected.links());
            assertThat(found.room().held())
                    .as("what counts for %s", found.state().owner())
                    .isEqualTo(expected.room().held());
        }
        assertThat(subscriptions.memory().held()).isEqualTo(reference.memory().held());
    }

    /** Lets the dispatcher do what is due until nothing is, and looks whether everybody is served then. */
    void comeToRest(Pipeline running, long now, Drain drain) throws IOException {
        int rounds = 0;
        do {
            assertThat(rounds++).as("it comes to rest").isLessThan(MAX_ROUNDS);
            drain.run();
            noRoom = false;
        } while (dispatchAndDrain(running, now, drain));
        if (!noRoom && !running.hasFailed()) {
            checkEverybodyIsServed(running.projections(), now);
        }
    }

    private boolean dispatchAndDrain(Pipeline running, long now, Drain drain) throws IOException {
        boolean any = dispatch(running, now);
        drain.run();
        return any && !noRoom && !running.hasFailed();
    }

    /** Whoever has something to do has a wake that somebody may take, or is waiting for the next attempt. */
    private void checkEverybodyIsServed(Projections seen, long now) {
        Upkeep upkeep = new Upkeep(seen.streams()::find);
        for (Subscription subscription : seen.subscriptions().all()) {
            SubscriptionState s = subscription.state();
            if (!upkeep.pending(subscription, now).isEmpty()) {
                assertThat(s.wake() != null || s.nextAttemptAt() > now)
                        .as("%s has a wake in flight", s)
                        .isTrue();
            }
            for (String path : paths) {
                if (upkeep.tail(path, now).streamId() != StreamTail.UNBORN
                        && s.config().matches(path)) {
                    assertThat(subscription.link(path))
                            .as("%s follows %s", s.id(), path)
                            .isNotNull();
                }
            }
        }
    }

    /** With workers that do their work, all of it gets done. Returns what time it is then. */
    long finish(Pipeline running, long from, Drain drain) throws IOException {
        long now = from;
        Projections seen = running.projections();
        Upkeep upkeep = new Upkeep(seen.streams()::find);
        for (String id : IDS) {
            comeToRest(running, now, drain);
            Subscription subscription = seen.subscriptions().find(id);
            for (int round = 0;
                    subscription != null && !upkeep.pending(subscription, now).isEmpty();
                    round++) {
                assertThat(round).as("the work of %s ends", id).isLessThan(MAX_ROUNDS);
                now += LEASE_MILLIS;
                comeToRest(running, now, drain);
                if (!subscription.state().isWebhook()) {
                    running.submit(
                            new Claim(id, now, "diligent", upkeep.pending(subscription, now), wakeId()),
                            Forks.ignore());
                    drain.run();
                }
                SubscriptionState s = subscription.state();
                Wake wake = s.wake();
                if (wake != null) {
                    List<StreamTail> tails = upkeep.pending(subscription, now);
                    List<Acked> acks = tails.stream()
                            .map(tail -> new Acked(tail.path(), tail.position()))
                            .toList();
                    running.submit(
                            new Ack(id, now, s.generation(), wake.id(), acks, true, tails, wakeId()), Forks.ignore());
                    drain.run();
                }
            }
        }
        return now;
    }

    /** Deletes all of them. */
    void delete(Pipeline running, long now, Drain drain) throws IOException {
        for (String id : new HashSet<>(IDS)) {
            running.submit(new Delete(id, now), Forks.ignore());
            drain.run();
        }
    }
}
