package dev.parley.server.http;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A limited number of things that may exist at once, such as open connections. Each of them holds a {@link Permit} as long as
 * it exists. Thread-safe.
 */
public final class Permits {
    private final int most;
    private final Semaphore free;

    /** Permits for at most {@code most} things at once. */
    public Permits(int most) {
        this.most = most;
        this.free = new Semaphore(most);
    }

    /** A permit, which the caller has to close; null if all are taken. */
    public @Nullable Permit take() {
        return free.tryAcquire() ? new Permit(free) : null;
    }

    /** The number of permits that are taken. */
    public int taken() {
        return most - free.availablePermits();
    }

    /** The number of permits that may be taken. */
    public int most() {
        return most;
    }

    /**
     * Gives out no more permits once all have been given back. Waits for that, and returns false if it takes longer than
     * {@code timeout}.
     */
    public boolean takeAll(Duration timeout) throws InterruptedException {
        return free.tryAcquire(most, timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** That one thing may exist. It is given back when it is closed for the first time, on any thread. */
    public static final class Permit implements AutoCloseable {
        private final Semaphore free;

        @GuardedBy("this")
        private boolean closed;

        private Permit(Semaphore free) {
            this.free = free;
        }

        @Override
        public void close() {
            synchronized (this) {
                if (closed) {
                    return;
                }
                closed = true;
            }
            free.release();
        }
    }
}
