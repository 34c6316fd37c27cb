package dev.parley.engine.memory;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** The memory that all clients together may make us hold for one purpose. Thread-safe. */
public final class Purse implements Room {
    private final String name;
    private final long capacity;
    private final AtomicLong held = new AtomicLong();
    private final LongAdder refused = new LongAdder();

    /** In the order in which they came. */
    @GuardedBy("itself")
    private final Queue<Place> waiting = new ArrayDeque<>();

    /** Whether somebody waits, to be asked without the lock. */
    private volatile boolean hasWaiting;

    private final class Place implements Waiting {
        private final long bytes;
        private final Runnable granted;
        private boolean over;

        Place(long bytes, Runnable granted) {
            this.bytes = bytes;
            this.granted = granted;
        }

        @Override
        public boolean cancel() {
            synchronized (waiting) {
                if (over) {
                    return false;
                }
                over = true;
                waiting.remove(this);
                hasWaiting = !waiting.isEmpty();
                return true;
            }
        }
    }

    Purse(String name, long capacity) {
        this.name = name;
        this.capacity = capacity;
    }

    /** What it is for. */
    public String name() {
        return name;
    }

    @Override
    public boolean tryReserve(long bytes) {
        if (take(bytes)) {
            return true;
        }
        refused.increment();
        return false;
    }

    private boolean take(long bytes) {
        if (held.addAndGet(bytes) <= capacity) {
            return true;
        }
        giveBack(bytes);
        return false;
    }

    /**
     * Notes that so many bytes more are held already, or fewer if negative, whatever room there is. Returns by how many
     * bytes too much is held; whoever made it so makes room at once.
     */
    public long adjust(long change) {
        if (change < 0) {
            giveBack(-change);
            return Math.max(0, held.get() - capacity);
        }
        return Math.max(0, held.addAndGet(change) - capacity);
    }

    @Override
    public void giveBack(long bytes) {
        long after = held.addAndGet(-bytes);
        assert after >= 0 : "more was given back to " + name + " than reserved: " + after;
        if (hasWaiting) {
            grant();
        }
    }

    @Override
    public @Nullable Waiting whenRoom(long bytes, Runnable granted) {
        Place place = new Place(bytes, granted);
        synchronized (waiting) {
            if (bytes > capacity || waiting.size() >= MAX_WAITING) {
                refused.increment();
                return null;
            }
            waiting.add(place);
            hasWaiting = true;
        }
        // The last that was held may have been given back before anybody could see that we wait.
        grant();
        return place;
    }

    private void grant() {
        while (true) {
            Place first;
            synchronized (waiting) {
                first = waiting.peek();
                if (first == null || held.addAndGet(first.bytes) > capacity) {
                    if (first != null) {
                        held.addAndGet(-first.bytes);
                    }
                    if (first == null || held.get() + first.bytes > capacity) {
                        return;
                    }
                    // Somebody gave back in between, and saw what was added here for a moment.
                    continue;
                }
                waiting.remove();
                hasWaiting = !waiting.isEmpty();
                first.over = true;
            }
            first.granted.run();
        }
    }

    @Override
    public long held() {
        return held.get();
    }

    @Override
    public long capacity() {
        return capacity;
    }

    @Override
    public long largest() {
        return capacity;
    }

    @Override
    public boolean isAwaited() {
        return hasWaiting;
    }

    /** How often somebody was told that there is no room. */
    public long refused() {
        return refused.sum();
    }
}
