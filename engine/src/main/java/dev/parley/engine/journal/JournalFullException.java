package dev.parley.engine.journal;

import java.io.IOException;
import java.io.Serial;

/** The disk has no room for the next segment. Nothing was lost; appends work again once there is room. */
public final class JournalFullException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    JournalFullException(long segmentBytes, Throwable cause) {
        super("no room for the next journal segment of " + segmentBytes + " bytes: " + cause.getMessage(), cause);
    }
}
