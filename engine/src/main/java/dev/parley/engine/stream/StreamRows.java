package dev.parley.engine.stream;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.stream.StreamCommand.Span;
import dev.parley.engine.stream.StreamState.Origin;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The form of streams in the store: the keys and values of their tables. */
final class StreamRows {
    /** The version of a stream's row in which spans have the hash of their stream's path. */
    private static final int PATHS_OF_SPANS = 2;

    private static final int NO_PLACE = 0;
    private static final int START = 1;
    private static final int NAMED = 2;
    private static final int UNNAMED = 3;
    private static final int LAPSED = 4;

    private StreamRows() {}

    /** A producer's newest epoch and highest accepted sequence number. */
    record Producer(long epoch, long seq) {}

    static byte[] streamKey(String path) {
        return path.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] stream(StreamState s) {
        BinaryWriter out = new BinaryWriter(128);
        out.u8(PATHS_OF_SPANS).string(s.path()).fixed64(s.id()).string(s.contentType());
        out.varint(s.ttlMillis() + 1).varint(s.expiresAt() + 1);
        out.varint(s.createdAt()).varint(s.accessedAt()).varint(s.base());
        out.bool(s.closed());
        tag(out, s.closedBy());
        out.optional(s.seq()).varint(s.pins()).bool(s.deleted());
        Origin origin = s.origin();
        out.bool(origin != null);
        if (origin != null) {
            out.string(origin.sourcePath()).fixed64(origin.sourceId()).string(origin.pinId());
            out.varint(origin.requested() + 1);
            spans(out, origin.lineage());
        }
        return out.toBytes();
    }

    /** The stream as recorded. Its tail is set to its base until the last entry is looked up. */
    static StreamState stream(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        int version = in.version(1, PATHS_OF_SPANS);
        String path = in.string();
        long id = in.fixed64();
        String contentType = in.string();
        long ttlMillis = in.varint() - 1;
        long expiresAt = in.varint() - 1;
        long createdAt = in.varint();
        long accessedAt = in.varint();
        long base = in.varint();
        boolean closed = in.bool();
        ProducerTag closedBy = tag(in);
        String seq = in.optional();
        int pins = in.count();
        boolean deleted = in.bool();
        Origin origin = null;
        if (in.bool()) {
            origin = new Origin(
                    in.string(), in.fixed64(), in.string(), in.varint() - 1, spans(in, version >= PATHS_OF_SPANS));
        }
        return new StreamState(
                path,
                id,
                contentType,
                ttlMillis,
                expiresAt,
                createdAt,
                accessedAt,
                base,
                base,
                base,
                0,
                closed,
                closedBy,
                seq,
                pins,
                deleted,
                origin);
    }

    static byte[] entryKey(long streamId, long position) {
        return new BinaryWriter(16).fixed64(streamId).fixed64(position).toBytes();
    }

    static byte[] entry(Payload payload) {
        int[] lengths = payload.lengths();
        int messages = lengths == null ? 0 : lengths.length;
        BinaryWriter out = new BinaryWriter(payload.bytes().length + 6 + (messages > 1 ? messages * 3 : 0));
        out.varint(messages);
        if (lengths != null && messages > 1) {
            for (int length : lengths) {
                out.varint(length);
            }
        }
        return out.raw(payload.bytes()).toBytes();
    }

    static Entry entry(byte[] key, byte[] value) {
        BinaryReader id = new BinaryReader(key);
        id.fixed64();
        long start = id.fixed64();
        return new Entry(start, payload(value));
    }

    static Payload payload(byte[] value) {
        BinaryReader in = new BinaryReader(value);
        int messages = in.count();
        if (messages == 0) {
            return Payload.ofBytes(in.raw(in.remaining()));
        }
        int[] lengths = new int[messages];
        if (messages == 1) {
            lengths[0] = in.remaining();
        } else {
            for (int i = 0; i < messages; i++) {
                lengths[i] = in.count();
            }
        }
        return Payload.ofMessages(in.raw(in.remaining()), lengths);
    }

    static byte[] producerKey(long streamId, String producerId) {
        return new BinaryWriter(8 + producerId.length())
                .fixed64(streamId)
                .raw(producerId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] producer(Producer producer) {
        return new BinaryWriter(20)
                .varint(producer.epoch())
                .varint(producer.seq())
                .toBytes();
    }

    static Producer producer(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        return new Producer(in.varint(), in.varint());
    }

    static byte[] deadlineKey(long deadline, long streamId) {
        return new BinaryWriter(16).fixed64(deadline).fixed64(streamId).toBytes();
    }

    static byte[] pinKey(long streamId, String pinId) {
        return producerKey(streamId, pinId);
    }

    static byte[] pin(String sourcePath, String forkPath) {
        return new BinaryWriter(64).string(sourcePath).string(forkPath).toBytes();
    }

    /** A pin, in the form that is needed to give it back. It has no note. */
    static ForkRelease pin(byte[] key, byte[] row) {
        long sourceId = new BinaryReader(key).fixed64();
        String pinId = new String(key, Long.BYTES, key.length - Long.BYTES, StandardCharsets.UTF_8);
        BinaryReader in = new BinaryReader(row);
        String sourcePath = in.string();
        return new ForkRelease(StreamCommand.NONE, in.string(), sourcePath, sourceId, pinId);
    }

    static byte[] release(ForkRelease release) {
        return new BinaryWriter(64)
                .string(release.forkPath())
                .string(release.sourcePath())
                .fixed64(release.sourceId())
                .string(release.pinId())
                .toBytes();
    }

    static ForkRelease release(byte[] key, byte[] row) {
        BinaryReader in = new BinaryReader(row);
        return new ForkRelease(new BinaryReader(key).fixed64(), in.string(), in.string(), in.fixed64(), in.string());
    }

    /** The first key of all rows of a stream id. The first key of the next id ends the range. */
    static byte[] idKey(long streamId) {
        return new BinaryWriter(8).fixed64(streamId).toBytes();
    }

    static void tag(BinaryWriter out, @Nullable ProducerTag tag) {
        out.bool(tag != null);
        if (tag != null) {
            out.string(tag.id()).varint(tag.epoch()).varint(tag.seq());
        }
    }

    static @Nullable ProducerTag tag(BinaryReader in) {
        return in.bool() ? new ProducerTag(in.string(), in.varint(), in.varint()) : null;
    }

    static void spans(BinaryWriter out, List<Span> spans) {
        out.varint(spans.size());
        for (Span span : spans) {
            out.fixed64(span.streamId()).varint(Integer.toUnsignedLong(span.pathHash()));
            out.varint(span.from()).varint(span.to());
        }
    }

    static List<Span> spans(BinaryReader in, boolean withPaths) {
        int count = in.count();
        List<Span> spans = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            spans.add(new Span(in.fixed64(), withPaths ? (int) in.varint() : 0, in.varint(), in.varint()));
        }
        return List.copyOf(spans);
    }

    static void place(BinaryWriter out, @Nullable Place place) {
        switch (place) {
            case null -> out.u8(NO_PLACE);
            case Place.Start start -> out.u8(START);
            case Place.Named(long streamId, int pathHash, long position) ->
                out.u8(NAMED)
                        .fixed64(streamId)
                        .varint(Integer.toUnsignedLong(pathHash))
                        .varint(position);
            case Place.Unnamed(long before, long position) ->
                out.u8(UNNAMED).fixed64(before).varint(position);
            case Place.Lapsed(int pathHash) -> out.u8(LAPSED).varint(Integer.toUnsignedLong(pathHash));
        }
    }

    static @Nullable Place place(BinaryReader in) {
        int kind = in.u8();
        return switch (kind) {
            case NO_PLACE -> null;
            case START -> new Place.Start();
            case NAMED -> new Place.Named(in.fixed64(), (int) in.varint(), in.varint());
            case UNNAMED -> new Place.Unnamed(in.fixed64(), in.varint());
            case LAPSED -> new Place.Lapsed((int) in.varint());
            default -> throw new MalformedBinaryException("an unknown place of kind " + kind, null);
        };
    }
}
