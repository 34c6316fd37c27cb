package dev.parley.server.wire;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Operation;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A message as a client sends it: a new one, or a change of an existing one.
 *
 * @param action what the client wants to do
 * @param id the client's own id, an idempotency key
 * @param serial the message to change
 * @param connectionKey the connection on whose behalf a message is published over REST
 * @param ephemeral whether the message is not stored
 * @param operation who changes a message and why, according to the client
 */
public record InboundMessage(
        Action action,
        @Nullable String id,
        @Nullable String serial,
        @Nullable String clientId,
        @Nullable String connectionId,
        @Nullable String connectionKey,
        Body body,
        boolean ephemeral,
        Operation operation) {
    /** The operations on messages. */
    public enum Action {
        CREATE(0),
        UPDATE(1),
        DELETE(2),
        META(3),
        SUMMARY(4),
        APPEND(5);

        private final int number;

        Action(int number) {
            this.number = number;
        }

        /** Its number on the wire. */
        int number() {
            return number;
        }

        private static Action read(Fields message) throws WireException {
            long number = message.number("action", CREATE.number);
            for (Action action : values()) {
                if (action.number == number) {
                    return action;
                }
            }
            throw new WireException(ErrorInfo.invalidValue("There is no message action " + number + "."));
        }
    }

    private static final Operation NO_OPERATION = new Operation(null, null, null);

    /** The size in bytes that counts for limits. */
    public int size() {
        return body.size() + (clientId == null ? 0 : clientId.length());
    }

    /** Reads one message. */
    public static InboundMessage read(JsonNode node) throws WireException {
        Fields fields = Fields.of(node, "message");
        Fields operation = fields.object("version", "version");
        if (operation == null) {
            // The name that clients of protocol version 2 use.
            operation = fields.object("operation", "operation");
        }
        JsonNode extras = fields.get("extras");
        return new InboundMessage(
                Action.read(fields),
                fields.text("id"),
                fields.text("serial"),
                fields.text("clientId"),
                fields.text("connectionId"),
                fields.text("connectionKey"),
                Bodies.read(fields),
                extras != null && extras.path("ephemeral").asBoolean(false),
                operation == null
                        ? NO_OPERATION
                        : new Operation(
                                operation.text("clientId"), operation.text("description"), operation.json("metadata")));
    }

    /** The same change of the message with this serial. */
    public InboundMessage withSerial(String serial) {
        return new InboundMessage(
                action, id, serial, clientId, connectionId, connectionKey, body, ephemeral, operation);
    }

    /** Reads messages. */
    public static List<InboundMessage> readAll(Iterable<JsonNode> nodes) throws WireException {
        List<InboundMessage> messages = new ArrayList<>();
        for (JsonNode node : nodes) {
            messages.add(read(node));
        }
        return messages;
    }
}
