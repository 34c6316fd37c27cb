package dev.parley.server.webhook;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.server.http.Permits;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.ops.Health;
import io.micrometer.core.instrument.Counter;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the calls that are due, a bounded number at once, and never two for the same. What is due follows from the state of the engine,
 * so nothing has to be remembered over a restart.
 *
 * @param <K> what a call is for
 */
public final class DueCalls<K> {
    /** The pause before another look at what is due if not all of it could be begun. */
    private static final Duration RETRY = Duration.ofMillis(100);

    /** The longest pause between two looks. The engine tells when there is more to do, but not when the clock is set ahead. */
    private static final Duration MAX_REST = Duration.ofSeconds(1);

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private static final Logger LOG = LoggerFactory.getLogger(DueCalls.class);

    private final String name;
    private final Work<K> work;
    private final int maxCalls;
    private final InstantSource clock;
    private final Health health;
    private final Counter failures;
    private final Permits permits;
    private final Set<K> calling = ConcurrentHashMap.newKeySet();
    private final Thread thread;

    /** Whether there may be more to do since the last look. */
    @GuardedBy("this")
    private boolean news;

    @GuardedBy("this")
    private boolean closed;

    /** What is to be called, and how. */
    public interface Work<K> {
        /** Does what goes on beside calls, before each look at what is due. */
        default void tend(long now) {}

        /** What is due, at most {@code limit}; what has waited longest comes first. */
        List<K> due(long now, int limit);

        /** When the first call is due that waits for it; {@link Long#MAX_VALUE} if there is none. */
        long next();

        /** Makes a call, on a thread of its own. What has come to nothing must be due later. */
        void call(K due);
    }

    /**
     * Calls for {@code work}.
     *
     * @param name in health, and of the thread
     * @param failures counts the looks that failed
     */
    public DueCalls(String name, int maxCalls, Work<K> work, InstantSource clock, Health health, Counter failures) {
        this.name = name;
        this.work = work;
        this.maxCalls = maxCalls;
        this.clock = clock;
        this.health = health;
        this.failures = failures;
        this.permits = new Permits(maxCalls);
        this.thread = Thread.ofVirtual().name(name).unstarted(this::run);
    }

    /** Starts to call. */
    public void start() {
        thread.start();
    }

    /** Whether calls are no longer begun. */
    public synchronized boolean isClosed() {
        return closed;
    }

    /** Notes that there may be more to do. */
    public synchronized void news() {
        news = true;
        notifyAll();
    }

    /** Waits so long, or until there is more to do. */
    private synchronized void rest(long millis) throws InterruptedException {
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        for (long left = millis; left > 0 && !news && !closed; left = (until - System.nanoTime()) / 1_000_000) {
            wait(left);
        }
        news = false;
    }

    private void run() {
        try {
            while (!isClosed()) {
                long pause = RETRY.toMillis();
                try {
                    pause = round(clock.millis());
                    health.report(name, true);
                } catch (RuntimeException | Error e) {
                    failures.increment();
                    health.report(name, false);
                    LOG.error("what is due for {} could not be done and will be tried again", name, e);
                }
                rest(pause);
            }
        } catch (InterruptedException e) {
            LOG.debug("interrupted", e);
        }
    }

    /** Begins what is due, and returns after how many milliseconds there may be more. */
    private long round(long now) {
        work.tend(now);
        for (K due : work.due(now, 2 * maxCalls)) {
            if (!calling.contains(due)) {
                Permit permit = permits.take();
                if (permit == null) {
                    return RETRY.toMillis();
                }
                calling.add(due);
                Thread.ofVirtual().name(name + "-call").start(() -> {
                    try (permit) {
                        work.call(due);
                    } catch (RuntimeException | Error e) {
                        LOG.error("a call of {} failed: {}", name, due, e);
                    } finally {
                        calling.remove(due);
                    }
                });
            }
        }
        long left = work.next() - now;
        return left <= 0 ? RETRY.toMillis() : Math.min(left, MAX_REST.toMillis());
    }

    /** Begins no more calls. Calls that are being made end soon only if their client is closed. */
    public synchronized void close() {
        closed = true;
        notifyAll();
    }

    /** Waits for the calls that were being made when this was closed. */
    public void join() throws InterruptedException {
        thread.join();
        if (!permits.takeAll(CLOSE_TIMEOUT)) {
            LOG.warn("{}: calls are still being made", name);
        }
    }
}
