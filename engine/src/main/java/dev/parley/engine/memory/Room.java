package dev.parley.engine.memory;

import org.jspecify.annotations.Nullable;

/** Something that memory is reserved from: a whole {@link Purse}, or the {@link Share} of it that one client may have. */
public sealed interface Room permits Purse, Share {

    /**
     * Reserves so many bytes, or none of them and says no. Whoever gets them gives them back, exactly once and to the
     * same room.
     */
    boolean tryReserve(long bytes);

    /** Gives back what was reserved here. */
    void giveBack(long bytes);

    /** How many bytes are reserved here now. */
    long held();

    /** How many bytes can be reserved here. */
    long capacity();

    /** Reserves so many bytes for the length of a scope, or returns null if there is no room. */
    default @Nullable Reservation reserve(long bytes) {
        return tryReserve(bytes) ? new Reservation(this, bytes) : null;
    }

    /** A part of this room that holds at most {@code capacity} bytes, see {@link Share}. */
    default Share share(long capacity) {
        return new Share(this, capacity);
    }
}
