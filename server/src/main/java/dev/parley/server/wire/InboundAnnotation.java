package dev.parley.server.wire;

import dev.parley.engine.session.Body;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * An annotation of a message, or its deletion, as a client sends it.
 *
 * @param delete whether the annotation is deleted
 * @param id the client's own id, an idempotency key
 * @param messageSerial the serial of the message; null if it is given elsewhere
 * @param type the type of the annotation, which also says how annotations are summarised
 * @param count the count, for types that have one; 0 if there is none
 * @param body with the name of the annotation
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

    /** The greatest count. */
    public static final int MAX_COUNT = 1_000_000;

    /** The size in bytes that counts for limits. */
    public int size() {
        return body.size() + type.length() + (clientId == null ? 0 : clientId.length());
    }

    /** The same annotation for the message with this serial. */
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
