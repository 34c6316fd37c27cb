package dev.parley.engine.session.wake;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.Wake.Input;
import dev.parley.engine.session.Wake.Order;
import dev.parley.engine.session.codec.AgentCodec;
import dev.parley.engine.session.codec.RunNoteCodec;
import dev.parley.engine.session.codec.ValueCodec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The form of agents and wakes in the store, and of the lists of when something becomes of wakes. */
final class WakeRows {
    private static final int VERSION = 1;

    /** Of wakes: with the run in which the agent is answering. */
    private static final int IN_RUN = 2;

    private static final int TURNS = 0;
    private static final int WAKE = 1;

    /** The list of what may be claimed, among those of {@link What}. */
    private static final int CLAIMS = 2;

    private WakeRows() {}

    /** What becomes of a wake at a time. */
    enum What {
        /** It is taken back, or given up. */
        END(0),
        /** It may be delivered to an agent that is called. */
        DELIVERY(1),
        /** It may be delivered to an agent that is called, and whose answer is what it says. */
        STREAM(3);

        private final int list;

        What(int list) {
            this.list = list;
        }

        /** How a wake is delivered to an agent that is called. */
        static What of(Agent.Way way) {
            return switch (way) {
                case CALLED -> DELIVERY;
                case STREAMED -> STREAM;
                case CLAIMS -> throw new IllegalArgumentException("nobody calls it");
            };
        }
    }

    static byte[] agentKey(long session, String agentId) {
        return new BinaryWriter(48)
                .fixed64(session)
                .raw(agentId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] agent(Agent agent) {
        return AgentCodec.agent(new BinaryWriter(256).u8(VERSION), agent).toBytes();
    }

    static Agent agent(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return AgentCodec.agent(in);
    }

    static byte[] inheritedKey(long session) {
        return new BinaryWriter(8).fixed64(session).toBytes();
    }

    static byte[] inherited(Inherited inherited) {
        BinaryWriter out = new BinaryWriter(512).u8(AgentCodec.version(inherited));
        return AgentCodec.inherited(out, inherited).toBytes();
    }

    static Inherited inherited(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        return AgentCodec.inherited(in, in.version(VERSION, AgentCodec.NOTIFY));
    }

    static byte[] turnsKey(long session) {
        return new BinaryWriter(9).fixed64(session).u8(TURNS).toBytes();
    }

    static byte[] turns(int turns) {
        return new BinaryWriter(3).u8(VERSION).varint(turns).toBytes();
    }

    static int turns(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return in.count();
    }

    static byte[] wakeKey(long session, String agentId) {
        return new BinaryWriter(48)
                .fixed64(session)
                .u8(WAKE)
                .raw(agentId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] wake(Wake wake) {
        BinaryWriter out = new BinaryWriter(256).u8(wake.runId() == null ? VERSION : IN_RUN);
        ValueCodec.name(out, wake.session());
        RunNoteCodec.notice(out.string(wake.agentId()).u8(way(wake.way())), wake.gaveUp());
        order(out, wake.order());
        out.bool(wake.next() != null);
        if (wake.next() != null) {
            order(out, wake.next());
        }
        out.varint(wake.attempts()).varint(wake.epoch()).optional(wake.holder()).varint(wake.leaseUntil());
        return wake.runId() == null ? out.toBytes() : out.string(wake.runId()).toBytes();
    }

    private static int way(Agent.Way way) {
        return switch (way) {
            case CLAIMS -> 0;
            case CALLED -> 1;
            case STREAMED -> 2;
        };
    }

    private static Agent.Way way(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> Agent.Way.CLAIMS;
            case 1 -> Agent.Way.CALLED;
            case 2 -> Agent.Way.STREAMED;
            default -> throw new MalformedBinaryException("an unknown way to an agent", null);
        };
    }

    static Wake wake(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        int version = in.version(VERSION, IN_RUN);
        return new Wake(
                ValueCodec.name(in),
                in.string(),
                way(in),
                RunNoteCodec.notice(in),
                order(in),
                next(in),
                in.count(),
                in.varint(),
                in.optional(),
                in.varint(),
                version < IN_RUN ? null : in.string());
    }

    private static @Nullable Order next(BinaryReader in) {
        return in.bool() ? order(in) : null;
    }

    private static void order(BinaryWriter out, Order order) {
        out.string(order.id()).varint(order.inputs().size());
        order.inputs().forEach(input -> out.string(input.eventId()).fixed64(input.position()));
        out.fixed64(order.since()).varint(order.createdAt()).varint(order.dueAt());
    }

    private static Order order(BinaryReader in) {
        String id = in.string();
        int count = in.count();
        List<Input> inputs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            inputs.add(new Input(in.string(), in.fixed64()));
        }
        return new Order(id, List.copyOf(inputs), in.fixed64(), in.varint(), in.varint());
    }

    private static BinaryWriter times(What what, long time) {
        return new BinaryWriter(64).u8(what.list).fixed64(time);
    }

    static byte[] timeKey(What what, long time, long session, String agentId) {
        return times(what, time)
                .fixed64(session)
                .raw(agentId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    /** The time in a key of the lists of {@link What}. */
    static long dueAt(byte[] timeKey) {
        BinaryReader in = new BinaryReader(timeKey);
        in.u8();
        return in.fixed64();
    }

    static byte[] timesStart(What what) {
        return times(what, 0).toBytes();
    }

    /** Behind the last key of what is due until {@code millis}, inclusive. */
    static byte[] timesEnd(What what, long millis) {
        return times(what, millis + 1).toBytes();
    }

    private static BinaryWriter claims(int list, String app, String agentId) {
        return new BinaryWriter(64).u8(list).string(app).string(agentId);
    }

    /** The key in the list of what an agent of an app may claim, by time. */
    static byte[] claimKey(String app, String agentId, long time, long session) {
        return claims(CLAIMS, app, agentId).fixed64(time).fixed64(session).toBytes();
    }

    /** Behind the last key of all that may be claimed by an agent of an app. */
    static byte[] claimsEnd(String app, String agentId) {
        return claims(CLAIMS, app, agentId).fixed64(Long.MAX_VALUE).toBytes();
    }

    /** Behind the last key of all lists. */
    static byte[] listsEnd() {
        return new byte[] {(byte) (What.STREAM.list + 1)};
    }

    /** The time and the session in a key of the list of what may be claimed. */
    static Wakes.Place place(byte[] claimKey) {
        BinaryReader in = new BinaryReader(claimKey);
        in.u8();
        in.string();
        in.string();
        return new Wakes.Place(in.fixed64(), in.fixed64());
    }

    static byte[] time(Wake wake) {
        BinaryWriter out = new BinaryWriter(64).u8(VERSION);
        ValueCodec.name(out, wake.session());
        return out.string(wake.agentId()).toBytes();
    }

    /** Whose wake it is. */
    record Whose(SessionName session, String agentId) {}

    static Whose time(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return new Whose(ValueCodec.name(in), in.string());
    }
}
