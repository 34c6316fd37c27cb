package dev.parley.engine.memory;

import java.util.concurrent.atomic.AtomicLong;

/** Bytes of a {@link Room} that are given back when this is closed. Closing twice gives back once. It may be
 * handed from thread to thread; nobody makes it grow once it may be closed elsewhere. */
public final class Reservation implements AutoCloseable {
    private final Room room;
    private final AtomicLong bytes;

    /** Takes over {@code bytes} that are reserved in {@code room}. */
    public Reservation(Room room, long bytes) {
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

    /** Reserves more, so that it is at least {@code wanted} bytes; false, with what there was, if there is no room. */
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
