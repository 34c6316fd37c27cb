package dev.parley.engine.session.object;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.object.ObjectState.CounterState;
import dev.parley.engine.session.object.ObjectState.Deleted;
import dev.parley.engine.session.object.ObjectState.MapState;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Objects lie in the store as they always did. */
class ObjectFormatTest {
    private static final long SESSION = 0x0102_0304_0506L;
    private static final long POSITION = 0x0607_0809_0A0BL;

    @Test
    void rows() throws IOException {
        GoldenBytes golden = new GoldenBytes("objects");
        golden.bytes("totalsKey", ObjectRows.totalsKey(SESSION));
        golden.bytes("objectKey", ObjectRows.objectKey(SESSION, "map:x@1"));
        golden.bytes("entryKey", ObjectRows.entryKey(SESSION, "map:x@1", "këy"));
        golden.bytes("firstEntryKey", ObjectRows.firstEntryKey(SESSION, "map:x@1"));
        golden.bytes("endKey", ObjectRows.endKey(SESSION, "map:x@1"));
        golden.bytes("firstKey", ObjectRows.firstKey(SESSION));
        golden.bytes("lastKey", ObjectRows.lastKey(SESSION));
        golden.example(
                "totals of a session", new ObjectTotals(300, 65_536, POSITION), ObjectRows::totals, ObjectRows::totals);
        for (ObjectState object : List.of(
                new MapState("x", POSITION, 300, POSITION + 1),
                new CounterState("x", -1.5, POSITION, POSITION + 1),
                new Deleted("x", POSITION))) {
            golden.example(
                    "object that is a " + object.getClass().getSimpleName(),
                    object,
                    ObjectRows::object,
                    row -> ObjectRows.object("x", row));
        }
        entry(golden, "reference", new ObjectValue.Ref("map:x@1"));
        entry(golden, "text", new ObjectValue.Text("täxt"));
        entry(golden, "number", new ObjectValue.Numeric(-1.5));
        entry(golden, "true", new ObjectValue.Bool(true));
        entry(golden, "false", new ObjectValue.Bool(false));
        entry(golden, "JSON", new ObjectValue.Json("[1]"));
        entry(golden, "bytes", new ObjectValue.Bytes(new byte[] {0, -1}));
        entry(golden, "nothing, as it was removed", null);
        golden.haveAllOf(ObjectRows.class);
        golden.complete();
    }

    private static void entry(GoldenBytes golden, String name, @Nullable ObjectValue value) {
        golden.example("entry with " + name, new MapEntry(POSITION, value), ObjectRows::entry, ObjectRows::entry);
    }
}
