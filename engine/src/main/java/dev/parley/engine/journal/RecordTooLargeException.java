package dev.parley.engine.journal;

import java.io.IOException;
import java.io.Serial;

/** The record is larger than the journal allows. Nothing was appended, and the journal stays usable. */
public final class RecordTooLargeException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    RecordTooLargeException(int bytes, int maxBytes) {
        super("a record of " + bytes + " bytes, allowed are " + maxBytes);
    }
}
