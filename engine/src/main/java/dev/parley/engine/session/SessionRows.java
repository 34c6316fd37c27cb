package dev.parley.engine.session;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.Head.Shape;
import dev.parley.engine.session.MessageEntry.Action;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How sessions lie in the store: the keys and values of their tables. */
final class SessionRows {
    private static final int MESSAGE = 1;
    private static final int PRESENCE = 2;
    private static final int ANNOTATION = 3;
    private static final int SUMMARY = 4;
    private static final int HAS_NAME = 1;
    private static final int HAS_DATA = 2;
    private static final int IS_TEXT = 4;
    private static final int HAS_ENCODING = 8;
    private static final int HAS_EXTRAS = 16;
    private static final int IS_ANNOTATED = 1;
    private static final int HAS_GROWN = 2;

    private SessionRows() {}

    /**
     * A message's row.
     *
     * @param body its content, or null while it is in pieces
     */
    record Message(Head head, @Nullable Body body) {}

    /** What the log has at a position; the rest is where what it names is kept. */
    sealed interface Logged {
        /** The newest version of a message. */
        record Message(long serial) implements Logged {}

        /** What a member did. */
        record Presence() implements Logged {}

        /** An annotation of a message. */
        record Annotation(long serial) implements Logged {}

        /** What the annotations of a message come to, as of now. */
        record Summary(long serial) implements Logged {}
    }

    /**
     * A version of a message: all of it, or with {@link Action#APPEND} what it added. The first of the pieces of a message
     * is all of it too, also if it is an APPEND, which then tells that it is no version of its own.
     */
    record Version(
            long position,
            Action action,
            long previous,
            @Nullable Operation operation,
            Body body) {}

    // Keys.

    static byte[] sessionKey(String key) {
        return key.getBytes(StandardCharsets.UTF_8);
    }

    /** The first key of everything that belongs to a session id; that of the next id ends the range. */
    static byte[] idKey(long session) {
        return new BinaryWriter(8).fixed64(session).toBytes();
    }

    /** Of what stands at a position, or of the message created there. */
    static byte[] positionKey(long session, long position) {
        return new BinaryWriter(16).fixed64(session).fixed64(position).toBytes();
    }

    static long position(byte[] positionKey) {
        BinaryReader in = new BinaryReader(positionKey);
        in.fixed64();
        return in.fixed64();
    }

    static byte[] versionKey(long session, long serial, long version) {
        return new BinaryWriter(24)
                .fixed64(session)
                .fixed64(serial)
                .fixed64(version)
                .toBytes();
    }

    static byte[] messageIdKey(long session, String id) {
        return new BinaryWriter(8 + id.length())
                .fixed64(session)
                .raw(id.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    /** The first key of what belongs to a connection. */
    static byte[] connectionKey(long session, String connectionId) {
        return connection(session, connectionId).toBytes();
    }

    /** Behind the last key of what belongs to a connection. */
    static byte[] connectionEnd(long session, String connectionId) {
        byte[] end = connectionKey(session, connectionId);
        // Neither a length nor UTF-8 ends in 0xFF.
        end[end.length - 1]++;
        return end;
    }

    private static BinaryWriter connection(long session, String connectionId) {
        return new BinaryWriter(32 + connectionId.length()).fixed64(session).string(connectionId);
    }

    static byte[] memberKey(long session, String connectionId, String clientId) {
        return connection(session, connectionId)
                .raw(clientId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] requestKey(long session, String connectionId, long msgSerial) {
        return connection(session, connectionId).fixed64(msgSerial).toBytes();
    }

    static long msgSerial(byte[] requestKey) {
        BinaryReader in = new BinaryReader(requestKey);
        in.fixed64();
        in.string();
        return in.fixed64();
    }

    static SessionTx.Requester requester(byte[] requestKey) {
        BinaryReader in = new BinaryReader(requestKey);
        return new SessionTx.Requester(in.fixed64(), in.string());
    }

    static byte[] objectIdKey(long session, String id) {
        return new BinaryWriter(9 + id.length())
                .fixed64(session)
                .u8(0)
                .raw(id.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] objectIdAgeKey(long session, long position) {
        return new BinaryWriter(17).fixed64(session).u8(1).fixed64(position).toBytes();
    }

    // Values.

    static byte[] session(SessionState s) {
        BinaryWriter out = new BinaryWriter(96).u8(1);
        name(out, s.name());
        return out.fixed64(s.id())
                .varint(s.last())
                .varint(s.horizon())
                .varint(s.bytes())
                .varint(s.members())
                .toBytes();
    }

    static SessionState session(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new SessionState(name(in), in.fixed64(), in.varint(), in.varint(), in.varint(), in.count());
    }

    static byte[] growing(SessionName name) {
        BinaryWriter out = new BinaryWriter(64).u8(1);
        name(out, name);
        return out.toBytes();
    }

    static SessionName growing(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return name(in);
    }

    static byte[] logged(Logged logged) {
        BinaryWriter out = new BinaryWriter(9);
        switch (logged) {
            case Logged.Message l -> out.u8(MESSAGE).fixed64(l.serial());
            case Logged.Presence l -> out.u8(PRESENCE);
            case Logged.Annotation l -> out.u8(ANNOTATION).fixed64(l.serial());
            case Logged.Summary l -> out.u8(SUMMARY).fixed64(l.serial());
        }
        return out.toBytes();
    }

    static Logged logged(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        return switch (in.u8()) {
            case MESSAGE -> new Logged.Message(in.fixed64());
            case PRESENCE -> new Logged.Presence();
            case ANNOTATION -> new Logged.Annotation(in.fixed64());
            case SUMMARY -> new Logged.Summary(in.fixed64());
            default -> throw new MalformedBinaryException("an unknown kind of entry", null);
        };
    }

    static byte[] message(Head head, @Nullable Body body) {
        BinaryWriter out = new BinaryWriter(128 + (body == null ? 0 : body.size())).u8(1);
        action(out.varint(head.version()).varint(head.previous()), head.action());
        out.optional(head.id()).bool(head.unique()).optional(head.clientId()).optional(head.connectionId());
        operation(out, head.operation());
        out.u8((head.annotated() ? IS_ANNOTATED : 0) | (head.grown() ? HAS_GROWN : 0));
        out.varint(head.older()).varint(head.pieces());
        if (body != null) {
            body(out, body);
        } else {
            Shape shape = head.shape();
            out.varint(head.base())
                    .optional(shape.name())
                    .varint(shape.data() + 1)
                    .bool(shape.text());
            out.varint(shape.encoding()).varint(shape.extras());
        }
        return out.toBytes();
    }

    static Message message(byte[] key, byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        long version = in.varint();
        long previous = in.varint();
        Action action = action(in);
        String id = in.optional();
        boolean unique = in.bool();
        String clientId = in.optional();
        String connectionId = in.optional();
        Operation operation = operation(in);
        int flags = in.u8();
        long older = in.varint();
        int pieces = in.count();
        Body body = null;
        long base = 0;
        Shape shape;
        if (pieces == 0) {
            body = body(in);
            shape = Shape.of(body);
        } else {
            base = in.varint();
            shape = new Shape(in.optional(), in.count() - 1, in.bool(), in.count(), in.count());
        }
        Head head = new Head(
                position(key),
                version,
                previous,
                action,
                id,
                unique,
                clientId,
                connectionId,
                operation,
                base,
                pieces,
                older,
                (flags & IS_ANNOTATED) != 0,
                (flags & HAS_GROWN) != 0,
                shape);
        return new Message(head, body);
    }

    static byte[] version(Version version) {
        BinaryWriter out = new BinaryWriter(48 + version.body().size()).u8(1);
        action(out, version.action());
        out.varint(version.previous());
        operation(out, version.operation());
        body(out, version.body());
        return out.toBytes();
    }

    static Version version(byte[] key, byte[] row) {
        BinaryReader at = new BinaryReader(key);
        at.fixed64();
        at.fixed64();
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new Version(at.fixed64(), action(in), in.varint(), operation(in), body(in));
    }

    static byte[] presence(PresenceEntry entry) {
        BinaryWriter out = new BinaryWriter(64 + entry.body().size()).u8(1);
        presenceAction(out.varint(entry.position()), entry.action());
        out.string(entry.id()).string(entry.clientId()).string(entry.connectionId());
        body(out, entry.body());
        return out.toBytes();
    }

    static PresenceEntry presence(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new PresenceEntry(in.varint(), presenceAction(in), in.string(), in.string(), in.string(), body(in));
    }

    static byte[] positions(List<Long> positions) {
        BinaryWriter out = new BinaryWriter(2 + 8 * positions.size()).u8(1);
        positions.forEach(out::fixed64);
        return out.toBytes();
    }

    static List<Long> positions(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        List<Long> positions = new ArrayList<>(in.remaining() / Long.BYTES);
        while (in.remaining() > 0) {
            positions.add(in.fixed64());
        }
        return List.copyOf(positions);
    }

    static byte[] serial(long serial) {
        return new BinaryWriter(8).fixed64(serial).toBytes();
    }

    static long serial(byte[] row) {
        return new BinaryReader(row).fixed64();
    }

    // Parts, of commands as well.

    static void name(BinaryWriter out, SessionName name) {
        out.string(name.app()).string(name.name());
    }

    static SessionName name(BinaryReader in) {
        return new SessionName(in.string(), in.string());
    }

    static void action(BinaryWriter out, Action action) {
        out.u8(
                switch (action) {
                    case CREATE -> 0;
                    case UPDATE -> 1;
                    case DELETE -> 2;
                    case APPEND -> 3;
                });
    }

    static Action action(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> Action.CREATE;
            case 1 -> Action.UPDATE;
            case 2 -> Action.DELETE;
            case 3 -> Action.APPEND;
            default -> throw new MalformedBinaryException("an unknown action", null);
        };
    }

    static void presenceAction(BinaryWriter out, PresenceEntry.Action action) {
        out.u8(
                switch (action) {
                    case PRESENT -> 0;
                    case ENTER -> 1;
                    case UPDATE -> 2;
                    case LEAVE -> 3;
                });
    }

    static PresenceEntry.Action presenceAction(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> PresenceEntry.Action.PRESENT;
            case 1 -> PresenceEntry.Action.ENTER;
            case 2 -> PresenceEntry.Action.UPDATE;
            case 3 -> PresenceEntry.Action.LEAVE;
            default -> throw new MalformedBinaryException("an unknown presence action", null);
        };
    }

    static void annotationAction(BinaryWriter out, AnnotationEntry.Action action) {
        out.u8(
                switch (action) {
                    case CREATE -> 0;
                    case DELETE -> 1;
                });
    }

    static AnnotationEntry.Action annotationAction(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> AnnotationEntry.Action.CREATE;
            case 1 -> AnnotationEntry.Action.DELETE;
            default -> throw new MalformedBinaryException("an unknown action of an annotation", null);
        };
    }

    static void operation(BinaryWriter out, @Nullable Operation operation) {
        out.bool(operation != null);
        if (operation != null) {
            out.optional(operation.clientId()).optional(operation.description()).optional(operation.metadata());
        }
    }

    static @Nullable Operation operation(BinaryReader in) {
        return in.bool() ? new Operation(in.optional(), in.optional(), in.optional()) : null;
    }

    static void body(BinaryWriter out, Body body) {
        Data data = body.data();
        out.u8((body.name() == null ? 0 : HAS_NAME)
                | (data == null ? 0 : data.text() ? HAS_DATA | IS_TEXT : HAS_DATA)
                | (body.encoding() == null ? 0 : HAS_ENCODING)
                | (body.extras() == null ? 0 : HAS_EXTRAS));
        if (body.name() != null) {
            out.string(body.name());
        }
        if (data != null) {
            out.blob(data.bytes());
        }
        if (body.encoding() != null) {
            out.string(body.encoding());
        }
        if (body.extras() != null) {
            out.string(body.extras());
        }
    }

    static Body body(BinaryReader in) {
        int has = in.u8();
        return new Body(
                (has & HAS_NAME) == 0 ? null : in.string(),
                (has & HAS_DATA) == 0 ? null : new Data(in.blob(), (has & IS_TEXT) != 0),
                (has & HAS_ENCODING) == 0 ? null : in.string(),
                (has & HAS_EXTRAS) == 0 ? null : in.string());
    }
}
