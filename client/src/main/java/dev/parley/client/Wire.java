package dev.parley.client;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The form of messages, events and errors on the wire of the doors of sessions, in JSON. */
final class Wire {
    static final JsonMapper MAPPER = JsonMapper.shared();

    // Actions stand where their numbers on the wire are.
    private static final List<Message.Action> MESSAGE_ACTIONS = List.of(Message.Action.values());
    private static final List<PresenceEvent.Action> PRESENCE_ACTIONS = List.of(PresenceEvent.Action.values());
    private static final List<ObjectChange.Action> OBJECT_ACTIONS = List.of(ObjectChange.Action.values());
    private static final List<Annotation.Action> ANNOTATION_ACTIONS = List.of(Annotation.Action.values());

    private Wire() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    /** The text of a field; null if it is absent or null. */
    static @Nullable String text(JsonNode node, String field) {
        JsonNode value = node.path(field);
        return value.isString()
                ? value.stringValue()
                : value.isValueNode() && !value.isNull() ? value.asString() : null;
    }

    /** The text at a place of an array; null if it is absent. */
    static @Nullable String text(JsonNode array, int index) {
        JsonNode value = array.path(index);
        return value.isString() ? value.stringValue() : null;
    }

    /** The text of a field that every server sends. */
    static String required(JsonNode node, String field) {
        String text = text(node, field);
        if (text == null) {
            throw new IllegalArgumentException("The server has sent no " + field + ".");
        }
        return text;
    }

    static long number(JsonNode node, String field, long absent) {
        JsonNode value = node.path(field);
        return value.isNumber() ? value.asLong() : absent;
    }

    private static @Nullable JsonNode document(JsonNode node, String field) {
        JsonNode value = node.path(field);
        return value.isMissingNode() || value.isNull() ? null : value;
    }

    private static Instant time(JsonNode node, String field, long absent) {
        return Instant.ofEpochMilli(number(node, field, absent));
    }

    /** Data without the encodings that this client knows, and the encoding that is left. */
    private record Decoded(@Nullable Data data, @Nullable String encoding) {
        static Decoded of(JsonNode node) {
            JsonNode value = node.path("data");
            String encoding = text(node, "encoding");
            if (value.isMissingNode() || value.isNull()) {
                return new Decoded(null, encoding);
            }
            Data data = value.isString() ? Data.of(value.stringValue()) : Data.of(value);
            List<String> left =
                    new ArrayList<>(Arrays.asList(encoding == null ? new String[0] : encoding.split("/", -1)));
            while (!left.isEmpty()) {
                Data decoded = decoded(data, left.get(left.size() - 1));
                if (decoded == null) {
                    break;
                }
                data = decoded;
                left.remove(left.size() - 1);
            }
            return new Decoded(data, left.isEmpty() ? null : String.join("/", left));
        }

        /** Whoever published the data may have given it an encoding that it does not have. Then it stays as it is. */
        private static @Nullable Data decoded(Data data, String element) {
            try {
                return decode(data, element);
            } catch (IllegalArgumentException | JacksonException e) {
                return null;
            }
        }

        private static @Nullable Data decode(Data data, String element) {
            return switch (element) {
                case "" -> data;
                case "base64" ->
                    data instanceof Data.Text text ? Data.of(Base64.getDecoder().decode(text.text())) : null;
                case "utf-8" ->
                    data instanceof Data.Bytes bytes
                            ? Data.of(new String(bytes.bytes(), StandardCharsets.UTF_8))
                            : data;
                case "json" -> data instanceof Data.Text text ? Data.of(MAPPER.readTree(text.text())) : data;
                default -> null;
            };
        }
    }

    private static void put(ObjectNode to, @Nullable Data data) {
        if (data instanceof Data.Text text) {
            to.put("data", text.text());
        } else if (data instanceof Data.Bytes bytes) {
            to.put("data", Base64.getEncoder().encodeToString(bytes.bytes())).put("encoding", "base64");
        } else if (data instanceof Data.Json json) {
            to.put("data", json.value().toString()).put("encoding", "json");
        }
    }

    private static void put(ObjectNode to, String field, @Nullable String text) {
        if (text != null) {
            to.put(field, text);
        }
    }

    private static void put(ObjectNode to, String field, @Nullable JsonNode document) {
        if (document != null) {
            to.set(field, document);
        }
    }

    // Messages

    static Message message(JsonNode node) {
        Decoded decoded = Decoded.of(node);
        String serial = required(node, "serial");
        JsonNode version = node.path("version");
        return new Message(
                action(MESSAGE_ACTIONS, node),
                serial,
                text(node, "id"),
                version.isObject() ? version(version, serial) : null,
                text(node, "name"),
                decoded.data(),
                decoded.encoding(),
                text(node, "clientId"),
                text(node, "connectionId"),
                time(node, "timestamp", 0),
                document(node, "extras"),
                document(node.path("annotations"), "summary"));
    }

    private static Version version(JsonNode node, String serial) {
        String own = text(node, "serial");
        return new Version(
                own == null ? serial : own,
                time(node, "timestamp", 0),
                text(node, "clientId"),
                text(node, "description"),
                document(node, "metadata"));
    }

    private static <A> A action(List<A> actions, JsonNode node) {
        int number = (int) number(node, "action", 0);
        if (number < 0 || number >= actions.size()) {
            throw new IllegalArgumentException("The server has sent the unknown action " + number + ".");
        }
        return actions.get(number);
    }

    static ObjectNode message(NewMessage message) {
        ObjectNode node = object();
        put(node, "id", message.id());
        put(node, "name", message.name());
        put(node, "clientId", message.clientId());
        put(node, message.data());
        put(node, "extras", message.extras());
        return node;
    }

    /** A change of the message with this serial. */
    static ObjectNode change(Message.Action action, String serial, NewMessage content, Operation operation) {
        ObjectNode node = message(content.withId(null))
                .put("action", MESSAGE_ACTIONS.indexOf(action))
                .put("serial", serial);
        if (!operation.equals(Operation.NONE)) {
            ObjectNode version = node.putObject("version");
            put(version, "clientId", operation.clientId());
            put(version, "description", operation.description());
            put(version, "metadata", operation.metadata());
        }
        return node;
    }

    // Presence

    static PresenceEvent presence(JsonNode node) {
        Decoded decoded = Decoded.of(node);
        return new PresenceEvent(
                action(PRESENCE_ACTIONS, node),
                required(node, "id"),
                required(node, "clientId"),
                required(node, "connectionId"),
                decoded.data(),
                decoded.encoding(),
                document(node, "extras"),
                time(node, "timestamp", 0));
    }

    static ObjectNode presence(
            PresenceEvent.Action action, @Nullable String id, @Nullable String clientId, @Nullable Data data) {
        ObjectNode node = object().put("action", PRESENCE_ACTIONS.indexOf(action));
        put(node, "id", id);
        put(node, "clientId", clientId);
        put(node, data);
        return node;
    }

    // Annotations

    static Annotation annotation(JsonNode node) {
        Decoded decoded = Decoded.of(node);
        return new Annotation(
                action(ANNOTATION_ACTIONS, node),
                text(node, "id"),
                required(node, "serial"),
                required(node, "messageSerial"),
                required(node, "type"),
                text(node, "name"),
                (int) number(node, "count", 0),
                text(node, "clientId"),
                decoded.data(),
                decoded.encoding(),
                document(node, "extras"),
                time(node, "timestamp", 0));
    }

    static ObjectNode annotation(Annotation.Action action, String id, String messageSerial, NewAnnotation annotation) {
        ObjectNode node = object().put("action", ANNOTATION_ACTIONS.indexOf(action))
                .put("id", id)
                .put("messageSerial", messageSerial)
                .put("type", annotation.type());
        put(node, "name", annotation.name());
        if (annotation.count() > 0) {
            node.put("count", annotation.count());
        }
        put(node, annotation.data());
        put(node, "extras", annotation.extras());
        return node;
    }

    // Objects

    static ObjectChange objectChange(JsonNode node) {
        JsonNode operation = node.path("operation");
        ObjectChange.Action action = action(OBJECT_ACTIONS, operation);
        JsonNode set = operation.path("mapSet");
        String key = text(set, "key");
        return new ObjectChange(
                required(operation, "objectId"),
                action,
                key == null ? text(operation.path("mapRemove"), "key") : key,
                value(operation, action),
                operation.path("counterInc").path("number").asDouble(0),
                required(node, "serial"),
                text(node, "clientId"));
    }

    private static @Nullable JsonNode value(JsonNode operation, ObjectChange.Action action) {
        return switch (action) {
            case MAP_SET -> document(operation.path("mapSet"), "value");
            case MAP_CREATE -> document(operation, "mapCreate");
            case COUNTER_CREATE -> document(operation, "counterCreate");
            default -> null;
        };
    }

    // Text

    /**
     * The same JSON with halves of surrogate pairs replaced by U+FFFD, as when a text was cut in the middle of an emoji. There
     * is no UTF-8 for them, so the frame could not be sent, now or later.
     */
    static String completed(String json) {
        StringBuilder completed = null;
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < json.length() && Character.isLowSurrogate(json.charAt(i + 1))) {
                i++;
                continue;
            }
            completed = completed == null ? new StringBuilder(json) : completed;
            completed.setCharAt(i, '\ufffd');
        }
        return completed == null ? json : completed.toString();
    }

    // Errors

    /** An error as frames and answers of the doors of sessions have it. */
    static ParleyException error(JsonNode error) {
        int code = (int) number(error, "code", 50000);
        int status = (int) number(error, "statusCode", code / 100);
        String message = text(error, "message");
        return error(code, status, Integer.toString(code), message == null ? "The server gives no reason." : message);
    }

    static ParleyException error(int code, int status, String reason, String message) {
        return status == 401 || status == 403
                ? new ParleyException.AccessDenied(code, status, reason, message, null)
                : new ParleyException.Refused(code, status, reason, message);
    }

    /** Whether a new token may help. */
    static boolean isTokenError(ParleyException error) {
        return error.code() >= 40140 && error.code() < 40150;
    }
}
