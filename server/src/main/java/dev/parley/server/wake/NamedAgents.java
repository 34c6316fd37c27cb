package dev.parley.server.wake;

import dev.parley.engine.Engine;
import dev.parley.engine.registry.NamespaceAgents;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Wake;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** The agents of sessions, with those that their namespaces name, and all that is known of them. */
public record NamedAgents(Engine engine) {
    /**
     * An agent of a session.
     *
     * @param namespace the id of the namespace that names it; null if the session does
     */
    public record Named(Agent agent, @Nullable String namespace) {
        /** What its secrets are encrypted for. */
        String place(SessionName session) {
            return namespace == null ? AgentSpecs.place(session) : AgentSpecs.place(session.app(), namespace);
        }
    }

    /** The agents of a session, by their ids. Of agents with the same id, the session's own one counts. */
    public SortedMap<String, Named> of(SessionName session) {
        SortedMap<String, Named> all = new TreeMap<>();
        NamespaceAgents named = engine.registry().agents(session);
        if (named != null) {
            named.agents().forEach(agent -> all.put(agent.id(), new Named(agent, named.namespace())));
        }
        SessionState state = engine.sessions().find(session);
        if (state != null) {
            engine.sessions().wakes().own(state).forEach(agent -> all.put(agent.id(), new Named(agent, null)));
        }
        return all;
    }

    /** What the agents of a session have to do, as everybody sees it who may read the session. */
    public List<ObjectNode> wakes(SessionState session, long now) {
        SortedMap<String, Named> agents = of(session.name());
        boolean rests = session.control().mode() == Control.Mode.PERSON;
        boolean unwatched = !engine.sessions().presence().isAnyBut(session, agents.keySet());
        List<ObjectNode> shown = new ArrayList<>();
        for (Wake wake : engine.sessions().wakes().of(session)) {
            // What agents had to do that their namespace names no longer is dropped with the next command.
            Named named = agents.get(wake.agentId());
            if (named != null) {
                shown.add(WakeForm.shown(wake, rests, unwatched && named.agent().onlyWhenWatched(), now));
            }
        }
        return shown;
    }
}
