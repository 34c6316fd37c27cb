package dev.parley.engine.subscription;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.stream.StreamState;
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
import dev.parley.engine.subscription.SubscriptionConfig.PullWake;
import dev.parley.engine.subscription.SubscriptionConfig.Target;
import dev.parley.engine.subscription.SubscriptionConfig.Webhook;
import dev.parley.engine.subscription.SubscriptionState.Wake;
import dev.parley.engine.subscription.Upkeep.Due;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A life of two subscriptions by chance: streams come, grow and go, workers are slow or dead, commands arrive late and in
 * any order, deliveries fail, the process crashes.
 */
final class SubscriptionLife {
    private static final int STEPS = 2_000;
    private static final long LEASE = 1_000;
    private static final List<String> IDS = List.of("hook", "pool");
    private static final List<String> PATHS = List.of("events/a", "events/b", "events/c", "manual/x", "wakes");

    private final Map<String, StreamState> streams = new HashMap<>();
    private final Upkeep upkeep = new Upkeep(streams::get);

    /** Commands on their way, with facts that grow old meanwhile. */
    private final List<SubscriptionCommand<?>> underway = new ArrayList<>();

    /** What a dispatcher has heard of and not looked at yet. */
    private final Set<String> changed = new HashSet<>();

    /** Every token there ever was. */
    private final List<Token> tokens = new ArrayList<>();

    private final Map<Long, Long> generations = new HashMap<>();
    private final Map<Long, Long> longest = new HashMap<>();
    private long now = 1;
    private long names;

    private final Random random;
    private final Ledger ledger;

    private record Token(String id, long generation, String wakeId) {}

    SubscriptionLife(long seed, Ledger ledger) {
        this.random = new Random(seed);
        this.ledger = ledger;
    }

    void run() {
        for (int i = 0; i < STEPS; i++) {
            step();
        }
        quieten();
        assertEverybodyIsServed();
        finishAllWork();
        IDS.forEach(id -> ledger.apply(new Delete(id, now)));
    }

    private void step() {
        switch (random.nextInt(12)) {
            case 0, 1, 2 -> changeStream(pick(PATHS));
            case 3 -> now += random.nextLong(LEASE);
            case 4, 5 -> dispatch(pick(IDS));
            case 6, 7 -> work(pick(IDS));
            case 8 -> manage(pick(IDS));
            case 9 -> {
                if (random.nextInt(20) == 0) {
                    crash();
                }
            }
            default -> deliverOne();
        }
    }

    private <T> T pick(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    private String name() {
        return "w" + names++;
    }

    private void changeStream(String path) {
        StreamState stream = streams.get(path);
        if (stream == null) {
            long id = ++names;
            streams.put(path, stream(path, id, random.nextInt(3)));
        } else if (random.nextInt(10) == 0) {
            streams.remove(path);
        } else {
            streams.put(path, stream(path, stream.id(), stream.tail() + 1 + random.nextInt(3)));
        }
        StreamState after = streams.get(path);
        if (after != null) {
            longest.merge(after.id(), after.tail(), Math::max);
        }
        changed.add(path);
    }

    private static StreamState stream(String path, long id, long tail) {
        return new StreamState(
                path, id, "text/plain", -1, -1, 0, 0, 0, tail, tail, 0, false, null, null, 0, false, null);
    }

    /** What a dispatcher does: see what is due and submit it. */
    private void dispatch(String id) {
        Subscription subscription = ledger.subscriptions().find(id);
        if (subscription == null) {
            return;
        }
        SubscriptionState s = subscription.state();
        List<Gone> gone = upkeep.gone(subscription, changed);
        if (!gone.isEmpty()) {
            underway.add(new Forget(id, now, gone));
        }
        List<StreamTail> tails = upkeep.noteworthy(subscription, changed, now);
        if (!tails.isEmpty()) {
            underway.add(new Notice(id, now, tails, name()));
        }
        Due due = upkeep.due(subscription, now);
        switch (due) {
            case Upkeep.At at -> {}
            case Upkeep.WakeUp wakeUp -> underway.add(new Notice(id, now, wakeUp.tails(), name()));
            case Upkeep.LeaseOver over ->
                underway.add(
                        new Expire(id, now, over.wake().id(), now + 500, upkeep.pending(subscription, now), name()));
            case Upkeep.Deliver deliver -> deliver(s, deliver.wake());
        }
    }

    private void deliver(SubscriptionState s, Wake wake) {
        if (s.isWebhook()) {
            tokens.add(new Token(s.id(), s.generation(), wake.id()));
        }
        underway.add(
                random.nextInt(3) == 0
                        ? new DeliveryFailed(s.id(), now, wake.id(), now + random.nextLong(2 * LEASE))
                        : new Delivered(s.id(), now, wake.id()));
    }

    /** What workers do: claim, and report with the right token or an old one. */
    private void work(String id) {
        Subscription subscription = ledger.subscriptions().find(id);
        if (subscription == null) {
            return;
        }
        if (!subscription.state().isWebhook() && random.nextBoolean()) {
            underway.add(new Claim(id, now, "worker", upkeep.pending(subscription, now), name()));
        } else if (!tokens.isEmpty()) {
            Token token = random.nextBoolean() ? tokens.getLast() : pick(tokens);
            underway.add(report(token, random.nextInt(4) > 0, random.nextBoolean()));
        }
    }

    private SubscriptionCommand<?> report(Token token, boolean acks, boolean done) {
        Subscription subscription = ledger.subscriptions().find(token.id());
        if (subscription == null || !acks) {
            return new Release(token.id(), now, token.generation(), token.wakeId(), List.of(), name());
        }
        List<Acked> acked = new ArrayList<>();
        List<StreamTail> tails = new ArrayList<>();
        Map<String, Long> to = new HashMap<>();
        for (Upkeep.Standing standing : upkeep.standings(subscription, now)) {
            if (standing.isPending() && random.nextInt(4) > 0) {
                long from = Math.max(0, standing.link().acked());
                long position = from + random.nextLong(standing.tail().position() - from + 1);
                acked.add(new Acked(standing.tail().path(), position));
                to.put(standing.tail().path(), position);
                tails.add(standing.tail());
            }
        }
        tails.addAll(upkeep.pendingAfter(subscription, to, now));
        return new Ack(token.id(), now, token.generation(), token.wakeId(), acked, done, tails, name());
    }

    private void manage(String id) {
        Subscription subscription = ledger.subscriptions().find(id);
        if (subscription == null) {
            List<StreamTail> tails = new ArrayList<>();
            SubscriptionConfig config = config(id);
            for (String path : PATHS) {
                if (config.streams().contains(path) || (streams.containsKey(path) && config.matches(path))) {
                    tails.add(upkeep.tail(path, now));
                }
            }
            underway.add(new Create(id, now, config, "http://here", tails));
            return;
        }
        switch (random.nextInt(10)) {
            case 0 -> underway.add(new Delete(id, now));
            case 1, 2, 3 -> underway.add(new AddStreams(id, now, List.of(upkeep.tail("manual/x", now))));
            case 4, 5 -> underway.add(new RemoveStream(id, now, "manual/x"));
            default -> {}
        }
    }

    private static SubscriptionConfig config(String id) {
        Target target = id.equals("hook") ? new Webhook("https://worker.example") : new PullWake("wakes");
        return new SubscriptionConfig(target, id.equals("hook") ? "events/*" : "**", List.of("manual/x"), LEASE, null);
    }

    private void deliverOne() {
        if (!underway.isEmpty()) {
            apply(underway.remove(random.nextInt(underway.size())));
        }
    }

    /** What was underway is lost or has become durable; a dispatcher that starts looks at everything. */
    private void crash() {
        while (random.nextInt(3) > 0) {
            deliverOne();
        }
        underway.clear();
        Map<String, SubscriptionState> states = new HashMap<>();
        Map<String, List<Link>> links = new HashMap<>();
        ledger.subscriptions().all().forEach(known -> {
            states.put(known.state().id(), known.state());
            links.put(known.state().id(), List.copyOf(known.links()));
        });
        ledger.restart();
        assertThat(ledger.subscriptions().count()).isEqualTo(states.size());
        ledger.subscriptions().all().forEach(known -> {
            assertThat(known.state()).isEqualTo(states.get(known.state().id()));
            assertThat(known.links())
                    .containsExactlyElementsOf(links.get(known.state().id()));
        });
        changed.addAll(PATHS);
    }

    private void apply(SubscriptionCommand<?> command) {
        Subscription before = ledger.subscriptions().find(command.id());
        SubscriptionState was = before == null ? null : before.state();
        Map<String, Link> linksBefore = new HashMap<>();
        if (before != null) {
            before.links().forEach(link -> linksBefore.put(link.path(), link));
        }
        SubscriptionOutcome outcome = ledger.apply(command);
        if (outcome instanceof SubscriptionOutcome.Claimed claimed) {
            tokens.add(new Token(command.id(), claimed.generation(), claimed.wakeId()));
        }
        Subscription after = ledger.subscriptions().find(command.id());
        if (after == null) {
            return;
        }
        checkFencing(command, outcome, was);
        if (outcome instanceof SubscriptionOutcome.Fenced || outcome instanceof SubscriptionOutcome.InvalidOffset) {
            assertThat(after.state()).isEqualTo(was);
            assertThat(after.links()).hasSameElementsAs(linksBefore.values());
        }
        SubscriptionState is = after.state();
        assertThat(is.links()).isEqualTo(after.links().size());
        long generation = generations.merge(is.incarnation(), is.generation(), Math::max);
        assertThat(is.generation()).as("the generation never decreases").isEqualTo(generation);
        for (Link link : after.links()) {
            assertThat(link.acked()).isLessThanOrEqualTo(longest.getOrDefault(link.streamId(), 0L));
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

    /** Lets everything underway arrive, and the dispatcher do what is due until nothing is. */
    private void quieten() {
        boolean busy = true;
        for (int round = 0; busy; round++) {
            assertThat(round).as("it comes to rest").isLessThan(1_000);
            while (!underway.isEmpty()) {
                deliverOne();
            }
            IDS.forEach(this::dispatch);
            busy = !underway.isEmpty();
            if (!busy) {
                changed.clear();
            }
        }
    }

    /** Whoever has something to do has a wake that somebody may take, or is waiting for the next attempt. */
    private void assertEverybodyIsServed() {
        for (Subscription subscription : ledger.subscriptions().all()) {
            SubscriptionState s = subscription.state();
            if (!upkeep.pending(subscription, now).isEmpty()) {
                assertThat(s.wake() != null || s.nextAttemptAt() > now)
                        .as("%s has a wake in flight", s)
                        .isTrue();
            }
            for (String path : PATHS) {
                if (streams.containsKey(path) && s.config().matches(path)) {
                    assertThat(subscription.link(path))
                            .as("%s follows %s", s.id(), path)
                            .isNotNull();
                }
            }
        }
    }

    /** With workers that do their work, all of it gets done. */
    private void finishAllWork() {
        for (Subscription subscription : ledger.subscriptions().all()) {
            String id = subscription.state().id();
            for (int round = 0; !upkeep.pending(subscription, now).isEmpty(); round++) {
                assertThat(round).as("the work of %s ends", id).isLessThan(1_000);
                now += LEASE;
                quieten();
                if (!subscription.state().isWebhook()) {
                    apply(new Claim(id, now, "diligent", upkeep.pending(subscription, now), name()));
                }
                SubscriptionState s = subscription.state();
                Wake wake = s.wake();
                if (wake != null) {
                    List<StreamTail> tails = upkeep.pending(subscription, now);
                    List<Acked> acks = tails.stream()
                            .map(tail -> new Acked(tail.path(), tail.position()))
                            .toList();
                    apply(new Ack(id, now, s.generation(), wake.id(), acks, true, tails, name()));
                }
            }
        }
    }
}
