package dev.parley.server.streams;

import dev.parley.engine.delivery.Tail;
import dev.parley.engine.memory.Reservation;
import dev.parley.server.loop.SharedBytes;

/**
 * An event that is encoded once for all readers of a stream at the same position. Used on one event loop.
 *
 * @param from the position before its entries
 * @param to the position after them
 * @param cursor the cursor in the event
 * @param millis when it was encoded
 * @param upToDate whether the event says that nothing was left to read
 * @param chunk the bytes in the form of plain HTTP/1.1
 * @param held the room for it, until the last socket has accepted it
 */
record SharedEvent(
        long from, long to, long cursor, long millis, boolean upToDate, SharedBytes chunk, Reservation held) {

    /** How many copies of the bytes are in memory: as encoded, in the parts of the chunk, and as the chunk is written. */
    static final int COPIES = 3;

    /** The event with {@code more}, after which the stream goes on. {@code held} is the room for it. */
    static SharedEvent of(Tail.More more, long cursor, long millis, SharedBytes chunk, Reservation held) {
        return new SharedEvent(more.from(), more.to(), cursor, millis, more.upToDate(), chunk, held);
    }

    /** Gives the memory back if all sockets have written the event, and returns whether they have. */
    boolean free() {
        if (!chunk.areWritten()) {
            return false;
        }
        chunk.release();
        held.close();
        return true;
    }

    /** Keeps only the memory of the chunk as it is written, because no further readers get the event. */
    void retire() {
        held.shrinkTo(held.bytes() / COPIES);
    }
}
