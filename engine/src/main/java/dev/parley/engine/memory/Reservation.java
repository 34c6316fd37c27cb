package dev.parley.engine.memory;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Bytes of a {@link Room} that are given back when this object is closed. A second close does nothing. A reservation
 * may be passed from thread to thread, but it must not grow while another thread may close it.
 */
public final class Reservation implements AutoCloseable {
    private final Room room;
    private final AtomicLong bytes;

    /** Takes over {@code bytes} that are already reserved in {@code room}. */
    public Reservation(Room room, long bytes) {
        this.room = room;
        this.bytes = new AtomicLong(bytes);
    }

    /** Number of reserved bytes; 0 after the reservation is closed. */
    public long bytes() {
        return bytes.get();
    }

    /**
     * Keeps {@code kept} bytes and gives the others back at once. Called when the real size of something is known that
     * was reserved by an estimate.
     */
    public void shrinkTo(long kept) {
        long before = bytes.getAndUpdate(held -> Math.min(held, kept));
        if (before > kept) {
            room.giveBack(before - kept);
        }
    }

    /**
     * Reserves more bytes, so that there are at least {@code wanted}. If there is no room, returns false and changes
     * nothing.
     */
    public boolean tryGrowTo(long wanted) {
        long more = wanted - bytes.get();
        if (more > 0) {
            if (!room.tryReserve(more)) {
                return false;
            }
            bytes.addAndGet(more);
        }
        return true;
    }

    @Override
    public void close() {
        shrinkTo(0);
    }
}
