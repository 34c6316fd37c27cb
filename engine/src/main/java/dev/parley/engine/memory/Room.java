package dev.parley.engine.memory;

import org.jspecify.annotations.Nullable;

/** A source of memory: a whole {@link Purse}, or the {@link Share} of it that one client may have. */
public sealed interface Room permits Purse, Share {
    /** Number of callers that may wait for one room, so that the line of waiting callers is bounded as well. */
    int MAX_WAITING = 100_000;

    /**
     * Reserves this number of bytes and returns true, or reserves nothing and returns false. The caller has to give
     * reserved bytes back exactly once, to the same room.
     */
    boolean tryReserve(long bytes);

    /**
     * Reserves this number of bytes as soon as there is room, first come, first served. It then runs {@code granted}
     * once, on the thread that made the room; {@code granted} must hand the work over to another thread and return.
     * Granted bytes have to be given back as usual, even if the caller no longer needs them; otherwise nobody behind it
     * in the line is served. Returns null, and never runs {@code granted}, if too many callers wait or if there can
     * never be so much room.
     */
    @Nullable
    Waiting whenRoom(long bytes, Runnable granted);

    /**
     * Counts bytes that are already held, or are no longer held if the number is negative, whether there is room or
     * not. Returns by how many bytes too much is held; the caller has to make room at once.
     */
    long adjust(long change);

    /** Gives back bytes that were reserved here. */
    void giveBack(long bytes);

    /** Number of bytes that are reserved here now. */
    long held();

    /** Number of bytes that can be reserved here. */
    long capacity();

    /** The largest number of bytes that can ever be reserved here at once. */
    long largest();

    /** Whether a caller waits for room here, or in the room of which this is a share. */
    boolean isAwaited();

    /** Reserves this number of bytes for the length of a scope. Returns null if there is no room. */
    default @Nullable Reservation reserve(long bytes) {
        return tryReserve(bytes) ? new Reservation(this, bytes) : null;
    }

    /** A part of this room that holds at most {@code capacity} bytes, see {@link Share}. */
    default Share share(long capacity) {
        return new Share(this, capacity);
    }
}
