package dev.parley.engine.stream;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Delete;
import dev.parley.engine.stream.StreamCommand.Expire;
import dev.parley.engine.stream.StreamCommand.Fork;
import dev.parley.engine.stream.StreamCommand.Inherited;
import dev.parley.engine.stream.StreamCommand.Pin;
import dev.parley.engine.stream.StreamCommand.Pinned;
import dev.parley.engine.stream.StreamCommand.Settle;
import dev.parley.engine.stream.StreamCommand.Touch;
import dev.parley.engine.stream.StreamCommand.Unpin;
import org.jspecify.annotations.Nullable;

/** Stream commands as journal records. The first byte, the kind, is below 32 for streams. */
public final class StreamCommandCodec {
    private static final int APPEND = 1;
    private static final int CREATE = 2;
    private static final int DELETE = 3;
    private static final int TOUCH = 4;
    private static final int EXPIRE = 5;
    private static final int PIN = 6;
    private static final int UNPIN = 7;
    private static final int SETTLE = 8;
    private static final int VERSION = 1;
    /** Of appends, creates and pins: places in offsets name incarnations. */
    private static final int PLACES = 2;
    /** Of pins: what is inherited comes in the command. */
    private static final int INHERITED = 3;

    private StreamCommandCodec() {}

    /** True if a record of this kind is a stream command. */
    public static boolean isKind(int kind) {
        return kind >= APPEND && kind < 32;
    }

    /** Writes the command. */
    public static void write(StreamCommand<?> command, BinaryWriter out) {
        int kind = kind(command);
        out.u8(kind).u8(version(command)).string(command.path()).varint(command.time());
        switch (command) {
            case Append c -> {
                out.optional(c.contentType()).bool(c.close());
                StreamValues.tag(out, c.producer());
                StreamValues.place(out.optional(c.seq()), c.expected());
                payload(out, c.payload());
            }
            case Create c -> {
                out.optional(c.contentType())
                        .varint(c.ttlMillis() + 1)
                        .varint(c.expiresAt() + 1)
                        .bool(c.closed());
                fork(out, c.fork());
                payload(out, c.payload());
            }
            case Delete c -> {}
            case Touch c -> {}
            case Expire c -> out.fixed64(c.id()).varint(c.deadline());
            case Pin c -> {
                StreamValues.place(out.string(c.pinId()).string(c.forkPath()), c.place());
                out.varint(c.subOffset());
                inherited(out, c.inherited());
            }
            case Unpin c -> out.fixed64(c.id()).string(c.pinId());
            case Settle c -> out.fixed64(c.note());
        }
    }

    private static int version(StreamCommand<?> command) {
        // A pin that says nothing about what is inherited was read from a record of format 1, and stays one.
        return command instanceof Pin pin && pin.inherited() == null ? PLACES : newest(kind(command));
    }

    private static int newest(int kind) {
        if (kind == PIN) {
            return INHERITED;
        }
        return kind == APPEND || kind == CREATE ? PLACES : VERSION;
    }

    private static int kind(StreamCommand<?> command) {
        return switch (command) {
            case Append c -> APPEND;
            case Create c -> CREATE;
            case Delete c -> DELETE;
            case Touch c -> TOUCH;
            case Expire c -> EXPIRE;
            case Pin c -> PIN;
            case Unpin c -> UNPIN;
            case Settle c -> SETTLE;
        };
    }

    /** Reads a command whose kind byte has been read. */
    public static StreamCommand<?> read(int kind, BinaryReader in) {
        int version = in.version(VERSION, newest(kind));
        String path = in.string();
        long time = in.varint();
        return switch (kind) {
            case APPEND -> {
                String contentType = in.optional();
                boolean close = in.bool();
                ProducerTag producer = StreamValues.tag(in);
                String seq = in.optional();
                Place expected = version < PLACES ? null : StreamValues.place(in);
                yield new Append(path, time, contentType, payload(in), close, producer, seq, expected);
            }
            case CREATE -> {
                String contentType = in.optional();
                long ttlMillis = in.varint() - 1;
                long expiresAt = in.varint() - 1;
                boolean closed = in.bool();
                Fork fork = fork(in, version);
                yield new Create(path, time, contentType, ttlMillis, expiresAt, closed, payload(in), fork);
            }
            case DELETE -> new Delete(path, time);
            case TOUCH -> new Touch(path, time);
            case EXPIRE -> new Expire(path, time, in.fixed64(), in.varint());
            case PIN ->
                new Pin(
                        path,
                        time,
                        in.string(),
                        in.string(),
                        place(in, version),
                        in.varint(),
                        version < INHERITED ? null : inherited(in));
            case UNPIN -> new Unpin(path, time, in.fixed64(), in.string());
            case SETTLE -> new Settle(path, time, in.fixed64());
            default -> throw new MalformedBinaryException("an unknown stream command of kind " + kind, null);
        };
    }

    private static void inherited(BinaryWriter out, @Nullable Inherited inherited) {
        switch (inherited) {
            case null -> {}
            case Inherited.Unknown unknown -> out.bool(false);
            case Inherited.Until(long streamId, long position, long end) ->
                out.bool(true).fixed64(streamId).varint(position).varint(end);
        }
    }

    private static Inherited inherited(BinaryReader in) {
        return in.bool() ? new Inherited.Until(in.fixed64(), in.varint(), in.varint()) : new Inherited.Unknown();
    }

    private static void payload(BinaryWriter out, Payload payload) {
        out.blob(payload.isEmpty() ? new byte[0] : StreamValues.payload(payload));
    }

    private static Payload payload(BinaryReader in) {
        byte[] entry = in.blob();
        return entry.length == 0 ? Payload.empty() : StreamValues.payload(entry);
    }

    private static void fork(BinaryWriter out, @Nullable Fork fork) {
        out.bool(fork != null);
        if (fork != null) {
            StreamValues.place(out.string(fork.sourcePath()), fork.place());
            out.varint(fork.subOffset());
            Pinned pin = fork.pin();
            out.bool(pin != null);
            if (pin != null) {
                out.string(pin.pinId()).varint(pin.position()).string(pin.contentType());
                out.varint(pin.ttlMillis() + 1).varint(pin.expiresAt() + 1).fixed64(pin.sourceId());
                StreamValues.spans(out, pin.lineage());
            }
        }
    }

    /** A place, or what was written for one before offsets named incarnations: a position plus one, or 0. */
    private static @Nullable Place place(BinaryReader in, int version) {
        if (version >= PLACES) {
            return StreamValues.place(in);
        }
        long position = in.varint() - 1;
        return position < 0 ? null : new Place.Unnamed(Long.MAX_VALUE, position);
    }

    private static @Nullable Fork fork(BinaryReader in, int version) {
        if (!in.bool()) {
            return null;
        }
        String source = in.string();
        Place place = place(in, version);
        long subOffset = in.varint();
        if (!in.bool()) {
            return new Fork(source, place, subOffset, null);
        }
        return new Fork(
                source,
                place,
                subOffset,
                new Pinned(
                        in.string(),
                        in.varint(),
                        in.string(),
                        in.varint() - 1,
                        in.varint() - 1,
                        in.fixed64(),
                        StreamValues.spans(in, version >= PLACES)));
    }
}
