package dev.parley.engine.journal;

import java.io.IOException;
import java.io.Serial;

/**
 * A record that was durable once can no longer be read. The server must not start, because it would serve wrong data.
 */
public final class CorruptJournalException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** @param message what was found, and where */
    public CorruptJournalException(String message) {
        super(message);
    }
}
