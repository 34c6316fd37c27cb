package dev.parley.engine.stream;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Delete;
import dev.parley.engine.stream.StreamCommand.Expire;
import dev.parley.engine.stream.StreamCommand.Fork;
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

    private StreamCommandCodec() {}

    /** True if a record of this kind is a stream command. */
    public static boolean isKind(int kind) {
        return kind >= APPEND && kind < 32;
    }

    /** Writes the command. */
    public static void write(StreamCommand<?> command, BinaryWriter out) {
        out.u8(kind(command)).u8(VERSION).string(command.path()).varint(command.time());
        switch (command) {
            case Append c -> {
                out.optional(c.contentType()).bool(c.close());
                StreamRows.tag(out, c.producer());
                payload(out.optional(c.seq()), c.payload());
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
            case Pin c ->
                out.string(c.pinId())
                        .string(c.forkPath())
                        .varint(c.position() + 1)
                        .varint(c.subOffset());
            case Unpin c -> out.fixed64(c.id()).string(c.pinId());
            case Settle c -> out.fixed64(c.note());
        }
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
        in.version(VERSION);
        String path = in.string();
        long time = in.varint();
        return switch (kind) {
            case APPEND -> {
                String contentType = in.optional();
                boolean close = in.bool();
                ProducerTag producer = StreamRows.tag(in);
                String seq = in.optional();
                yield new Append(path, time, contentType, payload(in), close, producer, seq);
            }
            case CREATE -> {
                String contentType = in.optional();
                long ttlMillis = in.varint() - 1;
                long expiresAt = in.varint() - 1;
                boolean closed = in.bool();
                Fork fork = fork(in);
                yield new Create(path, time, contentType, ttlMillis, expiresAt, closed, payload(in), fork);
            }
            case DELETE -> new Delete(path, time);
            case TOUCH -> new Touch(path, time);
            case EXPIRE -> new Expire(path, time, in.fixed64(), in.varint());
            case PIN -> new Pin(path, time, in.string(), in.string(), in.varint() - 1, in.varint());
            case UNPIN -> new Unpin(path, time, in.fixed64(), in.string());
            case SETTLE -> new Settle(path, time, in.fixed64());
            default -> throw new MalformedBinaryException("an unknown stream command of kind " + kind, null);
        };
    }

    private static void payload(BinaryWriter out, Payload payload) {
        out.blob(payload.isEmpty() ? new byte[0] : StreamRows.entry(payload));
    }

    private static Payload payload(BinaryReader in) {
        byte[] entry = in.blob();
        return entry.length == 0 ? Payload.empty() : StreamRows.payload(entry);
    }

    private static void fork(BinaryWriter out, @Nullable Fork fork) {
        out.bool(fork != null);
        if (fork != null) {
            out.string(fork.sourcePath()).varint(fork.position() + 1).varint(fork.subOffset());
            Pinned pin = fork.pin();
            out.bool(pin != null);
            if (pin != null) {
                out.string(pin.pinId()).varint(pin.position()).string(pin.contentType());
                out.varint(pin.ttlMillis() + 1).varint(pin.expiresAt() + 1).fixed64(pin.sourceId());
                StreamRows.spans(out, pin.lineage());
            }
        }
    }

    private static @Nullable Fork fork(BinaryReader in) {
        if (!in.bool()) {
            return null;
        }
        String source = in.string();
        long position = in.varint() - 1;
        long subOffset = in.varint();
        if (!in.bool()) {
            return new Fork(source, position, subOffset, null);
        }
        return new Fork(
                source,
                position,
                subOffset,
                new Pinned(
                        in.string(),
                        in.varint(),
                        in.string(),
                        in.varint() - 1,
                        in.varint() - 1,
                        in.fixed64(),
                        StreamRows.spans(in)));
    }
}
