package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * A run of an agent that has not ended.
 *
 * @param since position of the message that opened it
 * @param inputId the input that it answers, if that is known
 * @param connectionId the connection that worked at it last, or null if that was none
 * @param suspended whether it waits for somebody, so that nobody needs to work at it
 */
public record Run(
        SessionName session,
        String id,
        long since,
        @Nullable String inputId,
        @Nullable String connectionId,
        boolean suspended) {
    /** The run while a connection works at it. */
    public Run by(@Nullable String nowAt) {
        return new Run(session, id, since, inputId, nowAt, false);
    }

    /** The run while nobody has to work at it. */
    public Run asSuspended() {
        return new Run(session, id, since, inputId, connectionId, true);
    }
}
