package dev.parley.engine;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A queue from many threads to one thread, which takes all waiting items at once.
 *
 * <p>The queue itself has no bound. Its users limit what they put in: the engine admits only a limited number of
 * commands at a time.
 */
final class Inbox<T> {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition filled = lock.newCondition();

    @GuardedBy("lock")
    private List<T> waiting = new ArrayList<>();

    /** Number of items for which the taker waits; 0 while it is busy elsewhere. */
    @GuardedBy("lock")
    private int awaited;

    @GuardedBy("lock")
    private boolean closed;

    /** Puts an item in, or returns false if the inbox is closed. */
    boolean put(T item) {
        lock.lock();
        try {
            if (closed) {
                return false;
            }
            waiting.add(item);
            wakeTaker();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes all waiting items, oldest first. Blocks while there are none. Returns an empty list only after the inbox is
     * closed and drained.
     */
    List<T> take() {
        return take(1, 0);
    }

    /**
     * As {@link #take()}, but as soon as there is one item, waits up to {@code patienceNanos} for {@code enough} items.
     */
    List<T> take(int enough, long patienceNanos) {
        lock.lock();
        try {
            while (waiting.isEmpty() && !closed) {
                awaited = 1;
                filled.awaitUninterruptibly();
            }
            long patience = patienceNanos;
            while (waiting.size() < enough && patience > 0 && !closed) {
                awaited = enough;
                try {
                    patience = filled.awaitNanos(patience);
                } catch (InterruptedException e) {
                    // Engine threads end when their inbox is closed; they ignore interruption.
                    patience = 0;
                }
            }
            awaited = 0;
            List<T> taken = waiting;
            waiting = new ArrayList<>(Math.max(16, taken.size()));
            return taken;
        } finally {
            lock.unlock();
        }
    }

    boolean isEmpty() {
        lock.lock();
        try {
            return waiting.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /**
     * True if the taker has finished its work and waits for more. If only one thread puts items in, the result stays
     * valid for that thread until its next put, and everything that the taker did is visible to it.
     */
    boolean isTakerWaiting() {
        lock.lock();
        try {
            return awaited > 0 && waiting.isEmpty() && !closed;
        } finally {
            lock.unlock();
        }
    }

    /** Closes the inbox: {@link #take} returns the remaining items, and then nothing. */
    void close() {
        lock.lock();
        try {
            closed = true;
            wakeTaker();
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private void wakeTaker() {
        if (awaited > 0 && (closed || waiting.size() >= awaited)) {
            filled.signal();
        }
    }
}
