package dev.parley.server.cli;

import org.jspecify.annotations.Nullable;

/** The server cannot start, for a reason that the operator can remove. */
final class StartException extends RuntimeException {

    private static final long serialVersionUID = 1;

    StartException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
