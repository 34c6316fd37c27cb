package dev.parley.server.auth;

import org.jspecify.annotations.Nullable;

/** Where a request comes from, for what the log says of refusals. It is bound while a door deals with the request. */
public final class Peer {
    private static final ScopedValue<Object> ADDRESS = ScopedValue.newInstance();

    private Peer() {}

    /** Does {@code work} for a request from {@code address}, of which the log shows the text; null if it is not known. */
    public static void call(@Nullable Object address, Runnable work) {
        if (address == null) {
            work.run();
        } else {
            ScopedValue.where(ADDRESS, address).run(work);
        }
    }

    /** The address that is bound, or an empty text. */
    static String address() {
        return ADDRESS.isBound() ? ADDRESS.get().toString() : "";
    }
}
