package dev.parley.engine.session.remembered;

import static dev.parley.engine.session.GoldenValues.ID;

import dev.parley.engine.codec.GoldenBytes;

/** Requests lie in the store as they always did. */
public final class RememberedExamples {
    private RememberedExamples() {}

    /** Checks all kinds of rows. */
    public static void check(GoldenBytes golden) {
        golden.bytes("requestKey", RememberedRows.requestKey(ID, "conn", 300));
        golden.haveAllOf(RememberedRows.class);
    }
}
