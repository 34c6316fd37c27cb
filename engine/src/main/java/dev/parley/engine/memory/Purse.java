package dev.parley.engine.memory;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** The memory that all clients together may make the server hold for one purpose. Thread-safe. */
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

    /** The name of the purpose. */
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

    /** Taking 0 bytes succeeds even while too much is held. */
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

    /** Counts a refusal, in this purse or in a share of it. */
    public void refuse() {
        refused.increment();
    }

    @Override
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

    /** Number of refusals, in this purse and in its shares. */
    public long refused() {
        return refused.sum();
    }
}
