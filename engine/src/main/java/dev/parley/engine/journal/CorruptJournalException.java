package dev.parley.engine.journal;

import java.io.IOException;
import java.io.Serial;

/** A record that was durable once cannot be read any more. Serving without it would serve wrong data. */
public final class CorruptJournalException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** What was found and where. */
    public CorruptJournalException(String message) {
        super(message);
    }
}
