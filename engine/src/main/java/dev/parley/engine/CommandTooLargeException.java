package dev.parley.engine;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** The command is larger than a journal record may be. The command was not accepted. */
public final class CommandTooLargeException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    CommandTooLargeException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
