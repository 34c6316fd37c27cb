package dev.parley.server.channel;

import dev.parley.conversation.Headers;
import dev.parley.conversation.SessionMessage;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Positions;
import dev.parley.server.wire.Serials;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** The messages of sessions as conversations take them. */
public final class SessionMessages {
    private SessionMessages() {}

    /** A message of a session's history. */
    public static SessionMessage of(MessageEntry message) {
        Body body = message.body();
        JsonNode extras = json(body.extras());
        return new SessionMessage(
                switch (message.action()) {
                    case CREATE -> SessionMessage.Action.CREATE;
                    case UPDATE -> SessionMessage.Action.UPDATE;
                    case DELETE -> SessionMessage.Action.DELETE;
                    case APPEND -> SessionMessage.Action.APPEND;
                },
                Serials.render(message.serial()),
                Serials.render(message.position()),
                body.name(),
                message.clientId(),
                Positions.millis(message.serial()),
                data(body),
                Headers.of(extras == null ? JsonNodeFactory.instance.objectNode() : extras),
                false);
    }

    /** The data of a message or a member, null if there is none. */
    static @Nullable JsonNode data(Body body) {
        Data data = body.data();
        if (data == null) {
            return null;
        }
        if (!data.text()) {
            return JsonNodeFactory.instance.binaryNode(data.bytes());
        }
        String text = new String(data.bytes(), StandardCharsets.UTF_8);
        JsonNode decoded = "json".equals(body.encoding()) ? json(text) : null;
        return decoded == null ? JsonNodeFactory.instance.stringNode(text) : decoded;
    }

    /** What a text of a client says, or null if it is no JSON, whatever its sender says. */
    private static @Nullable JsonNode json(@Nullable String text) {
        if (text == null) {
            return null;
        }
        try {
            return JsonMapper.shared().readTree(text);
        } catch (JacksonException e) {
            return null;
        }
    }
}
