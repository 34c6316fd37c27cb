package dev.parley.engine.stream;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.stream.StreamState.Origin;
import java.nio.charset.StandardCharsets;

/** The form of streams in the store: the keys and values of their tables. */
final class StreamRows {
    /** The version of a stream's row in which spans have the hash of their stream's path. */
    private static final int PATHS_OF_SPANS = 2;

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
        StreamValues.tag(out, s.closedBy());
        out.optional(s.seq()).varint(s.pins()).bool(s.deleted());
        Origin origin = s.origin();
        out.bool(origin != null);
        if (origin != null) {
            out.string(origin.sourcePath()).fixed64(origin.sourceId()).string(origin.pinId());
            out.varint(origin.requested() + 1);
            StreamValues.spans(out, origin.lineage());
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
        ProducerTag closedBy = StreamValues.tag(in);
        String seq = in.optional();
        int pins = in.count();
        boolean deleted = in.bool();
        Origin origin = null;
        if (in.bool()) {
            origin = new Origin(
                    in.string(),
                    in.fixed64(),
                    in.string(),
                    in.varint() - 1,
                    StreamValues.spans(in, version >= PATHS_OF_SPANS));
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

    static Entry entry(byte[] key, byte[] value) {
        BinaryReader id = new BinaryReader(key);
        id.fixed64();
        long start = id.fixed64();
        return new Entry(start, StreamValues.payload(value));
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
}
