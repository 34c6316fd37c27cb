package dev.parley.client.agent;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The threads that all agents of the process share: daemons, named, and started only when there is work. */
final class AgentThreads {
    private static final Logger LOG = LoggerFactory.getLogger(AgentThreads.class);

    /** Handlers that run at once. */
    private static final int RUN_THREADS = 64;

    /** Runs that wait for a thread. */
    private static final int WAITING_RUNS = 1_000;

    /** Threads that end runs for their agents after a cancel, and those of one agent that closes. */
    private static final int END_THREADS = 16;

    private static final long IDLE_SECONDS = 30;

    /** How long the end of the process waits for those of the runs. */
    private static final long SHUTDOWN_SECONDS = 5;

    private AgentThreads() {}

    /** Made when the first agent needs it. */
    private static final class Shared {
        static final ThreadPoolExecutor RUNS =
                pool("parley-agent-", RUN_THREADS, new LinkedBlockingQueue<>(WAITING_RUNS));

        /** What waits is at most one end for each run that is open. */
        static final ThreadPoolExecutor ENDS = pool("parley-agent-end-", END_THREADS, new LinkedBlockingQueue<>());
    }

    private static ThreadPoolExecutor pool(String name, int threads, BlockingQueue<Runnable> queue) {
        var count = new AtomicInteger();
        var pool = new ThreadPoolExecutor(threads, threads, IDLE_SECONDS, TimeUnit.SECONDS, queue, task -> {
            Thread thread = new Thread(task, name + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /** The agents that end with the process; made when there is the first. */
    private static final class Open {
        static final Set<AgentSession> AGENTS = ConcurrentHashMap.newKeySet();

        static {
            Runtime.getRuntime().addShutdownHook(new Thread(Open::close, "parley-agent-shutdown"));
        }

        private static void close() {
            List<AgentSession> agents = List.copyOf(AGENTS);
            var closed = new CountDownLatch(agents.size());
            for (AgentSession agent : agents) {
                ends().execute(() -> {
                    try {
                        agent.close();
                    } finally {
                        closed.countDown();
                    }
                });
            }
            try {
                if (!closed.await(SHUTDOWN_SECONDS, TimeUnit.SECONDS)) {
                    LOG.warn("The process ends before all runs of its agents have ended.");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Runs handlers; refuses them when too many wait. */
    static Executor runs() {
        return Shared.RUNS;
    }

    /** Writes the ends of runs, which may block until the server has answered. */
    static Executor ends() {
        return Shared.ENDS;
    }

    /**
     * Ends the runs of an agent that closes, side by side, and waits for them. It has threads of its own for that, since agents
     * that close at the end of the process are on those of {@link #ends} themselves.
     *
     * @param tasks end a run each, and do not throw
     * @param atMost how long this waits; an interrupt does not shorten that
     * @return whether all have come to their end
     */
    static boolean endTogether(List<Runnable> tasks, Duration atMost) {
        if (tasks.isEmpty()) {
            return true;
        }
        long until = System.nanoTime() + atMost.toNanos();
        var ended = new CountDownLatch(tasks.size());
        ThreadPoolExecutor threads =
                pool("parley-agent-close-", Math.min(END_THREADS, tasks.size()), new LinkedBlockingQueue<>());
        for (Runnable task : tasks) {
            threads.execute(() -> {
                try {
                    task.run();
                } finally {
                    ended.countDown();
                }
            });
        }
        threads.shutdown();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return ended.await(until - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Closes the agent when the process ends. */
    static void endOnShutdown(AgentSession agent) {
        Open.AGENTS.add(agent);
    }

    /** The agent has left. */
    static void left(AgentSession agent) {
        Open.AGENTS.remove(agent);
    }
}
