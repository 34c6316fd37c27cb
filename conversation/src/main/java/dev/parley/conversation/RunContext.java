package dev.parley.conversation;

import org.jspecify.annotations.Nullable;

/**
 * What an agent says about its run in every message of it.
 *
 * @param runId the run's id
 * @param ownerId the client that the run belongs to, empty if none
 * @param invocationId the id of the invocation under which the agent works
 * @param inputClientId the client whose input the agent was invoked for
 * @param inputMessageId the id of that input's message
 * @param parent the id of the message that the run answers
 * @param forkOf the id of the message that the input is an edited version of
 * @param regenerates the id of the message that is generated anew
 */
public record RunContext(
        String runId,
        String ownerId,
        @Nullable String invocationId,
        @Nullable String inputClientId,
        @Nullable String inputMessageId,
        @Nullable String parent,
        @Nullable String forkOf,
        @Nullable String regenerates) {

    /**
     * The step in which an agent says something.
     *
     * @param id the step's id, which is the same in every attempt
     * @param startSerial the serial of the message that began the attempt; null as long as the step has not begun
     * @param clientId the client whose input the step answers
     */
    public record Step(String id, @Nullable String startSerial, String clientId) {}
}
