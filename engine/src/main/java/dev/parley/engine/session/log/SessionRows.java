package dev.parley.engine.session.log;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.codec.ValueCodec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The rows of sessions' states and logs, and the beginnings of the keys of all concepts. */
public final class SessionRows {
    private static final int MESSAGE = 1;
    private static final int PRESENCE = 2;
    private static final int ANNOTATION = 3;
    private static final int SUMMARY = 4;

    /** The versions of sessions: with the default control, with another one, and with an agent that is stalled. */
    private static final int DEFAULT_CONTROL = 1;

    private static final int CONTROL = 2;
    private static final int STALLED = 3;

    private SessionRows() {}

    /** What the log has at a position. It says which row of a concept has the content. */
    public sealed interface Logged {
        /** The newest version of a message. */
        record Message(long serial) implements Logged {}

        /** A presence event. */
        record Presence() implements Logged {}

        /** An annotation of a message. */
        record Annotation(long serial) implements Logged {}

        /** The newest summaries of a message. */
        record Summary(long serial) implements Logged {}
    }

    /** The key of a session, by its name. */
    public static byte[] sessionKey(String key) {
        return key.getBytes(StandardCharsets.UTF_8);
    }

    /** The first key of everything that belongs to a session. The first key of the next id ends the range. */
    public static byte[] idKey(long session) {
        return new BinaryWriter(8).fixed64(session).toBytes();
    }

    /** The key of a position, or of the message that was created there. */
    public static byte[] positionKey(long session, long position) {
        return new BinaryWriter(16).fixed64(session).fixed64(position).toBytes();
    }

    /** The position in a key. */
    public static long position(byte[] positionKey) {
        BinaryReader in = new BinaryReader(positionKey);
        in.fixed64();
        return in.fixed64();
    }

    /** The first key of what belongs to a connection. */
    public static byte[] connectionKey(long session, String connectionId) {
        return connection(session, connectionId).toBytes();
    }

    /** The key after the last one of everything that belongs to a connection. */
    public static byte[] connectionEnd(long session, String connectionId) {
        byte[] end = connectionKey(session, connectionId);
        // Neither a length nor UTF-8 ends in 0xFF.
        end[end.length - 1]++;
        return end;
    }

    /** Begins the key of something that belongs to a connection. */
    public static BinaryWriter connection(long session, String connectionId) {
        return new BinaryWriter(32 + connectionId.length()).fixed64(session).string(connectionId);
    }

    /** The connection in a key of something that belongs to it. */
    public static String connection(byte[] key) {
        BinaryReader in = new BinaryReader(key);
        in.fixed64();
        return in.string();
    }

    /** The row of a session. */
    public static byte[] session(SessionState s) {
        boolean isDefault = s.control().equals(Control.DEFAULT);
        BinaryWriter out = new BinaryWriter(96).u8(s.stalled() ? STALLED : isDefault ? DEFAULT_CONTROL : CONTROL);
        ValueCodec.name(out, s.name());
        out.fixed64(s.id())
                .varint(s.last())
                .varint(s.horizon())
                .varint(s.bytes())
                .varint(s.members());
        if (s.stalled() || !isDefault) {
            control(out, s.control());
        }
        return out.toBytes();
    }

    private static void control(BinaryWriter out, Control control) {
        ValueCodec.mode(out, control.mode());
        out.optional(control.holder())
                .fixed64(control.since())
                .varint(control.until())
                .bool(control.onWrite());
    }

    /** The session of a row. */
    public static SessionState session(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        int version = in.version(DEFAULT_CONTROL, STALLED);
        return new SessionState(
                ValueCodec.name(in),
                in.fixed64(),
                in.varint(),
                in.varint(),
                in.varint(),
                in.count(),
                version == DEFAULT_CONTROL
                        ? Control.DEFAULT
                        : new Control(ValueCodec.mode(in), in.optional(), in.fixed64(), in.varint(), in.bool()),
                version == STALLED);
    }

    /** The row of an entry of the log. */
    public static byte[] logged(Logged logged) {
        BinaryWriter out = new BinaryWriter(9);
        switch (logged) {
            case Logged.Message l -> out.u8(MESSAGE).fixed64(l.serial());
            case Logged.Presence l -> out.u8(PRESENCE);
            case Logged.Annotation l -> out.u8(ANNOTATION).fixed64(l.serial());
            case Logged.Summary l -> out.u8(SUMMARY).fixed64(l.serial());
        }
        return out.toBytes();
    }

    /** The entry of a row of the log. */
    public static Logged logged(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        return switch (in.u8()) {
            case MESSAGE -> new Logged.Message(in.fixed64());
            case PRESENCE -> new Logged.Presence();
            case ANNOTATION -> new Logged.Annotation(in.fixed64());
            case SUMMARY -> new Logged.Summary(in.fixed64());
            default -> throw new MalformedBinaryException("an unknown kind of entry", null);
        };
    }

    /** A row of positions. */
    public static byte[] positions(List<Long> positions) {
        BinaryWriter out = new BinaryWriter(2 + 8 * positions.size()).u8(1);
        positions.forEach(out::fixed64);
        return out.toBytes();
    }

    /** The positions of a row. */
    public static List<Long> positions(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        List<Long> positions = new ArrayList<>(in.remaining() / Long.BYTES);
        while (in.remaining() > 0) {
            positions.add(in.fixed64());
        }
        return List.copyOf(positions);
    }
}
