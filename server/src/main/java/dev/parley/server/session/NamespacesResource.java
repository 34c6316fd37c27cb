package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.registry.NamespaceAgents;
import dev.parley.engine.registry.RegistryCommand.NameAgents;
import dev.parley.engine.registry.RegistryOutcome.AgentsTooLarge;
import dev.parley.engine.registry.RegistryOutcome.Done;
import dev.parley.engine.registry.RegistryOutcome.NoSuchApp;
import dev.parley.engine.registry.RegistryOutcome.TooManyAgents;
import dev.parley.engine.registry.RegistryOutcome.TooManyNamespaces;
import dev.parley.server.apps.Namespace;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
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

/** The agents that namespaces name for all of their sessions. */
record NamespacesResource(Engine engine, Gate gate, AgentSpecs specs, InstantSource clock) {
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
            case NoSuchApp n -> "The app was removed.";
            case TooManyAgents(int max) -> "A namespace names at most " + max + " agents.";
            case AgentsTooLarge(int max) -> "The agents of a namespace have at most " + max + " bytes.";
            case TooManyNamespaces(int max) -> "At most " + max + " namespaces have named agents.";
        };
        if (refused != null) {
            throw new WireException(ErrorInfo.badRequest(refused));
        }
    }
}
