package dev.parley.server.rest;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts the requests in progress, and bounds how many there are. Thread-safe. */
final class RequestsInProgress {
    /**
     * The number of requests that may be in progress. A request that is still arriving, or whose answer is being sent, is
     * not in progress.
     */
    static final int MAX_IN_PROGRESS = 512;

    /** The number of reads at a time: what each of them finds is in memory before its size is known. */
    static final int MAX_READS = 16;

    private final Semaphore reads = new Semaphore(MAX_READS);
    private final AtomicInteger inProgress = new AtomicInteger();

    /** Completes when no request uses the engine any more. */
    private final Promise<Void> drained = Promise.promise();

    private volatile boolean draining;

    /** Adds a request. Returns true if there are too many. The request has to {@link #leave} in any case. */
    boolean enter() {
        return inProgress.incrementAndGet() > MAX_IN_PROGRESS;
    }

    void leave() {
        if (inProgress.decrementAndGet() == 0 && draining) {
            drained.tryComplete();
        }
    }

    /** Waits until a read may begin. */
    void beginRead() {
        reads.acquireUninterruptibly();
    }

    void endRead() {
        reads.release();
    }

    /**
     * Whether no more requests are accepted. To be asked after {@link #enter}: {@link #drain} looks at the number after it
     * has set this, so one of the two notices the other.
     */
    boolean isDraining() {
        return draining;
    }

    /** Accepts no more requests. Completes when no request uses the engine any more. */
    Future<Void> drain() {
        draining = true;
        if (inProgress.get() == 0) {
            drained.tryComplete();
        }
        return drained.future();
    }
}
