package dev.parley.conversation;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A call of a tool, from the first letter of its input to its result. The methods that say what happens to it give the call
 * as it then is.
 *
 * @param toolCallId the call's id, unique in its run
 * @param toolName the tool's name
 * @param dynamic whether the tool became known only at run time
 * @param title the tool's name for people
 * @param providerExecuted whether the model's provider executes it; null if it does not say
 * @param state how far it is
 * @param input its input, null as long as what has come is no whole JSON
 * @param output its result, null if there is none
 * @param errorText why there is no result, null if it has not failed
 * @param preliminary whether the result may still be replaced; null if it does not say
 * @param approval what has become of the request for approval, null if there was none
 * @param providerMetadata what the model's provider says about it
 */
public record ToolCall(
        String toolCallId,
        String toolName,
        boolean dynamic,
        @Nullable String title,
        @Nullable Boolean providerExecuted,
        State state,
        @Nullable JsonNode input,
        @Nullable JsonNode output,
        @Nullable String errorText,
        @Nullable Boolean preliminary,
        @Nullable Approval approval,
        @Nullable JsonNode providerMetadata)
        implements Part {

    /** How far a call is. The names are those of the states of tool parts in Vercel's UI messages. */
    public enum State {
        /** Its input grows. */
        INPUT_STREAMING("input-streaming"),
        /** Its input is there. */
        INPUT_AVAILABLE("input-available"),
        /** Somebody has to approve it. */
        APPROVAL_REQUESTED("approval-requested"),
        /** It was approved and is to be executed. */
        APPROVAL_RESPONDED("approval-responded"),
        /** It has a result. */
        OUTPUT_AVAILABLE("output-available"),
        /** It has failed. */
        OUTPUT_ERROR("output-error"),
        /** It was not approved. */
        OUTPUT_DENIED("output-denied");

        private final String wireName;

        State(String wireName) {
            this.wireName = wireName;
        }

        /** {@return the state's name in a UI message} */
        public String wireName() {
            return wireName;
        }

        /** {@return whether nothing more is awaited: there is a result, an error or a refusal} */
        public boolean isFinal() {
            return compareTo(OUTPUT_AVAILABLE) >= 0;
        }
    }

    /**
     * A request for approval and what has become of it.
     *
     * @param id the request's id
     * @param approved the answer, null as long as there is none
     * @param reason the reason that was given with the answer
     * @param arguments the input that was approved instead of the one that was asked for; null if it is the same
     */
    public record Approval(
            String id,
            @Nullable Boolean approved,
            @Nullable String reason,
            @Nullable JsonNode arguments) {}

    /** {@return the input with which the tool is called: what was approved instead of its input, if there is such} */
    public @Nullable JsonNode effectiveInput() {
        return approval == null || approval.arguments() == null ? input : approval.arguments();
    }

    /**
     * {@return a call whose input begins to come}
     *
     * @param toolCallId the call's id
     * @param toolName the tool's name
     */
    public static ToolCall streaming(String toolCallId, String toolName) {
        return new ToolCall(
                toolCallId, toolName, false, null, null, State.INPUT_STREAMING, null, null, null, null, null, null);
    }

    /**
     * {@return the call of which this much of the input is there}
     *
     * @param soFar what has come of the input; null as long as it is no whole JSON
     */
    public ToolCall withPartialInput(@Nullable JsonNode soFar) {
        return with(State.INPUT_STREAMING, soFar, null, null, null, approval);
    }

    /**
     * {@return the call whose input is there}
     *
     * @param whole the input
     */
    public ToolCall withInput(@Nullable JsonNode whole) {
        return with(State.INPUT_AVAILABLE, whole, null, null, null, approval);
    }

    /**
     * {@return the call for which approval is asked}
     *
     * @param approvalId the request's id
     */
    public ToolCall withApprovalRequest(String approvalId) {
        return with(State.APPROVAL_REQUESTED, input, null, null, null, new Approval(approvalId, null, null, null));
    }

    /**
     * {@return the call that was approved or not}
     *
     * @param approved whether it was approved
     * @param reason why; null if nobody has said
     */
    public ToolCall withDecision(boolean approved, @Nullable String reason) {
        return withDecision(approved, reason, null);
    }

    /**
     * {@return the call that was approved or not}
     *
     * @param approved whether it was approved
     * @param reason why; null if nobody has said
     * @param arguments the input that was approved instead of the one that was asked for; null if it is the same
     */
    public ToolCall withDecision(boolean approved, @Nullable String reason, @Nullable JsonNode arguments) {
        Approval decided = new Approval(approval == null ? "" : approval.id(), approved, reason, arguments);
        return with(approved ? State.APPROVAL_RESPONDED : State.OUTPUT_DENIED, input, null, null, null, decided);
    }

    /** {@return the call that was not approved, if that is not known already} */
    public ToolCall withDenial() {
        boolean known = approval != null && Boolean.FALSE.equals(approval.approved());
        return withDecision(false, known && approval != null ? approval.reason() : null);
    }

    /**
     * {@return the call that has a result}
     *
     * @param result the result
     * @param mayChange whether the result may still be replaced; null if it does not say
     */
    public ToolCall withOutput(@Nullable JsonNode result, @Nullable Boolean mayChange) {
        return with(State.OUTPUT_AVAILABLE, input, result, null, mayChange, approval);
    }

    /**
     * {@return the call that has failed}
     *
     * @param text why it has failed
     */
    public ToolCall withError(String text) {
        return with(State.OUTPUT_ERROR, input, null, text, null, approval);
    }

    private ToolCall with(
            State next,
            @Nullable JsonNode nextInput,
            @Nullable JsonNode nextOutput,
            @Nullable String nextError,
            @Nullable Boolean nextPreliminary,
            @Nullable Approval nextApproval) {
        return new ToolCall(
                toolCallId,
                toolName,
                dynamic,
                title,
                providerExecuted,
                next,
                nextInput,
                nextOutput,
                nextError,
                nextPreliminary,
                nextApproval,
                providerMetadata);
    }
}
