package dev.parley.engine.store;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** The store cannot read or write. Its content is derived, so a restart rebuilds it from the journal. */
public sealed class StoreException extends RuntimeException permits StoreDamagedException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** A failure, with its cause. */
    public StoreException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
