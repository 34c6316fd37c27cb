package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * What a published message means for the runs of agents, as the door reads it. It lets the engine know which runs are
 * open, who works at them, and which cancels have not had their effect yet, without looking into messages.
 */
public sealed interface RunNote {
    /**
     * Somebody works at a run.
     *
     * @param inputId the input that the run answers, if the message says so
     * @param opens whether the run is open from here on; else this only counts for a run that is
     */
    record Active(String runId, @Nullable String inputId, boolean opens) implements RunNote {}

    /** A run waits for somebody, and nobody works at it. */
    record Suspended(String runId) implements RunNote {}

    /** A run is over. */
    record Ended(String runId) implements RunNote {}

    /**
     * Somebody wants a run to end.
     *
     * @param message which message of the command it is, from 0
     * @param runId the run, or null if it is only known by its input
     * @param inputId the input that the run answers, or null
     */
    record Cancel(
            int message, @Nullable String runId, @Nullable String inputId) implements RunNote {}
}
