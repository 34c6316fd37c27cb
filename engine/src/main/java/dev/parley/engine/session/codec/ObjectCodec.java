package dev.parley.engine.session.codec;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.ObjectLimits;
import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectOperation.CounterCreate;
import dev.parley.engine.session.ObjectOperation.CounterInc;
import dev.parley.engine.session.ObjectOperation.MapClear;
import dev.parley.engine.session.ObjectOperation.MapCreate;
import dev.parley.engine.session.ObjectOperation.MapRemove;
import dev.parley.engine.session.ObjectOperation.MapSet;
import dev.parley.engine.session.ObjectOperation.ObjectDelete;
import dev.parley.engine.session.ObjectValue;
import java.util.Map;
import java.util.TreeMap;

/** The binary form of operations on objects and of values, in commands and rows. */
public final class ObjectCodec {
    private static final int MAP_CREATE = 1;
    private static final int MAP_SET = 2;
    private static final int MAP_REMOVE = 3;
    private static final int MAP_CLEAR = 4;
    private static final int COUNTER_CREATE = 5;
    private static final int COUNTER_INC = 6;
    private static final int DELETE = 7;

    private static final int REF = 1;
    private static final int TEXT = 2;
    private static final int NUMBER = 3;
    private static final int TRUE = 4;
    private static final int FALSE = 5;
    private static final int JSON = 6;
    private static final int BYTES = 7;

    private ObjectCodec() {}

    /** Writes an operation. */
    public static void operation(BinaryWriter out, ObjectOperation operation) {
        switch (operation) {
            case MapCreate op -> {
                out.u8(MAP_CREATE).string(op.objectId()).varint(op.entries().size());
                op.entries().forEach((key, value) -> value(out.string(key), value));
            }
            case MapSet op -> value(out.u8(MAP_SET).string(op.objectId()).string(op.key()), op.value());
            case MapRemove op -> out.u8(MAP_REMOVE).string(op.objectId()).string(op.key());
            case MapClear op -> out.u8(MAP_CLEAR).string(op.objectId());
            case CounterCreate op -> number(out.u8(COUNTER_CREATE).string(op.objectId()), op.count());
            case CounterInc op -> number(out.u8(COUNTER_INC).string(op.objectId()), op.amount());
            case ObjectDelete op -> out.u8(DELETE).string(op.objectId());
        }
    }

    /** Reads an operation. */
    public static ObjectOperation operation(BinaryReader in) {
        int kind = in.u8();
        String id = in.string();
        return switch (kind) {
            case MAP_CREATE -> {
                Map<String, ObjectValue> entries = new TreeMap<>();
                for (int left = in.count(); left > 0; left--) {
                    entries.put(in.string(), value(in));
                }
                yield new MapCreate(id, entries);
            }
            case MAP_SET -> new MapSet(id, in.string(), value(in));
            case MAP_REMOVE -> new MapRemove(id, in.string());
            case MAP_CLEAR -> new MapClear(id);
            case COUNTER_CREATE -> new CounterCreate(id, number(in));
            case COUNTER_INC -> new CounterInc(id, number(in));
            case DELETE -> new ObjectDelete(id);
            default -> throw new MalformedBinaryException("an unknown object operation " + kind, null);
        };
    }

    /** Writes limits. */
    public static void limits(BinaryWriter out, ObjectLimits limits) {
        out.varint(limits.objects()).varint(limits.keys()).varint(limits.valueBytes());
        out.varint(limits.bytes()).varint(limits.graceMillis());
    }

    /** Reads limits. */
    public static ObjectLimits limits(BinaryReader in) {
        return new ObjectLimits(in.count(), in.count(), in.count(), in.varint(), in.varint());
    }

    /** Writes a value. */
    public static void value(BinaryWriter out, ObjectValue value) {
        switch (value) {
            case ObjectValue.Ref v -> out.u8(REF).string(v.objectId());
            case ObjectValue.Text v -> out.u8(TEXT).string(v.text());
            case ObjectValue.Numeric v -> number(out.u8(NUMBER), v.number());
            case ObjectValue.Bool v -> out.u8(v.value() ? TRUE : FALSE);
            case ObjectValue.Json v -> out.u8(JSON).string(v.text());
            case ObjectValue.Bytes v -> out.u8(BYTES).blob(v.bytes());
        }
    }

    /** Reads a value. */
    public static ObjectValue value(BinaryReader in) {
        int kind = in.u8();
        return switch (kind) {
            case REF -> new ObjectValue.Ref(in.string());
            case TEXT -> new ObjectValue.Text(in.string());
            case NUMBER -> new ObjectValue.Numeric(number(in));
            case TRUE -> new ObjectValue.Bool(true);
            case FALSE -> new ObjectValue.Bool(false);
            case JSON -> new ObjectValue.Json(in.string());
            case BYTES -> new ObjectValue.Bytes(in.blob());
            default -> throw new MalformedBinaryException("an unknown kind of value " + kind, null);
        };
    }

    /** Writes a number. */
    public static void number(BinaryWriter out, double number) {
        out.fixed64(Double.doubleToRawLongBits(number));
    }

    /** Reads a number. */
    public static double number(BinaryReader in) {
        return Double.longBitsToDouble(in.fixed64());
    }
}
