package dev.parley.engine;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** The engine accepts no more commands. It was closed, or it failed and only a restart helps. */
public final class EngineStoppedException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    EngineStoppedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
