package dev.parley.engine.codec;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** Bytes that no {@link BinaryWriter} of this version wrote: damage, or a newer format. */
public final class MalformedBinaryException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** What is wrong, and what revealed it if anything was thrown. */
    public MalformedBinaryException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
