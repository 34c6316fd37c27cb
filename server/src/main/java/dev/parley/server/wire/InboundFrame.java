package dev.parley.server.wire;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A frame of the realtime protocol that a client has sent.
 *
 * @param msgSerial -1 if there is none
 * @param flags see {@link Flags}
 * @param params of an attachment or a publish; the values are texts
 * @param accessToken of an AUTH
 * @param error what is wrong with the messages, presence events, annotations or objects; the lists are empty then
 */
public record InboundFrame(
        Action action,
        @Nullable String id,
        @Nullable String channel,
        @Nullable String channelSerial,
        long msgSerial,
        long flags,
        Map<String, String> params,
        List<InboundMessage> messages,
        List<InboundPresence> presence,
        List<InboundAnnotation> annotations,
        List<InboundObject> objects,
        @Nullable String accessToken,
        @Nullable ErrorInfo error) {

    /** Reads a frame. The bytes may be anything. */
    public static InboundFrame read(WireFormat format, byte[] bytes) throws WireException {
        Fields fields = Fields.of(format.read(bytes), "frame");
        long number = fields.number("action", -1);
        Action action = Action.of(number);
        if (action == null) {
            throw new WireException(ErrorInfo.unreadable("There is no action " + number + "."));
        }
        Fields auth = fields.object("auth", "field auth");
        List<InboundMessage> messages = List.of();
        List<InboundPresence> presence = List.of();
        List<InboundAnnotation> annotations = List.of();
        List<InboundObject> objects = List.of();
        ErrorInfo error = null;
        try {
            messages = InboundMessage.readAll(fields.elements("messages"));
            presence = InboundPresence.readAll(fields.elements("presence"));
            annotations = InboundAnnotation.readAll(fields.elements("annotations"));
            objects = action == Action.OBJECT ? InboundObject.readAll(fields.elements("state")) : List.of();
        } catch (WireException e) {
            // The request will be refused by its number, and the connection continues.
            messages = List.of();
            presence = List.of();
            annotations = List.of();
            error = e.error();
        }
        return new InboundFrame(
                action,
                fields.text("id"),
                fields.text("channel"),
                fields.text("channelSerial"),
                fields.number("msgSerial", -1),
                fields.number("flags", 0),
                params(fields),
                messages,
                presence,
                annotations,
                objects,
                auth == null ? null : auth.text("accessToken"),
                error);
    }

    private static Map<String, String> params(Fields fields) throws WireException {
        Fields object = fields.object("params", "field params");
        if (object == null) {
            return Map.of();
        }
        Map<String, String> params = new LinkedHashMap<>();
        object.node().properties().forEach(param -> {
            JsonNode value = param.getValue();
            // Clients pass on what their users wrote, which may be a number or a boolean.
            params.put(param.getKey(), value.isValueNode() ? value.asString() : value.toString());
        });
        return params;
    }
}
