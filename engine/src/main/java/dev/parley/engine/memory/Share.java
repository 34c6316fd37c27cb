package dev.parley.engine.memory;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What one client may have of a room, so that nobody takes all of it. Whoever holds nothing may always have one thing that
 * is larger than the share, as far as the room itself has space: otherwise a large message could never be read. Thread-safe.
 */
public final class Share implements Room {
    private final Room room;
    private final long capacity;
    private final AtomicLong held = new AtomicLong();

    Share(Room room, long capacity) {
        this.room = room;
        this.capacity = capacity;
    }

    @Override
    public boolean tryReserve(long bytes) {
        long after = held.addAndGet(bytes);
        if (after > capacity && after != bytes) {
            held.addAndGet(-bytes);
            return false;
        }
        if (!room.tryReserve(bytes)) {
            held.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    @Override
    public void giveBack(long bytes) {
        long after = held.addAndGet(-bytes);
        assert after >= 0 : "more was given back than reserved: " + after;
        room.giveBack(bytes);
    }

    @Override
    public long held() {
        return held.get();
    }

    @Override
    public long capacity() {
        return capacity;
    }
}
