package dev.parley.client.agent;

import dev.parley.conversation.RunStatus;

/**
 * An input was to be answered whose run is there already: the invocation has come twice, or another process was faster. Nothing
 * was written. Whoever knows that the other process is gone can {@linkplain AgentSession#adopt adopt} the run while it is active.
 */
public final class RunExistsException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** See {@link #runId()}. */
    private final String runId;
    /** See {@link #status()}. */
    private final RunStatus status;

    RunExistsException(String runId, RunStatus status) {
        super("The run " + runId + " is there already, and " + status.wireName() + ".");
        this.runId = runId;
        this.status = status;
    }

    /** {@return the id of the run} */
    public String runId() {
        return runId;
    }

    /** {@return how the run stood} */
    public RunStatus status() {
        return status;
    }
}
