package dev.parley.server.http;

import dev.parley.engine.memory.Room;
import io.netty.handler.codec.http.HttpRequest;
import java.util.ArrayDeque;

/**
 * Counts the requests of one connection in HTTP/1.1 that wait, decoded, behind one without an answer. Vert.x stops reading
 * when it has some of them, but has then as many as the last read from the socket has brought. Used on the connection's event
 * loop.
 */
final class WaitingRequests {
    /** The memory that a request takes besides its text and its fields. */
    static final int REQUEST_BYTES = 512;

    private final Room room;

    /** What each of them takes, in their order. Most connections never have any. */
    private final ArrayDeque<Long> waiting = new ArrayDeque<>(0);

    /** How many have arrived, and how many of these were passed on to be answered. */
    private long arrived;

    private long taken;

    /** The memory of all that wait, and how much of it is reserved. */
    private long held;

    private long reserved;
    private boolean over;

    WaitingRequests(Room room) {
        this.room = room;
    }

    /** Notes that a request has arrived, and is about to be handed to Vert.x. */
    void arrives() {
        arrived++;
    }

    /** Counts the request that has arrived last, if it waits. Returns false if there is no room for it. */
    boolean keeps(HttpRequest request) {
        if (over || taken >= arrived) {
            return true;
        }
        long bytes = REQUEST_BYTES + ArrivingHead.weight(request.uri(), request.headers());
        waiting.add(bytes);
        held += bytes;
        long needed = held <= ArrivingHead.FREE_BYTES ? 0 : held;
        if (needed > reserved) {
            if (!room.tryReserve(needed - reserved)) {
                return false;
            }
            reserved = needed;
        }
        return true;
    }

    /** Notes that a request was passed on to be answered. */
    void taken() {
        taken++;
        Long bytes = waiting.poll();
        if (bytes != null) {
            held -= bytes;
            giveBack(held <= ArrivingHead.FREE_BYTES ? 0 : held);
        }
    }

    /** Notes that Vert.x has none of them any more. */
    void end() {
        over = true;
        waiting.clear();
        held = 0;
        giveBack(0);
    }

    private void giveBack(long needed) {
        if (needed < reserved) {
            room.giveBack(reserved - needed);
            reserved = needed;
        }
    }
}
