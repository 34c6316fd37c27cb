package dev.parley.server.notify;

import dev.parley.engine.session.Notification;
import dev.parley.engine.session.Notification.MessageUnseen;
import dev.parley.engine.session.Notification.RequestOpened;
import dev.parley.engine.session.Notification.RunFinished;
import dev.parley.server.channel.Requesting;
import dev.parley.server.wire.Serials;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** How notifications are written. */
final class NotifyForm {
    private NotifyForm() {}

    /** What an application is told. */
    static ObjectNode body(Notification notification) {
        ObjectNode body = JsonMapper.shared()
                .createObjectNode()
                .put("id", notification.id())
                .put("event", NotifySpecs.wireName(notification.about().event()))
                .put("sessionName", notification.session().name())
                .put("at", notification.createdAt())
                .put("attempt", notification.attempts() + 1);
        notification.clientIds().forEach(body.putArray("clientIds")::add);
        switch (notification.about()) {
            case RequestOpened about -> {
                Requesting.named(notification.grants(), Requesting.ROLE).forEach(body.putArray("roles")::add);
                Requesting.named(notification.grants(), Requesting.CAPABILITY)
                        .forEach(operation -> body.put("capability", operation));
                ObjectNode request = body.putObject("request")
                        .put("requestId", about.requestId())
                        .put("kind", Requesting.wireName(about.kind()))
                        .put("title", about.title());
                put(request, "runId", about.runId());
                if (about.due() != 0) {
                    request.put("due", about.due());
                }
            }
            case RunFinished about -> put(body.putObject("run").put("runId", about.runId()), "reason", about.reason());
            case MessageUnseen about -> {
                ObjectNode message = body.putObject("message").put("serial", Serials.render(about.serial()));
                put(message, "name", about.name());
                put(message, "clientId", about.author());
            }
        }
        return body;
    }

    private static void put(ObjectNode to, String field, @Nullable String value) {
        if (value != null) {
            to.put(field, value);
        }
    }
}
