package dev.parley.client.agent;

import dev.parley.client.Data;
import dev.parley.client.Message;
import dev.parley.client.NewMessage;
import dev.parley.conversation.Headers;
import dev.parley.conversation.OutboundMessage;
import dev.parley.conversation.SessionMessage;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** Between the messages of a session, as this client delivers and publishes them, and those of a conversation. */
public final class SessionMessages {
    private SessionMessages() {}

    /**
     * {@return a message as a conversation takes it; null if it says nothing about one, as the summary of annotations}
     *
     * @param message the message
     */
    public static @Nullable SessionMessage read(Message message) {
        SessionMessage.Action action = action(message.action());
        return action == null
                ? null
                : new SessionMessage(
                        action,
                        message.serial(),
                        message.versionSerial(),
                        message.name(),
                        message.clientId(),
                        message.timestamp().toEpochMilli(),
                        json(message.data()),
                        Headers.of(message.extras()),
                        message.extras() != null
                                && message.extras().path("ephemeral").asBoolean(false));
    }

    private static SessionMessage.@Nullable Action action(Message.Action action) {
        return switch (action) {
            case CREATE -> SessionMessage.Action.CREATE;
            case UPDATE -> SessionMessage.Action.UPDATE;
            case DELETE -> SessionMessage.Action.DELETE;
            case APPEND -> SessionMessage.Action.APPEND;
            case META, SUMMARY -> null;
        };
    }

    private static @Nullable JsonNode json(@Nullable Data data) {
        if (data instanceof Data.Text text) {
            return JsonNodeFactory.instance.stringNode(text.text());
        }
        if (data instanceof Data.Bytes bytes) {
            return JsonNodeFactory.instance.binaryNode(bytes.bytes());
        }
        return data instanceof Data.Json json ? json.value() : null;
    }

    /**
     * {@return a message of a conversation as this client publishes it}
     *
     * @param message the message
     */
    public static NewMessage write(OutboundMessage message) {
        return NewMessage.of(message.name(), data(message.data()))
                .withExtras(message.headers().toExtras(message.ephemeral()));
    }

    /** A message with another header of its transport. */
    static OutboundMessage with(OutboundMessage message, String header, String value) {
        Map<String, String> transport = new LinkedHashMap<>(message.headers().transport());
        transport.put(header, value);
        return new OutboundMessage(
                message.name(),
                message.data(),
                new Headers(transport, message.headers().codec()),
                message.ephemeral());
    }

    /** A text that is appended to a message, or replaces what it says, with the headers that it has from then on. */
    static NewMessage text(String text, Headers headers) {
        return NewMessage.of(null, text).withExtras(headers.toExtras(false));
    }

    private static @Nullable Data data(@Nullable JsonNode data) {
        if (data == null) {
            return null;
        }
        if (data.isBinary()) {
            return Data.of(data.binaryValue());
        }
        return data.isString() ? Data.of(data.stringValue()) : Data.of(data);
    }
}
