package dev.parley.server.wire;

import dev.parley.engine.session.Body;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Something that a client says about a message, or takes back.
 *
 * @param delete whether it takes back what it has said
 * @param id the client's own id, an idempotency key
 * @param messageSerial which message it is about; null if that is said elsewhere
 * @param type what kind of thing it says, and how such things are summed up
 * @param count how often it says so, for types that count; 0 if that is not said
 * @param body with the annotation's own name
 */
public record InboundAnnotation(
        boolean delete,
        @Nullable String id,
        @Nullable String messageSerial,
        String type,
        int count,
        @Nullable String clientId,
        Body body) {
    private static final int CREATE = 0;
    private static final int DELETE = 1;

    /** Greatest count. */
    public static final int MAX_COUNT = 1_000_000;

    /** Its size in bytes, as limits count it. */
    public int size() {
        return body.size() + type.length() + (clientId == null ? 0 : clientId.length());
    }

    /** The same, about the message with this serial. */
    public InboundAnnotation about(String serial) {
        return new InboundAnnotation(delete, id, serial, type, count, clientId, body);
    }

    /** Reads annotations. */
    public static List<InboundAnnotation> readAll(Iterable<JsonNode> nodes) throws WireException {
        List<InboundAnnotation> annotations = new ArrayList<>();
        for (JsonNode node : nodes) {
            annotations.add(read(Fields.of(node, "annotation")));
        }
        return annotations;
    }

    private static InboundAnnotation read(Fields fields) throws WireException {
        long action = fields.number("action", CREATE);
        if (action != CREATE && action != DELETE) {
            throw new WireException(ErrorInfo.invalidValue("There is no annotation action " + action + "."));
        }
        long count = fields.number("count", 0);
        if (count < 0 || count > MAX_COUNT) {
            throw new WireException(ErrorInfo.invalidValue("An annotation counts 1 to " + MAX_COUNT + "."));
        }
        return new InboundAnnotation(
                action == DELETE,
                fields.text("id"),
                fields.text("messageSerial"),
                fields.requiredText("type"),
                (int) count,
                fields.text("clientId"),
                Bodies.read(fields));
    }
}
