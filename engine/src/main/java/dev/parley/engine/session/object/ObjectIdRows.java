package dev.parley.engine.session.object;

import dev.parley.engine.codec.BinaryWriter;
import java.nio.charset.StandardCharsets;

/** The form in the store of clients' own ids for changes of objects: by id, and by age. */
final class ObjectIdRows {
    private ObjectIdRows() {}

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
}
