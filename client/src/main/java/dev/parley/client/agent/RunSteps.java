package dev.parley.client.agent;

import dev.parley.client.ParleyException;
import dev.parley.conversation.Node;
import dev.parley.conversation.OutputWriter;
import dev.parley.conversation.RunContext;
import dev.parley.conversation.RunMessages;
import dev.parley.conversation.RunStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The steps of a run, of which one is open at a time, and the messages that are open in it; all under the lock of its log. */
final class RunSteps {
    private static final Logger LOG = LoggerFactory.getLogger(RunSteps.class);

    private final Run run;
    private final RunLog log;

    /** For the frame of the run. */
    private final RunContext frame;

    /** For what is said in it, whose parent may be another. */
    private final RunContext context;

    private final List<Output> outputs = new ArrayList<>();
    private @Nullable Step step;
    private int steps;

    /** Whether the open step is one of an output's own, and ends when there is none in it any more. */
    private boolean implicit;

    RunSteps(Run run, RunLog log, RunContext frame, RunContext context) {
        this.run = run;
        this.log = log;
        this.frame = frame;
        this.context = context;
    }

    // Steps

    /** Begins a step that the agent wants. */
    Step begin(String id) {
        Step open = step;
        if (open != null && !implicit) {
            throw new IllegalStateException("The step " + open.id() + " has not ended.");
        }
        implicit = false;
        if (open != null && open.id().equals(id)) {
            return open;
        }
        if (open != null) {
            closeOutputs();
            end(open, Node.StepStatus.COMPLETE);
        }
        return publishBegin(id);
    }

    /** Begins a step that the agent does not know of. */
    Step beginImplicit(String id) {
        implicit = true;
        return publishBegin(id);
    }

    private Step publishBegin(String id) {
        RunContext.Step fresh = new RunContext.Step(id, null, Objects.requireNonNullElse(frame.inputClientId(), ""));
        String serial = log.publish(RunMessages.startStep(frame, fresh));
        Step begun = new Step(run, new RunContext.Step(id, serial, fresh.clientId()));
        step = begun;
        return begun;
    }

    /** Ends a step, if it is the one that is open. */
    void endIfOpen(Step which, Node.StepStatus status) {
        if (step == which) {
            closeOutputs();
            end(which, status);
        }
    }

    /** Completes all that is open. */
    void complete() {
        closeOutputs();
        Step open = step;
        if (open != null) {
            end(open, Node.StepStatus.COMPLETE);
        }
    }

    /** Ends the open step at the end of the run. Whatever becomes of that, the end of the run follows. */
    void endAtLast(Node.StepStatus status) {
        Step open = step;
        if (open != null) {
            try {
                end(open, status);
            } catch (ParleyException | IllegalStateException e) {
                LOG.warn("The end of a step of run {} could not be written.", run.id(), e);
            }
        }
    }

    private void end(Step which, Node.StepStatus status) {
        step = null;
        implicit = false;
        log.publish(RunMessages.endStep(frame, which.context(), status));
    }

    // Messages

    /** Something is to be written in an output for the first time. */
    OutputWriter begin(Output output, List<String> answeredSteers) {
        Step open = step;
        Step wanted = output.step();
        if (wanted != null && wanted != open) {
            throw new IllegalStateException("The step " + wanted.id() + " has ended.");
        }
        if (open == null) {
            open = beginImplicit(frame.invocationId() + "-step-" + steps++);
        }
        outputs.add(output);
        return new OutputWriter(context, open.context(), output.messageId(), answeredSteers);
    }

    /** Waits until all that was written is acknowledged. */
    void settle() {
        outputs.forEach(Output::settle);
    }

    /** Ends a message, or breaks it off, and its step with it if that is the message's own. */
    void close(Output output) {
        if (output.isClosed()) {
            return;
        }
        boolean brokenOff = run.isBrokenOff();
        boolean whole = false;
        try {
            if (brokenOff) {
                output.breakOff();
            } else {
                output.finish("stop");
            }
            whole = true;
        } finally {
            outputs.remove(output);
            Step open = step;
            if (implicit && outputs.isEmpty() && open != null && output.hasBegun()) {
                end(open, closed(brokenOff, whole));
            }
        }
    }

    private static Node.StepStatus closed(boolean brokenOff, boolean whole) {
        if (brokenOff) {
            return Node.StepStatus.CANCELLED;
        }
        return whole ? Node.StepStatus.COMPLETE : Node.StepStatus.FAILED;
    }

    private void closeOutputs() {
        for (Output output : List.copyOf(outputs)) {
            close(output);
        }
    }

    /** Ends all messages at the end of the run, and gives what went wrong with one; null if nothing did. */
    @Nullable
    RuntimeException closeAtLast(RunStatus status) {
        RuntimeException failure = null;
        for (Output output : List.copyOf(outputs)) {
            try {
                if (status == RunStatus.COMPLETE) {
                    output.finish("stop");
                } else {
                    output.breakOff();
                }
            } catch (ParleyException | IllegalStateException e) {
                LOG.warn("What was said in run {} is not whole.", run.id(), e);
                failure = e;
            }
        }
        outputs.clear();
        return failure;
    }
}
