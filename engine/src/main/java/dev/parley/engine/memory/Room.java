package dev.parley.engine.memory;

import org.jspecify.annotations.Nullable;

/** Something that memory is reserved from: a whole {@link Purse}, or the {@link Share} of it that one client may have. */
public sealed interface Room permits Purse, Share {
    /** Who may wait for one room, so that the list of them is bounded, too. */
    int MAX_WAITING = 100_000;

    /**
     * Reserves so many bytes, or none of them and says no. Whoever gets them gives them back, exactly once and to the
     * same room.
     */
    boolean tryReserve(long bytes);

    /**
     * Reserves so many bytes as soon as there is room, first come, first served, and then runs {@code granted}, once, on the
     * thread that has made room: pass the word on and return. Whoever was granted room gives it back as usual, also if it
     * is not wanted any more, or nobody behind is served. Returns null, and never runs {@code granted}, if too many wait or
     * so much will never be there.
     */
    @Nullable
    Waiting whenRoom(long bytes, Runnable granted);

    /** Gives back what was reserved here. */
    void giveBack(long bytes);

    /** How many bytes are reserved here now. */
    long held();

    /** How many bytes can be reserved here. */
    long capacity();

    /** The largest thing that can ever be reserved here. */
    long largest();

    /** Whether somebody waits for room here, or in what this is a share of. */
    boolean isAwaited();

    /** Reserves so many bytes for the length of a scope, or returns null if there is no room. */
    default @Nullable Reservation reserve(long bytes) {
        return tryReserve(bytes) ? new Reservation(this, bytes) : null;
    }

    /** A part of this room that holds at most {@code capacity} bytes, see {@link Share}. */
    default Share share(long capacity) {
        return new Share(this, capacity);
    }
}
