package dev.parley.engine.session.erasure;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.Tombstone;
import dev.parley.engine.session.codec.ValueCodec;
import java.nio.charset.StandardCharsets;

/** How tombstones lie in the store, by name, and which sessions may still have something in the files, by id. */
final class ErasureRows {
    private static final int TOMBSTONE = 1;
    private static final int PENDING = 2;
    private static final int VERSION = 1;

    private ErasureRows() {}

    /** The key of a session's name, or of the beginning of names, as {@link SessionName#key} has it. */
    static byte[] tombstoneKey(String key) {
        return new BinaryWriter(64)
                .u8(TOMBSTONE)
                .raw(key.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] tombstone(Tombstone tombstone) {
        BinaryWriter out = new BinaryWriter(128).u8(VERSION);
        ValueCodec.name(out, tombstone.name());
        return out.fixed64(tombstone.id())
                .varint(tombstone.erased())
                .optional(tombstone.by())
                .optional(tombstone.txid())
                .fixed64(tombstone.end())
                .varint(tombstone.purged())
                .toBytes();
    }

    static Tombstone tombstone(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return new Tombstone(
                ValueCodec.name(in),
                in.fixed64(),
                in.varint(),
                in.optional(),
                in.optional(),
                in.fixed64(),
                in.varint());
    }

    static byte[] pendingKey(long session) {
        return new BinaryWriter(9).u8(PENDING).fixed64(session).toBytes();
    }

    /** Behind the last key of what may still be in the files; behind the last tombstone is the first of these keys. */
    static byte[] pendingEnd() {
        return new byte[] {PENDING + 1};
    }

    /** The id in a key. */
    static long pending(byte[] pendingKey) {
        BinaryReader in = new BinaryReader(pendingKey);
        in.u8();
        return in.fixed64();
    }

    static byte[] pending(SessionName name) {
        BinaryWriter out = new BinaryWriter(64).u8(VERSION);
        ValueCodec.name(out, name);
        return out.toBytes();
    }

    static SessionName name(byte[] pending) {
        BinaryReader in = new BinaryReader(pending);
        in.version(VERSION);
        return ValueCodec.name(in);
    }
}
