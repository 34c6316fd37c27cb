package dev.parley.engine.session.message;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.codec.ValueCodec;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.message.Head.Shape;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The form of messages in the store: each message in its newest version, older versions and pieces, and clients' own
 * ids.
 */
final class MessageRows {
    private static final int IS_ANNOTATED = 1;
    private static final int HAS_GROWN = 2;

    /** What an entry takes besides its content. */
    private static final int WEIGHT = 128;

    private MessageRows() {}

    /**
     * The row of a message.
     *
     * @param body the content, or null while the message is in pieces
     */
    record Message(Head head, @Nullable Body body) {}

    /**
     * A version of a message: all of it, or with {@link Action#APPEND} the appended part. The first piece of a message
     * is all of it as well; if it is an APPEND, it is not a version of its own.
     */
    record Version(
            long position,
            Action action,
            long previous,
            @Nullable Operation operation,
            Body body) {}

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

    static byte[] growing(SessionName name) {
        BinaryWriter out = new BinaryWriter(64).u8(1);
        ValueCodec.name(out, name);
        return out.toBytes();
    }

    static SessionName growing(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return ValueCodec.name(in);
    }

    static byte[] message(Head head, @Nullable Body body) {
        BinaryWriter out = new BinaryWriter(128 + (body == null ? 0 : body.size())).u8(1);
        ValueCodec.action(out.varint(head.version()).varint(head.previous()), head.action());
        out.optional(head.id()).bool(head.unique()).optional(head.clientId()).optional(head.connectionId());
        ValueCodec.operation(out, head.operation());
        out.u8((head.annotated() ? IS_ANNOTATED : 0) | (head.grown() ? HAS_GROWN : 0));
        out.varint(head.older()).varint(head.pieces());
        if (body != null) {
            ValueCodec.body(out, body);
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

    /** Roughly what a message takes in memory, without its annotations. Reads as little of the row as possible. */
    static long weight(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        in.varint();
        in.varint();
        in.u8();
        in.skipOptional();
        in.bool();
        in.skipOptional();
        in.skipOptional();
        if (in.bool()) {
            in.skipOptional();
            in.skipOptional();
            in.skipOptional();
        }
        in.u8();
        in.varint();
        long content;
        if (in.count() == 0) {
            content = in.remaining();
        } else {
            in.varint();
            content = in.skipOptional() + in.varint();
            in.bool();
            content += in.varint() + in.varint();
        }
        return WEIGHT + content;
    }

    static Message message(byte[] key, byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        long version = in.varint();
        long previous = in.varint();
        Action action = ValueCodec.action(in);
        String id = in.optional();
        boolean unique = in.bool();
        String clientId = in.optional();
        String connectionId = in.optional();
        Operation operation = ValueCodec.operation(in);
        int flags = in.u8();
        long older = in.varint();
        int pieces = in.count();
        Body body = null;
        long base = 0;
        Shape shape;
        if (pieces == 0) {
            body = ValueCodec.body(in);
            shape = Shape.of(body);
        } else {
            base = in.varint();
            shape = new Shape(in.optional(), in.count() - 1, in.bool(), in.count(), in.count());
        }
        Head head = new Head(
                SessionRows.position(key),
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
        ValueCodec.action(out, version.action());
        out.varint(version.previous());
        ValueCodec.operation(out, version.operation());
        ValueCodec.body(out, version.body());
        return out.toBytes();
    }

    static Version version(byte[] key, byte[] row) {
        BinaryReader at = new BinaryReader(key);
        at.fixed64();
        at.fixed64();
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new Version(
                at.fixed64(), ValueCodec.action(in), in.varint(), ValueCodec.operation(in), ValueCodec.body(in));
    }

    static byte[] serial(long serial) {
        return new BinaryWriter(8).fixed64(serial).toBytes();
    }

    static long serial(byte[] row) {
        return new BinaryReader(row).fixed64();
    }
}
