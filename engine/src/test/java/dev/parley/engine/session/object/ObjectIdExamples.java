package dev.parley.engine.session.object;

import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;

/** Clients' own ids of changes lie in the store as they always did. */
public final class ObjectIdExamples {
    private ObjectIdExamples() {}

    /** Checks all kinds of rows. */
    public static void check(GoldenBytes golden) {
        golden.bytes("objectIdKey", ObjectIdRows.objectIdKey(ID, "id"));
        golden.bytes("objectIdAgeKey", ObjectIdRows.objectIdAgeKey(ID, SERIAL));
        golden.haveAllOf(ObjectIdRows.class);
    }
}
