package dev.parley.engine;

import java.io.Serial;

/** Too many commands are waiting. Nothing happened; the caller can try again later. */
public final class OverloadedException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    OverloadedException(String message) {
        super(message);
    }
}
