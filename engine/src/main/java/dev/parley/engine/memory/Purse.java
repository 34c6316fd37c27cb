package dev.parley.engine.memory;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** The memory that all clients together may make us hold for one purpose. Thread-safe. */
public final class Purse implements Room {
    private final String name;
    private final long capacity;
    private final AtomicLong held = new AtomicLong();
    private final LongAdder refused = new LongAdder();
    private final Line line = new Line(this::take);

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
        refuse();
        return false;
    }

    /** Nothing can be taken even where too much is held. */
    private boolean take(long bytes) {
        while (true) {
            long before = held.get();
            if (bytes > 0 && before + bytes > capacity) {
                return false;
            }
            if (held.compareAndSet(before, before + bytes)) {
                return true;
            }
        }
    }

    /** Notes that somebody was told that there is no room, here or in a share of this. */
    void refuse() {
        refused.increment();
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
        line.serve();
    }

    @Override
    public @Nullable Waiting whenRoom(long bytes, Runnable granted) {
        Waiting place = bytes > capacity ? null : line.join(bytes, granted);
        if (place == null) {
            refuse();
        }
        return place;
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
        return !line.isEmpty();
    }

    /** How often somebody was told that there is no room, in the purse or in a share of it. */
    public long refused() {
        return refused.sum();
    }
}
