package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Room;
import dev.parley.engine.subscription.Link;
import dev.parley.engine.subscription.StreamTail;
import dev.parley.engine.subscription.Subscription;
import dev.parley.engine.subscription.SubscriptionCommand;
import dev.parley.engine.subscription.SubscriptionCommand.Expire;
import dev.parley.engine.subscription.SubscriptionCommand.Forget;
import dev.parley.engine.subscription.SubscriptionCommand.Gone;
import dev.parley.engine.subscription.SubscriptionCommand.Notice;
import dev.parley.engine.subscription.SubscriptionMachine;
import dev.parley.engine.subscription.SubscriptionOutcome;
import dev.parley.engine.subscription.SubscriptionState;
import dev.parley.engine.subscription.Subscriptions;
import dev.parley.engine.subscription.Upkeep;
import dev.parley.server.ops.Health;
import dev.parley.server.webhook.Chance;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does what is due for every subscription: links the streams that its pattern covers, wakes its workers, delivers wakes, and
 * ends leases.
 *
 * <p>What is due follows from the state of the engine, so nothing has to be remembered over a restart. One thread does all of
 * it, except for deliveries and for the scans of all streams.
 */
final class Dispatcher implements Subscriptions.Watcher, AutoCloseable {
    /** The name of this part in health. */
    private static final String PART = "subscriptions";

    /** Pause after the engine refused a command, or a step failed. */
    private static final long PAUSE_MILLIS = 1_000;

    /** The longest sleep. If the clock is set, deadlines are missed by no more than this. */
    private static final long MAX_SLEEP_MILLIS = 10_000;

    /** If there was no memory to link streams, they are looked for again when this part of the memory is free. */
    private static final int MEMORY_PER_SCAN = 64;

    private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);

    private final Engine engine;
    private final Subscriptions subscriptions;
    private final Upkeep upkeep;
    private final Deliveries deliveries;
    private final InstantSource clock;
    private final Health health;
    private final Counter failures;
    private final News news = new News();
    private final Map<String, Desk> desks = new HashMap<>();
    private final TreeSet<Timer> timers = new TreeSet<>();
    private final PatternScan scan;

    /** News that could not be handled, and will be handled again after a pause. */
    private News.Batch failed = new News.Batch();

    private long failedUntil;

    /** Subscriptions whose last step has failed. */
    private final Set<Desk> failing = new HashSet<>();

    /** Where there was no memory to link streams, which therefore are not linked yet. */
    private final Set<Room> cramped = new HashSet<>();

    private volatile boolean stepsFailing;

    private final Thread thread;

    private record Timer(long at, String id) implements Comparable<Timer> {
        @Override
        public int compareTo(Timer other) {
            int order = Long.compare(at, other.at);
            return order == 0 ? id.compareTo(other.id) : order;
        }
    }

    /** What is in progress for one subscription. */
    private static final class Desk {
        private final String id;
        private final long incarnation;

        /** Streams that have changed, and have not been checked since. */
        private final Set<String> changed = new HashSet<>();

        /** Whether the subscription itself has changed, or something may be due for it. */
        private boolean look = true;

        /** Whether a command for it has no outcome yet. There is one at a time. */
        private boolean busy;

        /** The wake that is being delivered, or null. */
        private @Nullable String delivering;

        private long pausedUntil;
        private @Nullable Timer timer;

        Desk(SubscriptionState state) {
            id = state.id();
            incarnation = state.incarnation();
        }
    }

    Dispatcher(
            Engine engine,
            Executor reads,
            Upkeep upkeep,
            Deliveries deliveries,
            InstantSource clock,
            Health health,
            MeterRegistry meters) {
        this.health = health;
        this.failures = Counter.builder("parley.subscriptions.failures")
                .description("Steps for subscriptions that failed and were tried again")
                .register(meters);
        this.engine = engine;
        this.subscriptions = engine.subscriptions();
        this.upkeep = upkeep;
        this.deliveries = deliveries;
        this.clock = clock;
        this.scan = new PatternScan(engine, upkeep, news, reads, clock, this::report, this::failed);
        this.thread = Thread.ofPlatform().name("parley-subscriptions").unstarted(this::run);
    }

    /** Continues what an earlier run of the server has left, and is told of all changes from now on. */
    void start() {
        subscriptions.watch(this);
        subscriptionsChanged(
                subscriptions.all().stream().map(known -> known.state().id()).toList());
        thread.start();
    }

    @Override
    public void streamsChanged(Collection<String> paths) {
        news.streams(paths);
    }

    @Override
    public void subscriptionsChanged(Collection<String> ids) {
        news.subscriptions(ids);
    }

    private void run() {
        News.Batch batch = new News.Batch();
        try {
            while (!news.isClosed()) {
                try {
                    long now = clock.millis();
                    long sleep =
                            timers.isEmpty() ? MAX_SLEEP_MILLIS : timers.first().at() - now;
                    if (!failed.isEmpty()) {
                        sleep = Math.min(sleep, failedUntil - now);
                    }
                    report();
                    batch.add(news.take(batch.isEmpty() ? Math.clamp(sleep, 0, MAX_SLEEP_MILLIS) : 0));
                    if (!failed.isEmpty() && failedUntil <= now) {
                        batch.add(failed);
                        failed = new News.Batch();
                    }
                    handle(batch, clock.millis());
                    batch = new News.Batch();
                    // A step that will be tried again still counts as failing.
                    stepsFailing = !failed.isEmpty() || !failing.isEmpty();
                } catch (RuntimeException | Error e) {
                    failed(e);
                    Thread.sleep(PAUSE_MILLIS);
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("interrupted", e);
        } finally {
            if (!news.isClosed()) {
                health.report(PART, false);
            }
        }
    }

    /** Tells health whether all is well. Called by any thread. */
    private synchronized void report() {
        health.report(PART, !stepsFailing && !scan.isFailing());
    }

    private void failed(Throwable cause) {
        failures.increment();
        health.report(PART, false);
        LOG.error("a step for subscriptions has failed and will be tried again", cause);
    }

    /** Handles one piece of news. If that fails, all others are handled nevertheless. */
    private void step(long now, Runnable piece, Consumer<News.Batch> again) {
        try {
            piece.run();
        } catch (RuntimeException | Error e) {
            failed(e);
            again.accept(failed);
            failedUntil = now + PAUSE_MILLIS;
        }
    }

    private void handle(News.Batch batch, long now) {
        Set<Desk> touched = new HashSet<>();
        if (batch.more) {
            for (Subscription subscription : subscriptions.all()) {
                String id = subscription.state().id();
                step(
                        now,
                        () -> {
                            desk(subscription, touched).look = true;
                            scan.request(id);
                        },
                        again -> again.subscriptions.add(id));
            }
        }
        if (!batch.rooms.isEmpty()) {
            cramped.removeAll(batch.rooms);
            for (Subscription subscription : subscriptions.all()) {
                if (batch.rooms.contains(subscription.room())) {
                    scan.request(subscription.state().id());
                }
            }
        }
        for (String id : batch.subscriptions) {
            step(now, () -> subscriptionChanged(id, touched), again -> again.subscriptions.add(id));
        }
        for (String path : batch.streams) {
            step(now, () -> streamChanged(path, touched), again -> again.addStream(path));
        }
        for (News.Finished finished : batch.finished) {
            Desk desk = desks.get(finished.id());
            if (desk != null) {
                if (finished.wakeId() == null) {
                    desk.busy = false;
                } else if (finished.wakeId().equals(desk.delivering)) {
                    desk.delivering = null;
                }
                desk.look = true;
                if (!finished.well()) {
                    desk.pausedUntil = now + PAUSE_MILLIS;
                }
                touched.add(desk);
            }
        }
        while (!timers.isEmpty() && timers.first().at() <= now) {
            Desk desk = desks.get(timers.pollFirst().id());
            if (desk != null) {
                desk.timer = null;
                desk.look = true;
                touched.add(desk);
            }
        }
        touched.forEach(desk -> {
            try {
                work(desk, now);
                failing.remove(desk);
            } catch (RuntimeException | Error e) {
                failed(e);
                failing.add(desk);
                desk.look = true;
                desk.pausedUntil = now + PAUSE_MILLIS;
                wakeAt(desk, desk.pausedUntil);
            }
        });
    }

    private void subscriptionChanged(String id, Set<Desk> touched) {
        Subscription subscription = subscriptions.find(id);
        if (subscription == null) {
            leave(desks.remove(id));
        } else {
            desk(subscription, touched).look = true;
        }
    }

    private void streamChanged(String path, Set<Desk> touched) {
        subscriptions.following(path, subscription -> {
            Desk desk = desk(subscription, touched);
            if (desk.changed.size() < 2 * SubscriptionMachine.MAX_LINKS) {
                desk.changed.add(path);
            } else {
                desk.look = true;
                scan.request(desk.id);
            }
        });
    }

    private Desk desk(Subscription subscription, Set<Desk> touched) {
        SubscriptionState state = subscription.state();
        Desk desk = desks.get(state.id());
        if (desk == null || desk.incarnation != state.incarnation()) {
            leave(desk);
            desk = new Desk(state);
            desks.put(state.id(), desk);
            // Streams may have been created and deleted while nobody watched.
            for (Link link : subscription.links()) {
                desk.changed.add(link.path());
            }
            if (state.config().pattern() != null) {
                scan.request(state.id());
            }
        }
        touched.add(desk);
        return desk;
    }

    private void leave(@Nullable Desk desk) {
        if (desk != null) {
            failing.remove(desk);
            if (desk.timer != null) {
                timers.remove(desk.timer);
            }
        }
    }

    /** Takes the next step for one subscription. The outcome of the step will lead to the one after it. */
    private void work(Desk desk, long now) {
        Subscription subscription = subscriptions.find(desk.id);
        if (desk.busy || subscription == null || subscription.state().incarnation() != desk.incarnation) {
            return;
        }
        if (desk.pausedUntil > now) {
            wakeAt(desk, desk.pausedUntil);
            return;
        }
        if (!desk.changed.isEmpty()) {
            List<Gone> gone = upkeep.gone(subscription, desk.changed);
            if (!gone.isEmpty()) {
                submit(desk, new Forget(desk.id, now, gone));
                return;
            }
            if (notice(desk, subscription, now)) {
                return;
            }
            desk.changed.clear();
        }
        if (desk.look) {
            desk.look = false;
            SubscriptionState s = subscription.state();
            switch (upkeep.due(subscription, now)) {
                case Upkeep.At(long time) -> wakeAt(desk, time);
                case Upkeep.WakeUp(List<StreamTail> tails) ->
                    submit(desk, new Notice(desk.id, now, tails, Chance.wakeId()));
                case Upkeep.LeaseOver(SubscriptionState.Wake wake) ->
                    submit(
                            desk,
                            new Expire(
                                    desk.id,
                                    now,
                                    wake.id(),
                                    now + Chance.backoffMillis(s.attempts()),
                                    upkeep.pending(subscription, now),
                                    Chance.wakeId()));
                case Upkeep.Deliver(SubscriptionState.Wake wake) -> {
                    wakeAt(desk, wake.leaseUntil() == SubscriptionState.NO_LEASE ? Long.MAX_VALUE : wake.leaseUntil());
                    if (!wake.id().equals(desk.delivering)) {
                        deliveries.deliver(subscription, s, wake, noted -> news.finished(desk.id, wake.id(), noted));
                        desk.delivering = wake.id();
                    }
                }
            }
        }
    }

    /** Tells the subscription of streams that have changed. Returns false if none of them matters to it. */
    private boolean notice(Desk desk, Subscription subscription, long now) {
        Room room = subscription.room();
        Reservation links = new Reservation(room, 0);
        List<StreamTail> tails;
        try {
            tails = upkeep.noteworthy(subscription, desk.changed, now, path -> hasRoom(room, links, Link.bytes(path)));
        } catch (RuntimeException | Error e) {
            links.close();
            throw e;
        }
        if (tails.isEmpty()) {
            return false;
        }
        submit(desk, new Notice(desk.id, now, tails, Chance.wakeId()), links);
        return true;
    }

    /**
     * Whether there is room for one more link. A stream without room is linked when there is some, or when it changes the
     * next time; nothing of it has been processed by then, so nothing is missed.
     */
    private boolean hasRoom(Room room, Reservation links, long bytes) {
        if (links.tryGrowTo(links.bytes() + bytes)) {
            return true;
        }
        if (cramped.add(room)) {
            LOG.warn(
                    "Streams are not linked to subscriptions whose patterns cover them, because there is no room for more links,"
                            + " see limits.subscription-bytes");
            long wanted = Math.max(bytes, room.capacity() / MEMORY_PER_SCAN);
            var _ = room.whenRoom(wanted, () -> {
                room.giveBack(wanted);
                news.room(room);
            });
        }
        return false;
    }

    private void wakeAt(Desk desk, long time) {
        if (desk.timer != null) {
            timers.remove(desk.timer);
            desk.timer = null;
        }
        if (time != Long.MAX_VALUE) {
            desk.timer = new Timer(time, desk.id);
            timers.add(desk.timer);
        }
    }

    private <O extends SubscriptionOutcome> void submit(Desk desk, SubscriptionCommand<O> command) {
        submit(desk, command, new Reservation(subscriptions.memory(), 0));
    }

    /**
     * Submits a command.
     *
     * @param links the memory for the links that it makes. It is given back when the command has its outcome, because the
     *     engine counts the links from then on.
     */
    private <O extends SubscriptionOutcome> void submit(Desk desk, SubscriptionCommand<O> command, Reservation links) {
        boolean handedOver = false;
        try {
            engine.submit(command, new Reply<>() {
                @Override
                public void done(O outcome) {
                    links.close();
                    news.finished(desk.id, null, true);
                }

                @Override
                public void failed(Exception failure) {
                    links.close();
                    LOG.debug("a command of the dispatcher was refused and will be made again", failure);
                    news.finished(desk.id, null, false);
                }
            });
            handedOver = true;
        } finally {
            if (!handedOver) {
                links.close();
            }
        }
        // Set only now, because a command that was not submitted has no outcome to wait for.
        desk.busy = true;
    }

    /** Stops after the current step. The rest is done after the next start. */
    @Override
    public void close() {
        subscriptions.watch(Subscriptions.Watcher.NOBODY);
        news.close();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
