package dev.parley.conversation;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A node of the conversation's tree, as it was when it was asked for. */
public sealed interface Node permits Node.Input, Node.Run {
    /** {@return the node's key: the message's id of an input, the id of a run} */
    String key();

    /** {@return the id of the message before it, null if there is none} */
    @Nullable
    String parent();

    /** {@return the serial of the first session message that it is made of; nodes are ordered by it} */
    String serial();

    /** {@return its messages in the order of their serials} */
    List<Message> messages();

    /**
     * What a person has said.
     *
     * @param key the message's id
     * @param parent the id of the message before it, null at the beginning
     * @param forkOf the id of the message that it is an edited version of, null if of none
     * @param serial the serial of its first session message
     * @param messages the message; it has no parts if they were removed
     */
    record Input(
            String key, @Nullable String parent, @Nullable String forkOf, String serial, List<Message> messages)
            implements Node {}

    /**
     * A run of an agent.
     *
     * @param key the run's id
     * @param parent the id of the message that it answers, null if that is not known
     * @param forkOf the key of the node that it is another version of, null if of none
     * @param regenerates the id of the message that it generates anew, null if none
     * @param serial the serial of its first session message
     * @param messages what was said in it: by the agent, and by people who steered it
     * @param status how it stands
     * @param error why it failed, null if it has not
     * @param endSerial the serial of the message that suspended or ended it, null if none has
     * @param ownerId the client that it belongs to, empty if that is not known
     * @param agentId the client of the agent that began it, null if that is not known
     * @param invocationId the invocation that began it, empty if that is not known
     * @param steps its steps in the order in which they were begun
     * @param answeredSteers the ids of the messages with which people have steered it and that were taken account of
     * @param superseded whether another run has taken its place, so that it is no longer shown
     */
    record Run(
            String key,
            @Nullable String parent,
            @Nullable String forkOf,
            @Nullable String regenerates,
            String serial,
            List<Message> messages,
            RunStatus status,
            @Nullable RunError error,
            @Nullable String endSerial,
            String ownerId,
            @Nullable String agentId,
            String invocationId,
            List<Step> steps,
            Set<String> answeredSteers,
            boolean superseded)
            implements Node {}

    /**
     * Why a run failed.
     *
     * @param code the error's code
     * @param message what happened
     */
    record RunError(int code, String message) {}

    /**
     * A step of a run.
     *
     * @param id the step's id
     * @param status how its last attempt stands
     * @param attempts how often it was attempted
     * @param clientId the client whose input it answers; null if its start is not known
     */
    record Step(
            String id,
            StepStatus status,
            int attempts,
            @Nullable String clientId) {}

    /** How a step stands. */
    enum StepStatus {
        /** It is being done. */
        ACTIVE("active"),
        /** It is done. */
        COMPLETE(WireForm.COMPLETE),
        /** It has failed. */
        FAILED(WireForm.FAILED),
        /** It was broken off. */
        CANCELLED(WireForm.CANCELLED);

        private final String wireName;

        StepStatus(String wireName) {
            this.wireName = wireName;
        }

        /** {@return the status's name on the wire} */
        public String wireName() {
            return wireName;
        }

        static StepStatus ofReason(@Nullable String reason) {
            if (WireForm.FAILED.equals(reason)) {
                return FAILED;
            }
            return WireForm.CANCELLED.equals(reason) ? CANCELLED : COMPLETE;
        }
    }
}
