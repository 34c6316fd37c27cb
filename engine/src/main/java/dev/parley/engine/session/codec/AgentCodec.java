package dev.parley.engine.session.codec;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Agent.Endpoint;
import dev.parley.engine.session.Agent.Trigger;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.SessionCommand.Settlement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The binary form of the agents that sessions name, in commands and rows. */
public final class AgentCodec {
    /** The newest version of what a session knows of its namespace: with what the application wants to be told. */
    public static final int NOTIFY = 2;

    private static final int AGENTS_ONLY = 1;
    private static final int NOTHING = 0;
    private static final int BYTES = 1;
    private static final int TEXT = 2;

    private static final int NO_ENDPOINT = 0;
    private static final int CALLED = 1;
    private static final int STREAMS = 2;

    private AgentCodec() {}

    /** The version of what a session knows of its namespace, in which it is written. */
    public static int version(Inherited inherited) {
        return inherited.rule() == null ? AGENTS_ONLY : NOTIFY;
    }

    /** Writes what a session knows of its namespace. */
    public static BinaryWriter inherited(BinaryWriter out, Inherited inherited) {
        agents(out.varint(inherited.revision()), inherited.agents());
        return inherited.rule() == null ? out : NotificationCodec.rule(out, inherited.rule());
    }

    /** Reads what a session knows of its namespace. */
    public static Inherited inherited(BinaryReader in, int version) {
        return new Inherited(in.varint(), agents(in), version < NOTIFY ? null : NotificationCodec.rule(in));
    }

    /** Writes agents. */
    public static void agents(BinaryWriter out, List<Agent> agents) {
        out.varint(agents.size());
        agents.forEach(agent -> agent(out, agent));
    }

    /** Reads agents. */
    public static List<Agent> agents(BinaryReader in) {
        int count = in.count();
        List<Agent> agents = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            agents.add(agent(in));
        }
        return List.copyOf(agents);
    }

    /** Writes an agent. */
    public static BinaryWriter agent(BinaryWriter out, Agent agent) {
        out.string(agent.id()).optional(agent.name());
        endpoint(out, agent.endpoint());
        out.u8(
                switch (agent.trigger()) {
                    case INVOCATION -> 0;
                    case MENTION -> 1;
                    case USER_MESSAGES -> 2;
                    case ALL -> 3;
                });
        ValueCodec.texts(out, agent.patterns()).varint(agent.debounceMillis()).bool(agent.onlyWhenWatched());
        return RunNoteCodec.notice(RunNoteCodec.notice(out, agent.gaveUp()), agent.loopEnded());
    }

    /** Reads an agent. */
    public static Agent agent(BinaryReader in) {
        return new Agent(
                in.string(),
                in.optional(),
                endpoint(in),
                trigger(in),
                ValueCodec.texts(in),
                in.varint(),
                in.bool(),
                RunNoteCodec.notice(in),
                RunNoteCodec.notice(in));
    }

    private static Trigger trigger(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> Trigger.INVOCATION;
            case 1 -> Trigger.MENTION;
            case 2 -> Trigger.USER_MESSAGES;
            case 3 -> Trigger.ALL;
            default -> throw new MalformedBinaryException("an unknown trigger", null);
        };
    }

    /** Writes where somebody is called, if anywhere. */
    public static void endpoint(BinaryWriter out, @Nullable Endpoint endpoint) {
        out.u8(endpoint == null ? NO_ENDPOINT : endpoint.streams() ? STREAMS : CALLED);
        if (endpoint != null) {
            Data secrets = endpoint.secrets();
            out.string(endpoint.url()).u8(secrets == null ? NOTHING : secrets.text() ? TEXT : BYTES);
            if (secrets != null) {
                out.blob(secrets.bytes());
            }
        }
    }

    /** Reads where somebody is called, if anywhere. */
    public static @Nullable Endpoint endpoint(BinaryReader in) {
        return switch (in.u8()) {
            case NO_ENDPOINT -> null;
            case CALLED -> new Endpoint(in.string(), secrets(in));
            case STREAMS -> new Endpoint(in.string(), secrets(in), true);
            default -> throw new MalformedBinaryException("an unknown kind of endpoint", null);
        };
    }

    private static @Nullable Data secrets(BinaryReader in) {
        return switch (in.u8()) {
            case NOTHING -> null;
            case BYTES -> new Data(in.blob(), false);
            case TEXT -> new Data(in.blob(), true);
            default -> throw new MalformedBinaryException("an unknown kind of secrets", null);
        };
    }

    static void settlement(BinaryWriter out, Settlement settlement) {
        out.u8(
                switch (settlement) {
                    case DONE -> 0;
                    case EXTEND -> 1;
                    case RELEASE -> 2;
                    case GIVE_UP -> 3;
                });
    }

    static Settlement settlement(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> Settlement.DONE;
            case 1 -> Settlement.EXTEND;
            case 2 -> Settlement.RELEASE;
            case 3 -> Settlement.GIVE_UP;
            default -> throw new MalformedBinaryException("an unknown settlement of a wake", null);
        };
    }
}
