package dev.parley.engine.session.request;

import static dev.parley.engine.session.GoldenValues.ID;

import dev.parley.engine.codec.GoldenBytes;

/** Requests lie in the store as they always did. */
public final class RequestExamples {
    private RequestExamples() {}

    /** Checks all kinds of rows. */
    public static void check(GoldenBytes golden) {
        golden.bytes("requestKey", RequestRows.requestKey(ID, "conn", 300));
        golden.haveAllOf(RequestRows.class);
    }
}
