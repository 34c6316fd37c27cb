package dev.parley.engine.registry;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.codec.AgentCodec;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What a namespace of an app names for all of its sessions: agents, and where its application wants to be told of what happens. Once a
 * namespace has named anything, it is known also when it names nothing any more, so that its sessions are told.
 *
 * @param namespace the id of the namespace, or {@link #OTHERS}
 * @param revision greater than that of every earlier change in the app
 * @param agents by their ids
 * @param told null if the application wants to be told nothing
 */
public record NamespaceAgents(
        String app,
        String namespace,
        long revision,
        List<Agent> agents,
        @Nullable NamespaceNotify told) {
    /** The version of rows without {@link #told}. */
    private static final int AGENTS_ONLY = 1;

    private static final int NOTIFY = 2;

    /** The id of the namespace with all sessions that are in none that names what is looked for. */
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
    static @Nullable Inherited of(@Nullable NamespaceAgents own, @Nullable NamespaceAgents others) {
        if (own == null && others == null) {
            return null;
        }
        // Either may change what holds for the session.
        long newest = Math.max(own == null ? 0 : own.revision, others == null ? 0 : others.revision);
        NamespaceAgents agents = first(own, others, named -> !named.agents.isEmpty());
        NamespaceAgents holds = first(own, others, named -> named.told != null);
        return new Inherited(
                newest,
                agents == null
                        ? List.of()
                        : agents.agents.stream().map(Agent::withoutSecrets).toList(),
                holds == null || holds.told == null ? null : holds.told.rule());
    }

    /** Which of two holds for a session: its namespace's, if that names what is looked for. */
    static @Nullable NamespaceAgents first(
            @Nullable NamespaceAgents own, @Nullable NamespaceAgents others, Predicate<NamespaceAgents> names) {
        return own != null && names.test(own) ? own : others != null && names.test(others) ? others : null;
    }

    /** The same with other agents. */
    NamespaceAgents with(long now, List<Agent> named) {
        return new NamespaceAgents(app, namespace, now, named, told);
    }

    /** The same with another application that wants to be told. */
    NamespaceAgents with(long now, @Nullable NamespaceNotify who) {
        return new NamespaceAgents(app, namespace, now, agents, who);
    }

    int version() {
        return told == null ? AGENTS_ONLY : NOTIFY;
    }

    void write(BinaryWriter out) {
        AgentCodec.agents(out.string(app).string(namespace).varint(revision), agents);
        if (told != null) {
            told.write(out);
        }
    }

    static NamespaceAgents read(BinaryReader in) {
        int version = in.version(AGENTS_ONLY, NOTIFY);
        return new NamespaceAgents(
                in.string(),
                in.string(),
                in.varint(),
                AgentCodec.agents(in),
                version < NOTIFY ? null : NamespaceNotify.read(in));
    }
}
