package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.engine.subscription.Glob;
import dev.parley.engine.subscription.Subscription;
import dev.parley.engine.subscription.Subscriptions;
import dev.parley.engine.subscription.Upkeep;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Compares the patterns of subscriptions with all streams, and reports the streams that matter to one of them as
 * {@link News}. Thread-safe. There is one scan at a time, for all subscriptions for which one is wanted.
 */
final class PatternScan {
    /** The pause after a scan has failed. */
    private static final long PAUSE_MILLIS = 1_000;

    private final Engine engine;
    private final Subscriptions subscriptions;
    private final Upkeep upkeep;
    private final News news;
    private final Executor reads;
    private final InstantSource clock;
    private final Runnable onDone;
    private final Consumer<Throwable> onFailure;

    /** The ids of the subscriptions for which a scan is wanted; null if there are none. */
    private final AtomicReference<@Nullable Set<String>> wanted = new AtomicReference<>();

    private volatile boolean failing;

    /**
     * Scans the streams of {@code engine}.
     *
     * @param reads where scans are executed
     * @param onDone called after each scan that has succeeded, by any thread
     * @param onFailure called after each scan that has failed, by any thread
     */
    PatternScan(
            Engine engine,
            Upkeep upkeep,
            News news,
            Executor reads,
            InstantSource clock,
            Runnable onDone,
            Consumer<Throwable> onFailure) {
        this.engine = engine;
        this.subscriptions = engine.subscriptions();
        this.upkeep = upkeep;
        this.news = news;
        this.reads = reads;
        this.clock = clock;
        this.onDone = onDone;
        this.onFailure = onFailure;
    }

    /** Whether the last scan has failed. It is being tried again. */
    boolean isFailing() {
        return failing;
    }

    /** Compares the pattern of a subscription with all streams soon. */
    void request(String id) {
        Set<String> before = wanted.getAndUpdate(ids -> {
            Set<String> more = new HashSet<>(ids == null ? Set.of() : ids);
            more.add(id);
            return Set.copyOf(more);
        });
        if (before == null) {
            try {
                reads.execute(this::run);
            } catch (RejectedExecutionException e) {
                failed(wanted.getAndSet(null), e);
            }
        }
    }

    private void run() {
        Set<String> ids = wanted.getAndSet(null);
        try {
            scan(ids == null ? Set.of() : ids);
            failing = false;
            onDone.run();
        } catch (RuntimeException | Error e) {
            failed(ids, e);
        }
    }

    private void failed(@Nullable Set<String> ids, Throwable failure) {
        if (!news.isClosed()) {
            failing = true;
            onFailure.accept(failure);
            Runnable again = () -> (ids == null ? Set.<String>of() : ids).forEach(this::request);
            CompletableFuture.delayedExecutor(PAUSE_MILLIS, TimeUnit.MILLISECONDS)
                    .execute(again);
        }
    }

    private void scan(Set<String> ids) {
        Map<String, Subscription> scanning = new HashMap<>();
        for (String id : ids) {
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
            if (news.isClosed()) {
                throw new CancellationException("the server is stopping");
            }
            List<String> path = List.of(stream.path());
            boolean noteworthy = scanning.values().stream()
                    .anyMatch(subscription -> !upkeep.noteworthy(subscription, path, clock.millis(), any -> true)
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
}
