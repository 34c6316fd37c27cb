package dev.parley.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A message, or a change of one, as the server delivers it.
 *
 * @param action what this delivery says
 * @param serial names the message and all its changes; serials of one session are ordered as text
 * @param id the id by which the message was published
 * @param version the state after this change; null if the message has not been changed
 * @param name the message's name, or null
 * @param data all data, or of an {@link Action#APPEND} only what was appended; null if there is none
 * @param encoding how the data is encoded beyond what this client decodes, such as {@code cipher+aes-128-cbc}; usually null
 * @param clientId who published the message; null if anonymous
 * @param connectionId the connection over which it was published, or null
 * @param timestamp when the message was published, by the server's clock
 * @param extras further fields, such as {@code headers}, or null
 * @param summary what the annotations of the message come to, by type, or null
 */
public record Message(
        Action action,
        String serial,
        @Nullable String id,
        @Nullable Version version,
        @Nullable String name,
        @Nullable Data data,
        @Nullable String encoding,
        @Nullable String clientId,
        @Nullable String connectionId,
        Instant timestamp,
        @Nullable JsonNode extras,
        @Nullable JsonNode summary)
        implements SessionEvent {

    /** What a delivery says about a message. */
    public enum Action {
        /** The message was published. */
        CREATE,
        /** The message is now as this delivery has it; replaces all earlier data. */
        UPDATE,
        /** The message was deleted. */
        DELETE,
        /** Something about the session; reserved by the protocol. */
        META,
        /** The annotations of the message have changed; only {@link Message#summary} is new. */
        SUMMARY,
        /** The data grows by {@link Message#data}. */
        APPEND
    }

    /** {@return the data if it is text; null otherwise} */
    public @Nullable String text() {
        return data instanceof Data.Text text ? text.text() : null;
    }

    /** {@return the serial of the newest change that this delivery includes} */
    public String versionSerial() {
        return version == null ? serial : version.serial();
    }
}
