package dev.parley.conversation;

import java.util.Base64;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A message that is to be published to a session.
 *
 * @param name its name, one of {@link WireForm}
 * @param data its data, null if it has none
 * @param headers the headers that go into its extras
 * @param ephemeral whether it is only for those who are listening, and not for the log
 */
public record OutboundMessage(String name, @Nullable JsonNode data, Headers headers, boolean ephemeral) {
    /**
     * A message for the log.
     *
     * @param name its name, one of {@link WireForm}
     * @param data its data; null if it has none
     * @param headers the headers that go into its extras
     */
    public OutboundMessage(String name, @Nullable JsonNode data, Headers headers) {
        this(name, data, headers, false);
    }

    /**
     * {@return the message in the JSON form of the REST and realtime protocols; binary and structured data say how
     * they are encoded}
     */
    public ObjectNode toJson() {
        ObjectNode json = JsonMapper.shared().createObjectNode().put("name", name);
        if (data != null) {
            if (data.isBinary()) {
                json.put("data", Base64.getEncoder().encodeToString(data.binaryValue()))
                        .put("encoding", "base64");
            } else if (data.isString()) {
                json.set("data", data);
            } else {
                json.put("data", data.toString()).put("encoding", "json");
            }
        }
        json.set("extras", headers.toExtras(ephemeral));
        return json;
    }

    /**
     * {@return the message as it will be delivered, for whoever has published it and knows its serial from the
     * acknowledgement: it need not wait for its own echo, which then changes nothing}
     *
     * @param serial the serial that it got
     * @param clientId the client that has published it
     * @param timestamp about when it was published, in milliseconds since 1970; the echo may say another time
     */
    public SessionMessage published(String serial, @Nullable String clientId, long timestamp) {
        return new SessionMessage(
                SessionMessage.Action.CREATE, serial, serial, name, clientId, timestamp, data, headers, ephemeral);
    }
}
