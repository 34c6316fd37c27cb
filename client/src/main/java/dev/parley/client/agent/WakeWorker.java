package dev.parley.client.agent;

import dev.parley.client.ParleyException;
import dev.parley.client.Registration;
import dev.parley.client.Wake;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Claims the wakes of an agent, one after the other, and does them, up to a number at a time. */
final class WakeWorker implements Registration {
    private static final Logger LOG = LoggerFactory.getLogger(WakeWorker.class);

    /** How long one request waits for something to do. */
    private static final Duration WAIT = Duration.ofSeconds(25);

    /** The pause before a wake that was given back is given to a worker again, and after a request that has failed. */
    static final Duration PAUSE = Duration.ofSeconds(1);

    private final String agentId;
    private final Executor executor;
    private final Source source;
    private final Task task;
    private final int room;
    private final String name = Ids.next();
    private volatile boolean closed;

    /** Whether a request is out, or will be after a pause. */
    private final AtomicBoolean asking = new AtomicBoolean();

    private final AtomicInteger working = new AtomicInteger();

    /** Where wakes come from. */
    @FunctionalInterface
    interface Source {
        /** Claims one, as {@code SessionAgents.claimAsync} does. */
        CompletableFuture<Optional<Wake>> claim(String agentId, String worker, Duration lease, Duration wait);
    }

    /** Does a wake, on a thread that it may block. */
    @FunctionalInterface
    interface Task {
        /** Returns false if somebody has to try again. */
        boolean isDone(Wake wake);
    }

    /**
     * Of an agent.
     *
     * @param executor runs {@code task}
     * @param room how many it does at a time
     */
    WakeWorker(String agentId, Executor executor, Source source, Task task, int room) {
        this.agentId = agentId;
        this.executor = executor;
        this.source = source;
        this.task = task;
        this.room = room;
    }

    /** Begins to claim. */
    void start() {
        claimMore();
    }

    @Override
    public void close() {
        closed = true;
    }

    /** Asks for one more if there is room, and nobody asks yet. */
    private void claimMore() {
        if (working.get() < room && asking.compareAndSet(false, true)) {
            claim();
        }
    }

    private void claim() {
        if (closed) {
            return;
        }
        var unused = source.claim(agentId, name, WakeRun.LEASE, WAIT)
                .thenAccept(this::claimed)
                .exceptionally(failure -> {
                    LOG.debug("The agent {} could not ask what it has to do.", agentId, failure);
                    claimLater();
                    return null;
                });
    }

    private void claimed(Optional<Wake> claimed) {
        if (claimed.isEmpty()) {
            claim();
            return;
        }
        Wake wake = claimed.get();
        long since = System.nanoTime();
        working.incrementAndGet();
        try {
            executor.execute(() -> work(wake, since));
        } catch (RejectedExecutionException e) {
            LOG.warn("There is no room for another run, with {}.", wake, e);
            working.decrementAndGet();
            giveBack(wake);
            return;
        }
        asking.set(false);
        claimMore();
    }

    /** Another process may have room at once; this one asks again after a pause. */
    private void giveBack(Wake wake) {
        var unused = wake.releaseAsync(Duration.ZERO).whenComplete((done, failure) -> {
            if (failure != null) {
                LOG.warn("It could not be given back; others get it when its time is over: {}", wake, failure);
            }
            claimLater();
        });
    }

    private void claimLater() {
        CompletableFuture.delayedExecutor(PAUSE.toMillis(), TimeUnit.MILLISECONDS)
                .execute(this::claim);
    }

    /** Does it, and goes on with the next one. */
    private void work(Wake wake, long since) {
        try {
            if (closed) {
                wake.release(Duration.ZERO);
            } else if (System.nanoTime() - since > WakeRun.LEASE.toNanos() / 2) {
                // It has waited so long for a thread that somebody else may have it before more time is asked for.
                LOG.warn("There was no room for another run for too long, with {}.", wake);
                wake.release(Duration.ZERO);
            } else if (task.isDone(wake)) {
                wake.done();
            } else {
                wake.release(PAUSE);
            }
        } catch (ParleyException e) {
            // Somebody else has it, or will have it when the lease is over.
            LOG.warn("It could not be said what has become of {}.", wake, e);
        } finally {
            working.decrementAndGet();
            claimMore();
        }
    }
}
