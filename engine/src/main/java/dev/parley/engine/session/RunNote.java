package dev.parley.engine.session;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a published message means for the runs of agents, as the door has read it. The engine learns from notes which
 * runs are open, who works at them, and which cancels have had no effect yet, without looking into messages.
 */
public sealed interface RunNote {
    /** The size of the texts in bytes, roughly. */
    default int size() {
        return 0;
    }

    /**
     * An agent works at a run.
     *
     * @param inputId the input that the run answers, if the message says so
     * @param opens whether the message opens the run; otherwise the note counts only if the run is open
     * @param startedBy the client whose input began the run, if the message opens it and says so
     */
    record Active(
            String runId,
            @Nullable String inputId,
            boolean opens,
            @Nullable String startedBy) implements RunNote {
        /** Nobody says who began the run. */
        public Active(String runId, @Nullable String inputId, boolean opens) {
            this(runId, inputId, opens, null);
        }
    }

    /** A run waits for somebody, and no agent works at it. */
    record Suspended(String runId) implements RunNote {}

    /** The texts that the session shows if the agent of a run is lost. Only the first ones of a run count. */
    record Described(String runId, RunTexts texts) implements RunNote {
        @Override
        public int size() {
            Body takenOver = texts.takenOver();
            RunTexts.Notice stalled = texts.stalled();
            return texts.end().size()
                    + texts.away().size()
                    + texts.back().size()
                    + (takenOver == null ? 0 : takenOver.size())
                    + (stalled == null ? 0 : stalled.size());
        }
    }

    /**
     * A message of a run is being streamed, and has to be closed if the agent is lost.
     *
     * @param message the index of the message in the command, from 0; counts only if there is no serial
     * @param serial the serial of the message, or 0 if the command creates it
     * @param closed the extras of the message after it was closed
     */
    record Streaming(int message, long serial, String runId, String closed) implements RunNote {
        @Override
        public int size() {
            return closed.length();
        }
    }

    /** A message is no longer being streamed. */
    record Settled(long serial) implements RunNote {}

    /**
     * A person says something who may take over the session's control by that.
     *
     * @param message the index of the message in the command, from 0
     * @param clientId the client id of the person, as text of the form that messages have
     */
    record Spoken(int message, String clientId) implements RunNote {
        @Override
        public int size() {
            return clientId.length();
        }
    }

    /**
     * Somebody says something to agents, or answers them.
     *
     * @param message the index of its last message in the command, from 0
     * @param eventId the id by which an invocation names it
     * @param runId the run that it belongs to, or null
     * @param steers whether an agent that works at this run reads it without being woken
     * @param mentions what it mentions, in lower case
     */
    record Said(int message, String eventId, @Nullable String runId, boolean steers, List<String> mentions)
            implements RunNote {
        @Override
        public int size() {
            int size = 64 + eventId.length();
            for (String mention : mentions) {
                size += mention.length();
            }
            return size;
        }
    }

    /**
     * An agent calls a tool in a run that is open.
     *
     * @param message the index of the message in the command that has, or will have, the arguments as its data
     */
    record Called(int message, String runId, String toolCallId, String tool) implements RunNote {
        @Override
        public int size() {
            return tool.length();
        }
    }

    /**
     * An agent asks for the approval of a call of a tool.
     *
     * @param message the index of the message in the command, from 0
     * @param messageId the message of the conversation that the call is in
     */
    record Asked(
            int message,
            String requestId,
            String runId,
            @Nullable String messageId,
            String toolCallId) implements RunNote {}

    /**
     * Somebody approves a call of a tool, or does not.
     *
     * @param message the index of the message in the command, from 0
     * @param key the name of the key of the client's credentials
     * @param grants what these credentials grant, as requests may ask for it
     */
    record Decided(
            int message,
            String runId,
            String toolCallId,
            boolean approved,
            String key,
            @Nullable String comment,
            List<String> grants)
            implements RunNote {
        /** By somebody whose credentials grant nothing. */
        public Decided(
                int message, String runId, String toolCallId, boolean approved, String key, @Nullable String comment) {
            this(message, runId, toolCallId, approved, key, comment, List.of());
        }

        @Override
        public int size() {
            int size = key.length() + (comment == null ? 0 : comment.length());
            for (String grant : grants) {
                size += grant.length();
            }
            return size;
        }
    }

    /**
     * A run is over.
     *
     * @param reason why, in one word, if it is said
     */
    record Ended(String runId, @Nullable String reason) implements RunNote {
        /** Nobody says why. */
        public Ended(String runId) {
            this(runId, null);
        }
    }

    /**
     * A client cancels a run.
     *
     * @param message the index of the message in the command, from 0
     * @param runId the run, or null if it is known only by its input
     * @param inputId the input that the run answers, or null
     */
    record Cancel(
            int message, @Nullable String runId, @Nullable String inputId) implements RunNote {}
}
