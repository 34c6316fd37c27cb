package dev.parley.server.notify;

import dev.parley.engine.registry.NamespaceNotify;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Notification.Event;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.RunTexts;
import dev.parley.server.auth.SecretSeal.BrokenSealException;
import dev.parley.server.channel.RunNotes;
import dev.parley.server.wake.AgentSpecs;
import dev.parley.server.webhook.WebhookUrl;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.WireException;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads where an application wants to be told of what happens, and shows it without its secrets.
 *
 * @param calls reads where somebody is called
 */
public record NotifySpecs(AgentSpecs calls) {
    /** The name of the message that says that an application could not be told. */
    public static final String NAME = "parley.notify";

    private static final RunTexts.Notice GAVE_UP =
            new RunTexts.Notice(NAME, "{\"state\":\"given-up\",\"notificationId\":\"", "\",\"at\":", "}", "json");

    /** Reads what an application wants for the sessions of a namespace. */
    public NamespaceNotify read(String app, String namespace, JsonNode body) throws WireException {
        Fields spec = Fields.of(body, "body");
        var _ = spec.requiredText("endpoint");
        if (spec.get("bodyTemplate") != null) {
            throw invalid("What an application is told has no bodyTemplate.");
        }
        Agent.Endpoint endpoint = calls.endpoint(owner(app, namespace), spec);
        if (endpoint == null) {
            throw invalid("The field endpoint is a URL.");
        }
        return new NamespaceNotify(endpoint, new NotifyRule(events(spec), RunNotes.ABOUT_RUNS, GAVE_UP));
    }

    private static List<Event> events(Fields spec) throws WireException {
        if (spec.get("events") == null) {
            return List.of(Event.values());
        }
        var events = new TreeSet<Event>();
        for (JsonNode name : spec.elements("events")) {
            events.add(event(name.isString() ? name.stringValue() : ""));
        }
        if (events.isEmpty()) {
            throw invalid("The field events is an array of at least one event.");
        }
        return List.copyOf(events);
    }

    private static Event event(String name) throws WireException {
        for (Event event : Event.values()) {
            if (wireName(event).equals(name)) {
                return event;
            }
        }
        throw invalid("An event is request.opened, run.finished or message.unseen.");
    }

    static String wireName(Event event) {
        return switch (event) {
            case REQUEST_OPENED -> "request.opened";
            case RUN_FINISHED -> "run.finished";
            case MESSAGE_UNSEEN -> "message.unseen";
        };
    }

    /** As clients see it: without what the application is called with. */
    public static ObjectNode shown(NamespaceNotify told) {
        ObjectNode shown = JsonMapper.shared()
                .createObjectNode()
                .put("endpoint", told.endpoint().url());
        told.rule().events().forEach(event -> shown.withArray("events").add(wireName(event)));
        return shown;
    }

    /** Where the application is called, if it still may be called there. */
    WebhookUrl url(NamespaceNotify told) throws WireException {
        return calls.url(told.endpoint());
    }

    /** The headers that a call needs. */
    Map<String, String> headers(String app, String namespace, NamespaceNotify told) throws BrokenSealException {
        return calls.call(owner(app, namespace), told.endpoint()).headers();
    }

    private static String owner(String app, String namespace) {
        return "notify of " + AgentSpecs.place(app, namespace);
    }

    private static WireException invalid(String message) {
        return new WireException(ErrorInfo.invalidValue(message));
    }
}
