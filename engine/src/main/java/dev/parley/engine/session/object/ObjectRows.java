package dev.parley.engine.session.object;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.codec.ObjectCodec;
import dev.parley.engine.session.object.ObjectState.CounterState;
import dev.parley.engine.session.object.ObjectState.Deleted;
import dev.parley.engine.session.object.ObjectState.MapState;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The form of objects in the store: one row for each object and, after the row of a map, one for each of its keys. A
 * change therefore writes little, and one scan reads everything. The row with the totals comes first.
 */
final class ObjectRows {
    private static final int OBJECT = 0;
    private static final int ENTRY = 1;
    private static final int MAP = 1;
    private static final int COUNTER = 2;
    private static final int DELETED = 3;

    /** An id that no object has, for the row with the totals. */
    private static final String TOTALS = "";

    private ObjectRows() {}

    /** The object to which a row belongs and, for an entry, the key; otherwise null. */
    record Key(String objectId, @Nullable String entry) {}

    static byte[] totalsKey(long session) {
        return objectKey(session, TOTALS);
    }

    static byte[] objectKey(long session, String id) {
        return prefix(session, id).u8(OBJECT).toBytes();
    }

    static byte[] entryKey(long session, String mapId, String key) {
        return prefix(session, mapId)
                .u8(ENTRY)
                .raw(key.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] firstEntryKey(long session, String mapId) {
        return entryKey(session, mapId, "");
    }

    /** The key after the last row of an object. */
    static byte[] endKey(long session, String id) {
        return prefix(session, id).u8(ENTRY + 1).toBytes();
    }

    /** The key after the totals and before the first object. */
    static byte[] firstKey(long session) {
        return endKey(session, TOTALS);
    }

    /** The key after everything of the session. */
    static byte[] lastKey(long session) {
        return new BinaryWriter(8).fixed64(session + 1).toBytes();
    }

    private static BinaryWriter prefix(long session, String id) {
        return new BinaryWriter(16 + id.length()).fixed64(session).string(id);
    }

    static Key key(byte[] key) {
        BinaryReader in = new BinaryReader(key);
        in.fixed64();
        String id = in.string();
        return in.u8() == OBJECT
                ? new Key(id, null)
                : new Key(id, new String(in.raw(in.remaining()), StandardCharsets.UTF_8));
    }

    static byte[] totals(ObjectTotals totals) {
        return new BinaryWriter(32)
                .u8(1)
                .varint(totals.objects())
                .varint(totals.bytes())
                .varint(totals.collectedAt())
                .toBytes();
    }

    static ObjectTotals totals(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new ObjectTotals(in.count(), in.varint(), in.varint());
    }

    static byte[] object(ObjectState object) {
        BinaryWriter out = new BinaryWriter(32).u8(1);
        switch (object) {
            case MapState map ->
                out.u8(MAP).varint(map.clearedAt()).varint(map.keys()).varint(map.orphanedSince());
            case CounterState counter -> {
                out.u8(COUNTER);
                ObjectCodec.number(out, counter.count());
                out.varint(counter.changedAt()).varint(counter.orphanedSince());
            }
            case Deleted deleted -> out.u8(DELETED).varint(deleted.position());
        }
        return out.toBytes();
    }

    static ObjectState object(String id, byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        int kind = in.u8();
        return switch (kind) {
            case MAP -> new MapState(id, in.varint(), in.count(), in.varint());
            case COUNTER -> new CounterState(id, ObjectCodec.number(in), in.varint(), in.varint());
            case DELETED -> new Deleted(id, in.varint());
            default -> throw new MalformedBinaryException("an unknown kind of object " + kind, null);
        };
    }

    static byte[] entry(MapEntry entry) {
        ObjectValue value = entry.value();
        BinaryWriter out = new BinaryWriter(16 + (value == null ? 0 : value.size()))
                .u8(1)
                .fixed64(entry.position())
                .bool(value != null);
        if (value != null) {
            ObjectCodec.value(out, value);
        }
        return out.toBytes();
    }

    static MapEntry entry(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        return new MapEntry(in.fixed64(), in.bool() ? ObjectCodec.value(in) : null);
    }
}
