package dev.parley.server.request;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts the requests of a door in progress, and bounds how many there are. Thread-safe. */
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

    /** A request counts as one in progress until this is closed. Closing it again has no effect. */
    final class Permit implements AutoCloseable {
        private final AtomicBoolean closed = new AtomicBoolean();
        private final boolean tooMany;

        private Permit(boolean tooMany) {
            this.tooMany = tooMany;
        }

        /** Whether the request is one too many, and has to be refused. */
        boolean tooMany() {
            return tooMany;
        }

        @Override
        public void close() {
            if (closed.compareAndSet(false, true) && inProgress.decrementAndGet() == 0 && draining) {
                drained.tryComplete();
            }
        }
    }

    /** The turn of a read, which ends when it is closed. */
    interface Turn extends AutoCloseable {
        @Override
        void close();
    }

    /** Adds a request, even if it is one too many. */
    Permit enter() {
        return new Permit(inProgress.incrementAndGet() > MAX_IN_PROGRESS);
    }

    /** Waits until a read may begin. The turn has to be closed once. */
    Turn read() {
        reads.acquireUninterruptibly();
        return reads::release;
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
