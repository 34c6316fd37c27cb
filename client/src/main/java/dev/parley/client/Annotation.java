package dev.parley.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Something that was said about a message, or taken back.
 *
 * @param action whether it was said or taken back
 * @param id the id by which it was published, or null
 * @param serial where it stands in the log
 * @param messageSerial the message
 * @param type what kind of thing it says, and after a colon how such things are summed up: {@code reactions:unique.v1}
 * @param name what it says, such as an emoji, or null
 * @param count how often it says so; 0 if it does not count
 * @param clientId who says it; null if anonymous
 * @param data what it carries, or null
 * @param encoding how the data is encoded beyond what this client decodes; usually null
 * @param extras further fields, or null
 * @param timestamp when it was stored, by the server's clock
 */
public record Annotation(
        Action action,
        @Nullable String id,
        String serial,
        String messageSerial,
        String type,
        @Nullable String name,
        int count,
        @Nullable String clientId,
        @Nullable Data data,
        @Nullable String encoding,
        @Nullable JsonNode extras,
        Instant timestamp)
        implements SessionEvent {
    /** Whether an annotation was made or taken back. */
    public enum Action {
        /** It was made. */
        CREATE,
        /** It was taken back. */
        DELETE
    }
}
