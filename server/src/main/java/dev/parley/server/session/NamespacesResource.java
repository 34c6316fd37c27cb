package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.registry.NamespaceAgents;
import dev.parley.engine.registry.NamespaceNotify;
import dev.parley.engine.registry.RegistryCommand.NameAgents;
import dev.parley.engine.registry.RegistryCommand.SetNotify;
import dev.parley.engine.registry.RegistryOutcome.AgentsTooLarge;
import dev.parley.engine.registry.RegistryOutcome.Done;
import dev.parley.engine.registry.RegistryOutcome.NoSuchApp;
import dev.parley.engine.registry.RegistryOutcome.TooManyAgents;
import dev.parley.engine.registry.RegistryOutcome.TooManyNamespaces;
import dev.parley.server.apps.Namespace;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.notify.NotifySpecs;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Request;
import dev.parley.server.wake.AgentSpecs;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import java.time.InstantSource;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What namespaces name for all of their sessions: agents, and where their application wants to be told of what happens. */
record NamespacesResource(Engine engine, Gate gate, AgentSpecs specs, InstantSource clock) {
    private static final String REMOVED = "The app was removed.";

    /** Its agents, without what they are called with. */
    Answer list(Request request, String namespace) throws WireException {
        String app = permitted(request, namespace, CapabilityOp.SUBSCRIBE);
        ObjectNode answer = JsonMapper.shared().createObjectNode();
        var agents = answer.putArray("agents");
        NamespaceAgents named = engine.registry().agents(app, namespace);
        if (named != null) {
            named.agents().forEach(agent -> agents.add(AgentSpecs.shown(agent)));
        }
        return Answer.of(200, answer);
    }

    /** Names agents. One with the id of another takes its place. */
    Answer name(Request request, String namespace) throws WireException {
        String app = permitted(request, namespace, CapabilityOp.AGENT_MANAGE);
        var agents = specs.readAll(AgentSpecs.place(app, namespace), request.tree());
        change(new NameAgents(clock.millis(), app, namespace, agents, List.of()));
        return Answer.of(200, to -> to.beginObject().field("success", true).endObject());
    }

    /** Names an agent no longer. */
    Answer remove(Request request, String namespace, String agentId) throws WireException {
        String app = permitted(request, namespace, CapabilityOp.AGENT_MANAGE);
        change(new NameAgents(clock.millis(), app, namespace, List.of(), List.of(agentId)));
        return Answer.noContent();
    }

    /** Where the application wants to be told, without what it is called with. */
    Answer notified(Request request, String namespace) throws WireException {
        String app = permitted(request, namespace, CapabilityOp.SUBSCRIBE);
        NamespaceAgents named = engine.registry().agents(app, namespace);
        NamespaceNotify told = named == null ? null : named.told();
        if (told == null) {
            throw new WireException(
                    ErrorInfo.notFound("No application is told of what happens in the namespace " + namespace + "."));
        }
        return Answer.of(200, NotifySpecs.shown(told));
    }

    /** Says where the application wants to be told. */
    Answer notify(Request request, String namespace) throws WireException {
        String app = permitted(request, namespace, CapabilityOp.AGENT_MANAGE);
        NamespaceNotify told = new NotifySpecs(specs).read(app, namespace, request.tree());
        set(new SetNotify(clock.millis(), app, namespace, told));
        return Answer.of(200, NotifySpecs.shown(told));
    }

    /** The application wants to be told nothing any more. */
    Answer stopNotifying(Request request, String namespace) throws WireException {
        String app = permitted(request, namespace, CapabilityOp.AGENT_MANAGE);
        set(new SetNotify(clock.millis(), app, namespace, null));
        return Answer.noContent();
    }

    private void set(SetNotify command) throws WireException {
        String refused = switch (Commands.await(engine.submit(command))) {
            case Done d -> null;
            case NoSuchApp n -> REMOVED;
            case TooManyNamespaces(int max) -> tooMany(max);
        };
        if (refused != null) {
            throw new WireException(ErrorInfo.badRequest(refused));
        }
    }

    private static String tooMany(int max) {
        return "At most " + max + " namespaces have named agents, or where they want to be told of something.";
    }

    /** Who may do it in all sessions of the namespace may do it there. Returns the app. */
    private String permitted(Request request, String namespace, CapabilityOp operation) throws WireException {
        boolean isOthers = namespace.equals(NamespaceAgents.OTHERS);
        if (namespace.isEmpty()
                || namespace.length() > Namespace.MAX_ID_CHARS
                || namespace.chars().anyMatch(c -> c == ':' || Character.isISOControl(c))
                || (!isOthers && namespace.indexOf('*') >= 0)) {
            throw new WireException(ErrorInfo.invalidValue("The id of a namespace has 1 to " + Namespace.MAX_ID_CHARS
                    + " characters, and no colon or star; * stands for all other sessions."));
        }
        String sessions = isOthers ? NamespaceAgents.OTHERS : namespace + ":*";
        return request.permitted(gate, operation, sessions).app();
    }

    private void change(NameAgents command) throws WireException {
        String refused = switch (Commands.await(engine.submit(command))) {
            case Done d -> null;
            case NoSuchApp n -> REMOVED;
            case TooManyAgents(int max) -> "A namespace names at most " + max + " agents.";
            case AgentsTooLarge(int max) -> "The agents of a namespace have at most " + max + " bytes.";
            case TooManyNamespaces(int max) -> tooMany(max);
        };
        if (refused != null) {
            throw new WireException(ErrorInfo.badRequest(refused));
        }
    }
}
