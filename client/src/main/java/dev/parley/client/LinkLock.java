package dev.parley.client;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The lock of a connection. Completions of futures and calls of listeners are put off until it is no longer held, so that
 * code of others never runs under it.
 */
final class LinkLock {
    /** Set on threads that run what was put off. They bring the answers, so they cannot wait for one. */
    private static final ThreadLocal<Boolean> CONTINUING = ThreadLocal.withInitial(() -> false);

    private static final Logger LOG = LoggerFactory.getLogger(LinkLock.class);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Runnable> putOff = new ArrayList<>();

    /** Refuses to wait where that would stop the connection. */
    static void mayWait() {
        if (isContinuation()) {
            throw new IllegalStateException(
                    "The continuation of a future runs on a thread that brings answers, so it cannot"
                            + " wait for one. Continue with a method such as thenApplyAsync, on an executor of yours.");
        }
    }

    /** Whether the thread runs the continuation of a future. */
    static boolean isContinuation() {
        return CONTINUING.get();
    }

    void lock() {
        lock.lock();
    }

    void unlock() {
        List<Runnable> tasks = List.of();
        if (lock.getHoldCount() == 1 && !putOff.isEmpty()) {
            tasks = List.copyOf(putOff);
            putOff.clear();
        }
        lock.unlock();
        if (tasks.isEmpty()) {
            return;
        }
        boolean before = CONTINUING.get();
        CONTINUING.set(true);
        try {
            for (Runnable task : tasks) {
                try {
                    task.run();
                } catch (RuntimeException e) {
                    // Others wait for what follows.
                    LOG.error("What was put off until the lock was free has failed", e);
                }
            }
        } finally {
            CONTINUING.set(before);
        }
    }

    void run(Runnable task) {
        lock.lock();
        try {
            task.run();
        } finally {
            unlock();
        }
    }

    <T> @Nullable T get(Supplier<@Nullable T> field) {
        lock.lock();
        try {
            return field.get();
        } finally {
            unlock();
        }
    }

    /** Runs {@code task} when the lock is no longer held; under the lock. */
    void later(Runnable task) {
        putOff.add(task);
    }

    /** Something that others wait for may have changed; under the lock. */
    void changed() {
        changed.signalAll();
    }

    /** Waits until something has changed; returns the nanoseconds that are left. Call it in a loop, under the lock. */
    @SuppressWarnings("WaitNotInLoop") // Callers have the loop.
    long awaitChange(long nanos) throws InterruptedException {
        return changed.awaitNanos(nanos);
    }
}
