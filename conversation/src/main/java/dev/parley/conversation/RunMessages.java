package dev.parley.conversation;

import org.jspecify.annotations.Nullable;

/** The messages that frame what an agent says: of runs and steps, and the request to stop. */
public final class RunMessages {
    private RunMessages() {}

    /**
     * Begins a run.
     *
     * @param run the run
     * @return the message to publish
     */
    public static OutboundMessage start(RunContext run) {
        HeaderList headers = lifecycle(run)
                .put(WireForm.PARENT, run.parent())
                .put(WireForm.FORK_OF, run.forkOf())
                .put(WireForm.REGENERATES, run.regenerates());
        return new OutboundMessage(WireForm.RUN_START, null, headers.alone());
    }

    /**
     * Goes on with a run that was suspended.
     *
     * @param run the run
     * @return the message to publish
     */
    public static OutboundMessage resume(RunContext run) {
        return new OutboundMessage(WireForm.RUN_RESUME, null, lifecycle(run).alone());
    }

    /**
     * Suspends a run until somebody has answered.
     *
     * @param run the run
     * @return the message to publish
     */
    public static OutboundMessage suspend(RunContext run) {
        return new OutboundMessage(WireForm.RUN_SUSPEND, null, lifecycle(run).alone());
    }

    /**
     * Ends a run.
     *
     * @param run the run
     * @param status how it has ended
     * @param error why it failed; only with {@link RunStatus#ERROR}
     * @return the message to publish
     * @throws IllegalArgumentException if the status is none of an end, or there is an error without one that says so
     */
    public static OutboundMessage end(RunContext run, RunStatus status, Node.@Nullable RunError error) {
        if (!status.isTerminal() || (error != null && status != RunStatus.ERROR)) {
            throw new IllegalArgumentException(
                    "a run does not end as " + status.wireName() + (error == null ? "" : " with an error"));
        }
        HeaderList headers = lifecycle(run).put(WireForm.RUN_REASON, status.wireName());
        if (error != null) {
            headers.put(WireForm.ERROR_CODE, Integer.toString(error.code()))
                    .put(WireForm.ERROR_MESSAGE, error.message());
        }
        return new OutboundMessage(WireForm.RUN_END, null, headers.alone());
    }

    /**
     * Begins an attempt of a step; the serial of this message tells the attempt from others.
     *
     * @param run the run
     * @param step the step
     * @return the message to publish
     */
    public static OutboundMessage startStep(RunContext run, RunContext.Step step) {
        return new OutboundMessage(WireForm.STEP_START, null, ofStep(run, step).alone());
    }

    /**
     * Ends an attempt of a step.
     *
     * @param run the run
     * @param step the step
     * @param status how it ends
     * @return the message to publish
     * @throws IllegalArgumentException if the attempt has no serial, or if it is said still to be active
     */
    public static OutboundMessage endStep(RunContext run, RunContext.Step step, Node.StepStatus status) {
        if (step.startSerial() == null || status == Node.StepStatus.ACTIVE) {
            throw new IllegalArgumentException("what ends a step says which attempt ends, and how");
        }
        HeaderList headers = ofStep(run, step)
                .put(WireForm.STEP_START_SERIAL, step.startSerial())
                .put(WireForm.STEP_REASON, status.wireName());
        return new OutboundMessage(WireForm.STEP_END, null, headers.alone());
    }

    /**
     * Asks an agent to stop.
     *
     * @param eventId an id of this request, unique in the session
     * @param runId the run; null if it is not known yet
     * @param inputMessageId the id of the message that the run answers; null if the run is known
     * @return the message to publish
     * @throws IllegalArgumentException if neither is there
     */
    public static OutboundMessage cancel(String eventId, @Nullable String runId, @Nullable String inputMessageId) {
        if (runId == null && inputMessageId == null) {
            throw new IllegalArgumentException("a cancel names a run or the input of one");
        }
        HeaderList headers = new HeaderList()
                .put(WireForm.EVENT_ID, eventId)
                .put(WireForm.RUN_ID, runId)
                .put(WireForm.INPUT_MESSAGE_ID, inputMessageId);
        return new OutboundMessage(WireForm.CANCEL, null, headers.alone());
    }

    private static HeaderList lifecycle(RunContext run) {
        return new HeaderList()
                .put(WireForm.RUN_ID, run.runId())
                .put(WireForm.RUN_CLIENT_ID, run.ownerId())
                .put(WireForm.INVOCATION_ID, run.invocationId())
                .put(WireForm.INPUT_CLIENT_ID, run.inputClientId())
                .put(WireForm.INPUT_MESSAGE_ID, run.inputMessageId());
    }

    private static HeaderList ofStep(RunContext run, RunContext.Step step) {
        return new HeaderList()
                .put(WireForm.RUN_ID, run.runId())
                .put(WireForm.STEP_ID, step.id())
                .put(WireForm.INVOCATION_ID, run.invocationId())
                .put(WireForm.RUN_CLIENT_ID, run.ownerId())
                .put(WireForm.INPUT_CLIENT_ID, run.inputClientId())
                .put(WireForm.STEP_CLIENT_ID, step.clientId());
    }
}
