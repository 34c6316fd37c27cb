package dev.parley.server.auth;

import org.jspecify.annotations.Nullable;

/**
 * The address from which a request comes, for log lines about refusals. It is bound while a door handles the request.
 */
public final class Peer {
    private static final ScopedValue<Object> ADDRESS = ScopedValue.newInstance();

    private Peer() {}

    /** Does {@code work} for a request from {@code address}. The address is logged as text; null if it is not known. */
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
