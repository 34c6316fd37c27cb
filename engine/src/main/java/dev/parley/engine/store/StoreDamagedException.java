package dev.parley.engine.store;

import java.io.Serial;

/** Files of the store differ from what was written to them. */
public final class StoreDamagedException extends StoreException {
    @Serial
    private static final long serialVersionUID = 1L;

    StoreDamagedException(String message, Throwable cause) {
        super(message, cause);
    }
}
