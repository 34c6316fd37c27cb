package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.SessionCommand.InvokeAgent;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.NoSuchAgent;
import dev.parley.engine.session.SessionOutcome.Woken;
import dev.parley.engine.session.SessionState;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Request;
import dev.parley.server.wake.AgentSpecs;
import dev.parley.server.wake.NamedAgents;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.WireException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The agents of a session: those that it names, and those that its namespace names. */
record AgentsResource(Engine engine, Gate gate, AgentSpecs specs, InstantSource clock) {
    /** The longest id of an input. */
    private static final int MAX_EVENT_ID_CHARS = 256;

    /** Its agents, without what they are called with. */
    Answer list(Request request, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.SUBSCRIBE, session.full());
        ObjectNode answer = JsonMapper.shared().createObjectNode();
        var shown = answer.putArray("agents");
        new NamedAgents(engine).of(session.in(principal.app())).values().forEach(named -> {
            ObjectNode agent = AgentSpecs.shown(named.agent());
            shown.add(named.namespace() == null ? agent : agent.put("namespace", named.namespace()));
        });
        return Answer.of(200, answer);
    }

    /** Names agents. One with the id of another takes its place. */
    Answer name(Request request, ChannelName session) throws WireException {
        Principal principal = request.principal();
        // The client of Durable Sessions, which sends no key, means agents that answer with what they say.
        name(principal, session, Fields.of(request.tree(), "body").elements("agents"), principal.isAnonymous());
        return Answer.of(200, to -> to.beginObject().field("success", true).endObject());
    }

    /**
     * Names the agents that these describe, if {@code principal} may.
     *
     * @param streams whether they answer with what they say, unless the description says otherwise
     */
    List<Agent> name(Principal principal, ChannelName session, Iterable<JsonNode> descriptions, boolean streams)
            throws WireException {
        permit(principal, session);
        SessionName name = session.in(principal.app());
        List<Agent> agents = specs.readAll(AgentSpecs.place(name), descriptions, streams);
        change(new NameAgents(name, clock.millis(), agents, List.of()));
        return agents;
    }

    /** Names the agents of {@code source} in a session that goes on from it. */
    void inherit(SessionState source, SessionName fork) throws WireException {
        List<Agent> inherited = new ArrayList<>();
        for (Agent agent : engine.sessions().wakes().own(source)) {
            inherited.add(specs.moved(agent, source.name(), fork));
        }
        if (!inherited.isEmpty()) {
            change(new NameAgents(fork, clock.millis(), inherited, List.of()));
        }
    }

    private void permit(Principal principal, ChannelName session) throws WireException {
        var _ = Refusals.granted(gate.permit(principal, CapabilityOp.AGENT_MANAGE, session.full()));
    }

    /** Wakes an agent that was just named for an input that does not wake it by itself. */
    void invoke(SessionName session, Agent agent, String eventId) throws WireException {
        Commands.await(engine.submit(new InvokeAgent(session, clock.millis(), agent.id(), eventId)));
    }

    /** Names an agent no longer. */
    Answer remove(Request request, ChannelName session, String agentId) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.AGENT_MANAGE, session.full());
        SessionName name = session.in(principal.app());
        if (engine.sessions().find(name) != null) {
            change(new NameAgents(name, clock.millis(), List.of(), List.of(agentId)));
        }
        return Answer.noContent();
    }

    private void change(NameAgents command) throws WireException {
        Refusals.check(Refusals.of(Commands.await(engine.submit(command))));
    }

    /** Wakes an agent because somebody wants it. */
    Answer invoke(Request request, ChannelName session, String agentId) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.AGENT_INVOKE, session.full());
        String event = Fields.of(request.tree(), "body").requiredText("inputEventId");
        if (event.isEmpty() || event.length() > MAX_EVENT_ID_CHARS) {
            throw new WireException(
                    ErrorInfo.invalidValue("The field inputEventId has 1 to " + MAX_EVENT_ID_CHARS + " characters."));
        }
        var command = new InvokeAgent(session.in(principal.app()), clock.millis(), agentId, event);
        return switch (Commands.await(engine.submit(command))) {
            case Woken(String wakeId) ->
                Answer.of(200, to -> to.beginObject().field("wakeId", wakeId).endObject());
            case NoSuchAgent(String id) ->
                throw new WireException(ErrorInfo.notFound("The session has no agent with the id " + id + "."));
        };
    }
}
