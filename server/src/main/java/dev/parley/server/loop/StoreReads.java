package dev.parley.server.loop;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads on which the server reads the store. All doors share them, and they do nothing else, so that a read never
 * waits for a commit or for a name server. Thread-safe.
 *
 * <p>They are platform threads. The store is native code, and a virtual thread in native code occupies its carrier, of
 * which there are only as many as processors. The number of threads bounds how many pages are in memory before their
 * size is known.
 */
public final class StoreReads implements Executor, AutoCloseable {
    /** The number of reads that run at a time. */
    public static final int THREADS = 16;

    /**
     * The greatest number of reads that wait for a thread. A connection has few reads at a time, so more of them mean
     * an overload.
     */
    public static final int MAX_WAITING = 65_536;

    private static final Duration IDLE_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private static final Logger LOG = LoggerFactory.getLogger(StoreReads.class);

    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(
            THREADS,
            THREADS,
            IDLE_TIMEOUT.toMillis(),
            TimeUnit.MILLISECONDS,
            new LinkedBlockingQueue<>(MAX_WAITING),
            Thread.ofPlatform().name("parley-store-", 0).factory());

    /** Starts no thread before it is needed. */
    public StoreReads(MeterRegistry meters) {
        threads.allowCoreThreadTimeOut(true);
        Gauge.builder("parley.store.reads.waiting", threads.getQueue(), queue -> queue.size())
                .description("Reads of the store that wait for a thread")
                .register(meters);
    }

    /**
     * Runs {@code task}, which may block on the store, on one of the threads.
     *
     * @throws RejectedExecutionException if too many tasks wait, or the server is stopping
     */
    @Override
    public void execute(Runnable task) {
        threads.execute(task);
    }

    /** Waits for a few seconds until all reads have ended. The engine must be open until then. */
    @Override
    public void close() {
        threads.shutdown();
        try {
            if (!threads.awaitTermination(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("reads of the store have not ended within {}", CLOSE_TIMEOUT);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
