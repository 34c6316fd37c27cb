package dev.parley.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A member of the presence set, and what has become of it.
 *
 * @param action what has happened
 * @param id names this event of the member
 * @param clientId the member
 * @param connectionId the connection over which it entered; a client can be a member over several connections
 * @param data what the member says about itself, or null
 * @param encoding how the data is encoded beyond what this client decodes; usually null
 * @param extras further fields, or null
 * @param timestamp when it happened, by the server's clock
 */
public record PresenceEvent(
        Action action,
        String id,
        String clientId,
        String connectionId,
        @Nullable Data data,
        @Nullable String encoding,
        @Nullable JsonNode extras,
        Instant timestamp)
        implements SessionEvent {

    /** What has happened to a member. */
    public enum Action {
        /** The member is known not to be there; only in a set that is being synchronised. */
        ABSENT,
        /** The member was there already when the session was attached. */
        PRESENT,
        /** The member has entered. */
        ENTER,
        /** The member has left, or its connection has been lost for too long. */
        LEAVE,
        /** The member says something new about itself. */
        UPDATE
    }

    /** Names a member: two members are the same if their keys are. */
    String memberKey() {
        return connectionId + ':' + clientId;
    }

    /** {@return the data if it is text; null otherwise} */
    public @Nullable String text() {
        return data instanceof Data.Text text ? text.text() : null;
    }
}
