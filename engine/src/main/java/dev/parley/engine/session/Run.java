package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * A run of an agent that has not ended.
 *
 * @param since the position of the message that opened it
 * @param inputId the input that the run answers, if it is known
 * @param connectionId the connection of the agent that worked at it last, or null if there was none
 * @param suspended whether the run waits for somebody, so that no agent needs to work at it
 */
public record Run(
        SessionName session,
        String id,
        long since,
        @Nullable String inputId,
        @Nullable String connectionId,
        boolean suspended) {
    /** The run with another connection that works at it. */
    public Run by(@Nullable String nowAt) {
        return new Run(session, id, since, inputId, nowAt, false);
    }

    /** The run while no agent needs to work at it. */
    public Run asSuspended() {
        return new Run(session, id, since, inputId, connectionId, true);
    }
}
