package dev.parley.server.streams;

import dev.parley.engine.delivery.Tail;
import dev.parley.engine.memory.Reservation;
import dev.parley.server.loop.SharedBytes;
import io.vertx.core.buffer.Buffer;

/**
 * An event that is encoded once for all readers of a stream at the same position.
 *
 * @param from the position before its entries
 * @param to the position after them
 * @param cursor the cursor in the event
 * @param ends whether the stream ends with it
 * @param chunk the bytes in the form of plain HTTP/1.1
 * @param held the room for it, until the last socket has accepted it
 */
record SharedEvent(
        long from,
        long to,
        long cursor,
        boolean upToDate,
        boolean ends,
        Buffer bytes,
        SharedBytes chunk,
        Reservation held) {

    /** How many copies of the bytes are in memory: plain, as a chunk, and as the chunk is written. */
    static final int COPIES = 3;

    /** The event with {@code more}. {@code held} is the room for it. */
    static SharedEvent of(Tail.More more, long cursor, Buffer bytes, Reservation held) {
        return new SharedEvent(
                more.from(),
                more.to(),
                cursor,
                more.upToDate(),
                more.atEnd(),
                bytes,
                SseEvents.chunk(bytes, held::close),
                held);
    }

    boolean isOf(Tail.More more, long now) {
        return from == more.from()
                && to == more.to()
                && cursor == now
                && upToDate == more.upToDate()
                && ends == more.atEnd();
    }

    /** The event is not sent to further readers. Its memory remains until sockets have written it. */
    void release() {
        held.shrinkTo(held.bytes() / COPIES);
        chunk.release();
    }
}
