package dev.parley.engine.registry;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.codec.AgentCodec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The agents that a namespace of an app names for all of its sessions. Once a namespace has named any, it is known also when it
 * names none any more, so that its sessions are told.
 *
 * @param namespace the id of the namespace, or {@link #OTHERS}
 * @param revision greater than that of every earlier change in the app
 * @param agents by their ids
 */
public record NamespaceAgents(String app, String namespace, long revision, List<Agent> agents) {
    /** The id of the namespace with all sessions that are in none that names agents. */
    public static final String OTHERS = "*";

    /** The id of the namespace of a session with this name, empty if it is in none. */
    public static String namespaceOf(String session) {
        int name = session.startsWith("[") ? session.indexOf(']') + 1 : 0;
        int colon = session.indexOf(':', name);
        return colon < 0 ? "" : session.substring(name, colon);
    }

    /**
     * What a session is to know.
     *
     * @param own what its namespace names; null if it has never named any
     * @param others what {@link #OTHERS} names, in the same way
     */
    static @Nullable NamespaceAgents of(@Nullable NamespaceAgents own, @Nullable NamespaceAgents others) {
        if (own == null || others == null) {
            return own == null ? others : own;
        }
        // Either may change what holds for the session.
        long newest = Math.max(own.revision, others.revision);
        NamespaceAgents holds = own.agents.isEmpty() ? others : own;
        return new NamespaceAgents(holds.app, holds.namespace, newest, holds.agents);
    }

    /** As sessions know them. */
    Inherited inherited() {
        return new Inherited(
                revision, agents.stream().map(Agent::withoutSecrets).toList());
    }

    void write(BinaryWriter out) {
        AgentCodec.agents(out.string(app).string(namespace).varint(revision), agents);
    }

    static NamespaceAgents read(BinaryReader in) {
        return new NamespaceAgents(in.string(), in.string(), in.varint(), AgentCodec.agents(in));
    }
}
