package dev.parley.engine;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** The disk has no room for another command. Nothing happened; commands are accepted again once there is room. */
public final class StorageFullException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    StorageFullException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
