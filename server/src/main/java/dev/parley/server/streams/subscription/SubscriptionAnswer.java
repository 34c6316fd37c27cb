package dev.parley.server.streams.subscription;

import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Room;
import dev.parley.server.http.RefusedException;
import tools.jackson.databind.node.ObjectNode;

/** The answer to a request about subscriptions, before it is sent. */
sealed interface SubscriptionAnswer {
    SubscriptionAnswer NO_CONTENT = new Empty(204);

    record Empty(int status) implements SubscriptionAnswer {}

    record Small(int status, ObjectNode body) implements SubscriptionAnswer {}

    /** An answer that may be large, because it has a part for each link. */
    record Large(int status, byte[] body, Reservation held) implements SubscriptionAnswer {}

    /** Work whose answer may be large. */
    interface Work {
        Small answer() throws RefusedException;
    }

    /**
     * Does {@code work} if {@code room} has the bytes that its answer may take until it is sent. Otherwise the request is
     * refused and nothing happens.
     */
    static SubscriptionAnswer large(long bytes, Room room, Work work) throws RefusedException {
        Reservation held = room.reserve(bytes);
        if (held == null) {
            throw SubscriptionRefusals.overloaded();
        }
        boolean made = false;
        try {
            Small answer = work.answer();
            byte[] body = Json.MAPPER.writeValueAsBytes(answer.body());
            made = true;
            return new Large(answer.status(), body, held);
        } finally {
            if (!made) {
                held.close();
            }
        }
    }
}
