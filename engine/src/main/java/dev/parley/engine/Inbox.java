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
    private boolean takerWaits;
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
        lock.lock();
        try {
            while (waiting.isEmpty() && !closed) {
                takerWaits = true;
                filled.awaitUninterruptibly();
                takerWaits = false;
            }
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
        if (takerWaits) {
            filled.signal();
        }
    }
}
