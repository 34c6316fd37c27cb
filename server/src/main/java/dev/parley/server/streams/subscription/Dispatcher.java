package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.subscription.Glob;
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
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does for every subscription what is due: links what its pattern covers, wakes, delivers, ends leases.
 *
 * <p>What is due follows from what the engine has, so that after a restart nothing needs to be remembered. One thread
 * does it all, but for deliveries and for looking through all streams.
 */
final class Dispatcher implements Subscriptions.Watcher, AutoCloseable {
    /** Pause after the engine refused a command. */
    private static final long PAUSE_MILLIS = 1_000;

    /** Longest sleep; a clock that is set shifts deadlines by no more. */
    private static final long MAX_SLEEP_MILLIS = 10_000;

    private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);

    private final Engine engine;
    private final Subscriptions subscriptions;
    private final Upkeep upkeep;
    private final Deliveries deliveries;
    private final InstantSource clock;
    private final News news = new News();
    private final Map<String, Desk> desks = new HashMap<>();
    private final TreeSet<Timer> timers = new TreeSet<>();
    private final ExecutorService scanner = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("parley-subscriptions-scan").factory());

    /** Whose patterns have to be held against all streams; null while nobody asks for it. */
    private final AtomicReference<@Nullable Set<String>> toScan = new AtomicReference<>();

    private final Thread thread;

    private record Timer(long at, String id) implements Comparable<Timer> {
        @Override
        public int compareTo(Timer other) {
            int order = Long.compare(at, other.at);
            return order == 0 ? id.compareTo(other.id) : order;
        }
    }

    /** What is going on about one subscription. */
    private static final class Desk {
        private final String id;
        private final long incarnation;

        /** Streams that have changed and have not been looked at. */
        private final Set<String> changed = new HashSet<>();

        /** Whether the subscription itself has changed, or its time has come. */
        private boolean look = true;

        /** Whether a command is under way; one at a time. */
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

    Dispatcher(Engine engine, Upkeep upkeep, Deliveries deliveries, InstantSource clock) {
        this.engine = engine;
        this.subscriptions = engine.subscriptions();
        this.upkeep = upkeep;
        this.deliveries = deliveries;
        this.clock = clock;
        this.thread = Thread.ofPlatform().name("parley-subscriptions").unstarted(this::run);
    }

    /** Takes up what an earlier run left, and hears of everything from now on. */
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
        try {
            while (!news.isClosed()) {
                long now = clock.millis();
                long sleep =
                        timers.isEmpty() ? MAX_SLEEP_MILLIS : timers.first().at() - now;
                handle(news.take(Math.clamp(sleep, 0, MAX_SLEEP_MILLIS)));
            }
        } catch (InterruptedException e) {
            LOG.debug("interrupted", e);
        } catch (RuntimeException | Error e) {
            LOG.error("the dispatcher of subscriptions has failed; no wake is delivered until a restart", e);
            throw e;
        }
    }

    private void handle(News.Batch batch) {
        Set<Desk> touched = new HashSet<>();
        if (batch.more) {
            for (Subscription subscription : subscriptions.all()) {
                Desk desk = desk(subscription, touched);
                desk.look = true;
                scan(desk.id);
            }
        }
        for (String id : batch.subscriptions) {
            Subscription subscription = subscriptions.find(id);
            if (subscription == null) {
                leave(desks.remove(id));
            } else {
                desk(subscription, touched).look = true;
            }
        }
        for (String path : batch.streams) {
            subscriptions.following(path, subscription -> {
                Desk desk = desk(subscription, touched);
                if (desk.changed.size() < 2 * SubscriptionMachine.MAX_LINKS) {
                    desk.changed.add(path);
                } else {
                    desk.look = true;
                    scan(desk.id);
                }
            });
        }
        long now = clock.millis();
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
        touched.forEach(desk -> work(desk, now));
    }

    private Desk desk(Subscription subscription, Set<Desk> touched) {
        SubscriptionState state = subscription.state();
        Desk desk = desks.get(state.id());
        if (desk == null || desk.incarnation != state.incarnation()) {
            leave(desk);
            desk = new Desk(state);
            desks.put(state.id(), desk);
            // Streams may have come and gone while nobody watched.
            for (Link link : subscription.links()) {
                desk.changed.add(link.path());
            }
            if (state.config().pattern() != null) {
                scan(state.id());
            }
        }
        touched.add(desk);
        return desk;
    }

    private void leave(@Nullable Desk desk) {
        if (desk != null && desk.timer != null) {
            timers.remove(desk.timer);
        }
    }

    /** Takes the next step for one subscription; its outcome will call for the one after that. */
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
            List<StreamTail> tails = upkeep.noteworthy(subscription, desk.changed, now);
            if (!tails.isEmpty()) {
                submit(desk, new Notice(desk.id, now, tails, Chance.wakeId()));
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
                        desk.delivering = wake.id();
                        deliveries.deliver(subscription, s, wake, noted -> news.finished(desk.id, wake.id(), noted));
                    }
                }
            }
        }
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
        desk.busy = true;
        engine.submit(command, new Reply<>() {
            @Override
            public void done(O outcome) {
                news.finished(desk.id, null, true);
            }

            @Override
            public void failed(Exception failure) {
                LOG.debug("a command of the dispatcher was refused and will be made again", failure);
                news.finished(desk.id, null, false);
            }
        });
    }

    /** Holds the subscription's pattern against all streams, beside everything else. */
    private void scan(String id) {
        Set<String> asked = toScan.getAndUpdate(ids -> {
            Set<String> more = new HashSet<>(ids == null ? Set.of() : ids);
            more.add(id);
            return Set.copyOf(more);
        });
        if (asked == null) {
            scanner.execute(this::scanAll);
        }
    }

    private void scanAll() {
        Set<String> ids = toScan.getAndSet(null);
        Map<String, Subscription> scanning = new HashMap<>();
        for (String id : ids == null ? Set.<String>of() : ids) {
            Subscription subscription = subscriptions.find(id);
            if (subscription != null && subscription.state().config().pattern() != null) {
                scanning.put(id, subscription);
            }
        }
        if (scanning.isEmpty()) {
            return;
        }
        String only = scanning.size() > 1
                ? null
                : scanning.values().iterator().next().state().config().pattern();
        engine.streams().forEach(only == null ? "" : Glob.literalPrefix(only), stream -> {
            List<String> path = List.of(stream.path());
            boolean noteworthy = scanning.values().stream()
                    .anyMatch(subscription -> !upkeep.noteworthy(subscription, path, clock.millis())
                            .isEmpty());
            if (noteworthy) {
                try {
                    news.streamInTurn(stream.path());
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IllegalStateException("the scan was interrupted", e);
                }
            }
        });
    }

    /** Stops after the step that is being taken. What is left undone is done after the next start. */
    @Override
    public void close() {
        subscriptions.watch(Subscriptions.Watcher.NOBODY);
        news.close();
        try {
            thread.join();
            scanner.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
