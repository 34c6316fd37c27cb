package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * What a published message means for the runs of agents, as the door reads it. It lets the engine know which runs are
 * open, who works at them, and which cancels have not had their effect yet, without looking into messages.
 */
public sealed interface RunNote {
    /** Roughly what its texts take, in bytes. */
    default int size() {
        return 0;
    }

    /**
     * Somebody works at a run.
     *
     * @param inputId the input that the run answers, if the message says so
     * @param opens whether the run is open from here on; else this only counts for a run that is
     */
    record Active(String runId, @Nullable String inputId, boolean opens) implements RunNote {}

    /** A run waits for somebody, and nobody works at it. */
    record Suspended(String runId) implements RunNote {}

    /** What is to be said about a run if its agent is lost; only what is said first counts. */
    record Described(String runId, RunTexts texts) implements RunNote {
        @Override
        public int size() {
            return texts.end().size() + texts.away().size() + texts.back().size();
        }
    }

    /**
     * A message of a run is being streamed. If the agent is lost, the message has to be closed.
     *
     * @param message which message of the command it is, from 0; only counts if there is no serial
     * @param serial the message, or 0 if the command creates it
     * @param closed the extras of the message once it is closed
     */
    record Streaming(int message, long serial, String runId, String closed) implements RunNote {
        @Override
        public int size() {
            return closed.length();
        }
    }

    /** A message is no longer being streamed. */
    record Settled(long serial) implements RunNote {}

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
