package dev.parley.server.streams;

import dev.parley.engine.delivery.Tail;
import dev.parley.engine.memory.Reservation;
import dev.parley.server.loop.SharedBytes;
import io.vertx.core.buffer.Buffer;

/**
 * An event encoded once for all readers of a stream that stand at the same position.
 *
 * @param from position before its entries
 * @param to position behind them
 * @param cursor the cursor in it
 * @param ends whether the stream ends with it
 * @param chunk the bytes as plain HTTP/1.1 has them on the wire
 * @param held the room that it takes, until the last socket has taken it
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

    /** How often its bytes are in memory: as they are, as a chunk, and as the chunk goes over the wire. */
    static final int COPIES = 3;

    /** The event with {@code more}, which {@code held} is for. */
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

    /** No reader is given it any more; what sockets have not taken stays until they have. */
    void release() {
        held.shrinkTo(held.bytes() / COPIES);
        chunk.release();
    }
}
