package dev.parley.client.agent;

import dev.parley.client.NewMessage;
import dev.parley.client.ParleyException;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunContext;
import dev.parley.conversation.RunMessages;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.WireForm;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How a run ends: what is open in it, its last words, and its end itself. */
final class RunEnd {
    private static final Logger LOG = LoggerFactory.getLogger(RunEnd.class);

    /** How often the end of a run is published, if the server says that trying again helps. */
    private static final int ATTEMPTS = 5;

    private final Run run;
    private final RunLog log;
    private final RunSteps steps;
    private final RunContext frame;

    /** What is said after a cancel, and whether that is being said now. */
    private volatile @Nullable Consumer<Output> lastWords;

    private boolean speaking;

    RunEnd(Run run, RunLog log, RunSteps steps, RunContext frame) {
        this.run = run;
        this.log = log;
        this.steps = steps;
        this.frame = frame;
    }

    /** The id of the message that ends a run: however often it is published, and by whom, the session has it once. */
    static String messageId(String runId) {
        return runId + "-end";
    }

    void lastWords(Consumer<Output> words) {
        lastWords = words;
    }

    /** Whether the last words are being said, which can be written although the run is to stop; under the lock of the log. */
    boolean isSpeaking() {
        return speaking;
    }

    /** Writes the end, under the lock of the log. */
    void write(RunStatus wanted, Node.@Nullable RunError error) {
        log.limitWaits();
        if (run.takeover().isCancelled()) {
            suspend();
            return;
        }
        boolean cancelled = run.cancelToken().isCancelled();
        RunStatus status = cancelled ? RunStatus.CANCELLED : wanted;
        Node.RunError why = cancelled ? null : error;
        RuntimeException failure = steps.closeAtLast(status);
        if (failure != null && status == RunStatus.COMPLETE) {
            status = RunStatus.ERROR;
            why = new Node.RunError(Run.FAILED, "The answer could not be written: " + failure.getMessage());
        }
        steps.endAtLast(stepStatus(status));
        Consumer<Output> words = lastWords;
        if (cancelled && words != null) {
            say(words);
            steps.endAtLast(Node.StepStatus.CANCELLED);
        }
        run.ended(status);
        publish(SessionMessages.write(RunMessages.end(frame, status, why)).withId(messageId(run.id())));
        if (failure != null && !cancelled) {
            throw failure;
        }
    }

    /** A person has taken over: what was said stays as it is, and the run goes on when the control is given back. */
    private void suspend() {
        var unused = steps.closeAtLast(RunStatus.SUSPENDED);
        steps.endAtLast(Node.StepStatus.CANCELLED);
        run.suspendedByTakeover();
        publish(SessionMessages.write(
                        SessionMessages.with(RunMessages.suspend(frame), WireForm.SUSPEND_REASON, WireForm.TAKEN_OVER))
                .withId(run.id() + "-taken-over-" + frame.invocationId()));
    }

    private void say(Consumer<Output> words) {
        speaking = true;
        try (Output output = run.output()) {
            words.accept(output);
        } catch (RuntimeException e) {
            LOG.warn("The last words of run {} have failed.", run.id(), e);
        } finally {
            speaking = false;
        }
    }

    private void publish(NewMessage end) {
        for (int attempt = 1; ; attempt++) {
            try {
                log.publish(end);
                return;
            } catch (ParleyException e) {
                if (!e.retryHelps() || attempt == ATTEMPTS) {
                    throw e;
                }
                log.pause();
            }
        }
    }

    private static Node.StepStatus stepStatus(RunStatus status) {
        return switch (status) {
            case COMPLETE -> Node.StepStatus.COMPLETE;
            case CANCELLED -> Node.StepStatus.CANCELLED;
            case ACTIVE, SUSPENDED, ERROR -> Node.StepStatus.FAILED;
        };
    }
}
