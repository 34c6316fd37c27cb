package dev.parley.engine.memory;

import java.util.concurrent.atomic.AtomicLong;

/** Bytes of a {@link Room} that are given back when this is closed. Closing twice gives back once. Thread-safe. */
public final class Reservation implements AutoCloseable {
    private final Room room;
    private final AtomicLong bytes;

    Reservation(Room room, long bytes) {
        this.room = room;
        this.bytes = new AtomicLong(bytes);
    }

    /** How many bytes are reserved; none once it is closed. */
    public long bytes() {
        return bytes.get();
    }

    /** Keeps {@code kept} bytes and gives the rest back at once: what was reserved by an estimate is known now. */
    public void shrinkTo(long kept) {
        long before = bytes.getAndUpdate(held -> Math.min(held, kept));
        if (before > kept) {
            room.giveBack(before - kept);
        }
    }

    @Override
    public void close() {
        shrinkTo(0);
    }
}
