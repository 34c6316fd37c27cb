package dev.parley.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A queue from many threads to one, which takes everything that has come in at once.
 *
 * <p>Its bound lies with whoever puts in: the engine admits only so many commands at a time.
 */
final class Inbox<T> {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition filled = lock.newCondition();
    private List<T> waiting = new ArrayList<>();
    /** How many items the taker waits for; 0 while it is busy elsewhere. */
    private int awaited;

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

    /** Everything that waits, oldest first; blocks while there is nothing. Empty only once closed and drained. */
    List<T> take() {
        return take(1, 0);
    }

    /**
     * As {@link #take()}, but once there is something, waits up to {@code patienceNanos} for {@code enough} items.
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
                    // Engine threads end by their inbox being closed, not by interruption.
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
     * True if the taker is done with everything and waits for more. For the only one who puts in this stays true until
     * the next put, and what the taker did is visible.
     */
    boolean isTakerWaiting() {
        lock.lock();
        try {
            return awaited > 0 && waiting.isEmpty() && !closed;
        } finally {
            lock.unlock();
        }
    }

    /** Lets {@link #take} return what is left and then nothing. */
    void close() {
        lock.lock();
        try {
            closed = true;
            wakeTaker();
        } finally {
            lock.unlock();
        }
    }

    private void wakeTaker() {
        if (awaited > 0 && (closed || waiting.size() >= awaited)) {
            filled.signal();
        }
    }
}
