package dev.parley.conversation;

import java.util.Base64;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * A message of a session as it is delivered, live or in a page of history.
 *
 * @param action what is done to the message of this serial
 * @param serial the serial of the message; serials are ordered as strings
 * @param version the version that this delivery makes of the message; equal to the serial when it is created
 * @param name the message's name; appends have none
 * @param clientId the client that has published the message
 * @param timestamp when the message was created, in milliseconds since 1970
 * @param data what is appended, or else all of the data; binary data is a binary node
 * @param headers the headers in its extras
 * @param ephemeral whether it is only for those who are listening, and not in the log
 */
public record SessionMessage(
        Action action,
        String serial,
        String version,
        @Nullable String name,
        @Nullable String clientId,
        long timestamp,
        @Nullable JsonNode data,
        Headers headers,
        boolean ephemeral) {

    /** What a delivery does to a message. */
    public enum Action {
        /** It is new. */
        CREATE,
        /** It is replaced; in history also: it is as it has become. */
        UPDATE,
        /** Its content is removed. */
        DELETE,
        /** Its data is extended. */
        APPEND
    }

    /**
     * Reads a message in the JSON form of the realtime protocol, with a numeric or a textual action.
     *
     * @param message the message as JSON
     * @return null if it is of an action that says nothing about a conversation, as annotations and their summaries
     * @throws IllegalArgumentException if it has no serial, or if its data is not encoded as it says
     */
    public static @Nullable SessionMessage parse(JsonNode message) {
        Action action = action(message.path("action"));
        if (action == null) {
            return null;
        }
        String serial = text(message, "serial");
        if (serial == null) {
            throw new IllegalArgumentException("a message of a session has a serial");
        }
        String version = text(message.path("version"), "serial");
        JsonNode extras = message.path("extras");
        return new SessionMessage(
                action,
                serial,
                version == null ? serial : version,
                text(message, "name"),
                text(message, "clientId"),
                message.path("timestamp").asLong(0),
                decoded(message.path("data"), message.path("encoding").asString("")),
                Headers.of(extras),
                extras.path("ephemeral").asBoolean(false));
    }

    private static @Nullable Action action(JsonNode action) {
        if (action.isMissingNode()) {
            return Action.CREATE;
        }
        return switch (action.asString("")) {
            case "0", "message.create" -> Action.CREATE;
            case "1", "message.update" -> Action.UPDATE;
            case "2", "message.delete" -> Action.DELETE;
            case "5", "message.append" -> Action.APPEND;
            default -> null;
        };
    }

    private static @Nullable String text(JsonNode object, String field) {
        JsonNode value = object.path(field);
        return value.isString() ? value.stringValue() : null;
    }

    private static @Nullable JsonNode decoded(JsonNode data, String encoding) {
        if (data.isMissingNode() || data.isNull()) {
            return null;
        }
        JsonNode decoded = data;
        String[] steps = encoding.isEmpty() ? new String[0] : encoding.split("/", -1);
        for (int i = steps.length - 1; i >= 0; i--) {
            decoded = undone(decoded, steps[i]);
        }
        return decoded;
    }

    private static JsonNode undone(JsonNode data, String step) {
        try {
            return switch (step) {
                case "json" -> JsonMapper.shared().readTree(data.asString(""));
                case "base64" ->
                    JsonNodeFactory.instance.binaryNode(Base64.getDecoder().decode(data.asString("")));
                default -> data;
            };
        } catch (JacksonException | IllegalArgumentException e) {
            throw new IllegalArgumentException("the data of a message is not encoded as " + step, e);
        }
    }
}
