package dev.parley.engine.store;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** The store cannot read or write. What it holds is derived: a restart rebuilds it from the journal. */
public sealed class StoreException extends RuntimeException permits StoreDamagedException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** What failed, and why. */
    public StoreException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
