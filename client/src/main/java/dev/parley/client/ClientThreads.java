package dev.parley.client;

import java.net.http.HttpClient;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads that all clients of the process share. They are daemons, named, few, and started only when there is work.
 * Sessions and streams have none of their own.
 */
final class ClientThreads {
    /** Threads on which answers arrive. Nothing blocks on them. */
    private static final int HTTP_THREADS = 4;

    private static final int LISTENER_THREADS = 16;

    /** Threads that fetch tokens, which block. */
    private static final int TOKEN_THREADS = 4;

    private static final long IDLE_SECONDS = 30;

    private ClientThreads() {}

    /** Made when the first client needs it. */
    private static final class Shared {
        static final HttpClient HTTP = HttpClient.newBuilder()
                .executor(pool("parley-http-", HTTP_THREADS))
                .connectTimeout(Duration.ofSeconds(10))
                .build();
        static final ExecutorService LISTENERS = pool("parley-listener-", LISTENER_THREADS);
        static final ExecutorService TOKENS = pool("parley-token-", TOKEN_THREADS);
        static final ScheduledThreadPoolExecutor TIMER = timer();

        private static ScheduledThreadPoolExecutor timer() {
            var timer = new ScheduledThreadPoolExecutor(1, named("parley-timer-"));
            timer.setRemoveOnCancelPolicy(true);
            return timer;
        }
    }

    private static ExecutorService pool(String name, int threads) {
        // The number of tasks is bounded by what submits them: a session, for example, has at most one at a time.
        var pool = new ThreadPoolExecutor(
                threads, threads, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), named(name));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    private static ThreadFactory named(String prefix) {
        var count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, prefix + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    static HttpClient sharedHttpClient() {
        return Shared.HTTP;
    }

    static ExecutorService listeners() {
        return Shared.LISTENERS;
    }

    static ExecutorService tokens() {
        return Shared.TOKENS;
    }

    /** Runs {@code task} later, on the timer's thread, which it must not block. */
    static ScheduledFuture<?> after(long millis, Runnable task) {
        return Shared.TIMER.schedule(task, millis, TimeUnit.MILLISECONDS);
    }
}
