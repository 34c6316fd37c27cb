package dev.parley.client.agent;

import dev.parley.conversation.Node;
import dev.parley.conversation.RunContext;
import java.util.Objects;

/**
 * A step of a run: a piece of work that another process can do again. What was said in an earlier attempt of the step is then
 * replaced. Closing it completes it.
 */
public final class Step implements AutoCloseable {
    private final Run run;
    private final RunContext.Step context;

    Step(Run run, RunContext.Step context) {
        this.run = run;
        this.context = context;
    }

    /** {@return the step's id, which is the same in every attempt} */
    public String id() {
        return context.id();
    }

    /** {@return the serial that tells this attempt from others} */
    public String startSerial() {
        return Objects.requireNonNullElse(context.startSerial(), "");
    }

    /**
     * Begins a message in the step; see {@link Run#output}.
     *
     * @return the message, of which nothing is written yet
     */
    public Output output() {
        return run.output(this);
    }

    /** Ends the attempt as failed; the step can be done again. */
    public void fail() {
        run.endStep(this, Node.StepStatus.FAILED);
    }

    /** Ends the step, if that has not happened yet: it is done, or was broken off if the run is to stop. */
    @Override
    public void close() {
        run.endStep(this, Node.StepStatus.COMPLETE);
    }

    RunContext.Step context() {
        return context;
    }
}
