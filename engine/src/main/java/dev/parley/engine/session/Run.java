package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * A run of an agent that has not ended.
 *
 * @param since the position of the message that opened it
 * @param inputId the input that the run answers, if it is known
 * @param connectionId the connection of the agent that worked at it last, or null if there was none
 * @param suspended whether the run waits for somebody, so that no agent needs to work at it
 * @param startedBy the client whose input began it, as the agent says; null if it does not
 */
public record Run(
        SessionName session,
        String id,
        long since,
        @Nullable String inputId,
        @Nullable String connectionId,
        boolean suspended,
        @Nullable String startedBy) {
    /** A run of which it is not known who began it. */
    public Run(
            SessionName session,
            String id,
            long since,
            @Nullable String inputId,
            @Nullable String connectionId,
            boolean suspended) {
        this(session, id, since, inputId, connectionId, suspended, null);
    }

    /** The run with another connection that works at it. */
    public Run by(@Nullable String nowAt) {
        return new Run(session, id, since, inputId, nowAt, false, startedBy);
    }

    /** The run while no agent needs to work at it. */
    public Run asSuspended() {
        return new Run(session, id, since, inputId, connectionId, true, startedBy);
    }
}
