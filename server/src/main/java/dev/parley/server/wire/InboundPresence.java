package dev.parley.server.wire;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.PresenceEntry;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A presence event as a client sends it.
 *
 * @param action PRESENT and ENTER mean the same
 * @param id the id that the client gives when it enters again; otherwise null
 */
public record InboundPresence(
        PresenceEntry.Action action,
        @Nullable String id,
        @Nullable String clientId,
        Body body) {

    /** The size in bytes that counts for limits. */
    public int size() {
        return body.size() + (clientId == null ? 0 : clientId.length());
    }

    private static InboundPresence read(JsonNode node) throws WireException {
        Fields fields = Fields.of(node, "presence message");
        long number = fields.number("action", PresenceActions.ABSENT);
        PresenceEntry.Action action = PresenceActions.of(number);
        if (action == null) {
            throw new WireException(ErrorInfo.invalidValue("A client cannot send the presence action " + number + "."));
        }
        return new InboundPresence(action, fields.text("id"), fields.text("clientId"), Bodies.read(fields));
    }

    /** Reads presence events. */
    public static List<InboundPresence> readAll(Iterable<JsonNode> nodes) throws WireException {
        List<InboundPresence> events = new ArrayList<>();
        for (JsonNode node : nodes) {
            events.add(read(node));
        }
        return events;
    }
}
