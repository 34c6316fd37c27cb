package dev.parley.client.agent;

import dev.parley.conversation.Conversation;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunContext;
import dev.parley.conversation.RunMessages;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.WireForm;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Begins, resumes and adopts the runs of an agent: all ways in which a process comes to have one. */
final class RunStarter {
    private final AgentSession agent;
    private final SharedConversation shared;
    private final OpenRuns open;
    private final KnownRuns known;
    private final Cancellations cancellations;
    private final Executor hooks;
    private final @Nullable String clientId;

    /**
     * Of an agent.
     *
     * @param hooks calls the hooks of cancel tokens
     */
    RunStarter(
            AgentSession agent,
            SharedConversation shared,
            OpenRuns open,
            KnownRuns known,
            Cancellations cancellations,
            Executor hooks,
            @Nullable String clientId) {
        this.agent = agent;
        this.shared = shared;
        this.open = open;
        this.known = known;
        this.cancellations = cancellations;
        this.hooks = hooks;
        this.clientId = clientId;
    }

    /** Begins the run that an input asks for, or resumes the one that it goes on with. */
    Run begin(Conversation.Trigger trigger) {
        String runId = trigger.runId();
        return runId == null ? start(trigger) : resume(trigger, runId);
    }

    private Run start(Conversation.Trigger trigger) {
        String runId = Ids.run(shared.session().name(), trigger.eventId(), clientId);
        Node.Run there = shared.read(conversation -> conversation.run(runId)).orElse(null);
        if (there != null) {
            throw new RunExistsException(runId, there.status());
        }
        RunContext frame = frame(trigger, runId);
        boolean isMessage = trigger.kind().equals(WireForm.USER_MESSAGE);
        boolean isFork = !isMessage && !trigger.kind().equals(WireForm.REGENERATE);
        RunContext context = isFork ? context(trigger, runId, frame.invocationId(), trigger.messageId()) : frame;
        shared.loadBranch(frame.parent());
        Run run = opened(trigger, frame, context, false);
        return begun(
                run,
                () -> run.take(
                        SessionMessages.with(RunMessages.start(frame), WireForm.ON_TAKEOVER, WireForm.SUSPEND),
                        runId + "-start"));
    }

    /** The frame of a run that begins. */
    static RunContext frame(Conversation.Trigger trigger, String runId) {
        boolean isMessage = trigger.kind().equals(WireForm.USER_MESSAGE);
        return context(trigger, runId, Ids.next(), isMessage ? trigger.messageId() : trigger.parent());
    }

    private static RunContext context(
            Conversation.Trigger trigger, String runId, @Nullable String invocationId, @Nullable String parent) {
        String client = trigger.clientId();
        return new RunContext(
                runId,
                client == null ? "" : client,
                invocationId,
                client,
                trigger.messageId(),
                parent,
                trigger.forkOf(),
                trigger.regenerates());
    }

    private Run resume(Conversation.Trigger trigger, String runId) {
        SharedConversation.Frames frames = known.findFrames(runId);
        Node.Run node = shared.read(conversation -> conversation.run(runId)).orElse(null);
        if (frames == null || node == null) {
            throw new IllegalStateException("The run " + runId + " is not known.");
        }
        // An input that stands before the last resumption was there for it.
        boolean isAnswered = frames.last().serial().compareTo(trigger.serial()) > 0;
        if (node.status() != RunStatus.SUSPENDED || isAnswered) {
            throw new RunExistsException(runId, node.status());
        }
        RunContext frame = context(trigger, runId, Ids.next(), trigger.messageId());
        shared.loadBranch(node.parent());
        Run run = opened(trigger, frame, frame, true);
        return begun(run, () -> run.take(RunMessages.resume(frame), runId + "-resume-" + node.endSerial()));
    }

    /** Takes over a run that another process has left; see {@link AgentSession#adopt(String)}. */
    Run adopt(String runId) {
        Left left = left(runId, RunStatus.ACTIVE);
        Node.Run node = left.node();
        Run run = left.run();
        String unfinished = node.steps().stream()
                .filter(step -> step.status() == Node.StepStatus.ACTIVE)
                .map(Node.Step::id)
                .findFirst()
                .orElse(null);
        String id = runId + "-adopt-" + left.last().serial();
        return begun(run, () -> {
            run.take(RunMessages.resume(left.frame()), id);
            run.redo(node, unfinished);
        });
    }

    /** Goes on with a run of the agent that was suspended because a person had taken over, now that the control is given back. */
    Run goOn(String runId) {
        Left left = left(runId, RunStatus.SUSPENDED);
        Run run = left.run();
        run.goesOnAfter(left.last().serial());
        String id = runId + "-resume-" + left.node().endSerial();
        return begun(run, () -> run.take(RunMessages.resume(left.frame()), id));
    }

    /** A run as another process, or this one, has left it, and as it is opened here. */
    private record Left(Node.Run node, SessionMessage last, RunContext frame, Run run) {}

    private Left left(String runId, RunStatus status) {
        SharedConversation.Frames frames = known.findFrames(runId);
        Node.Run node = shared.read(conversation -> conversation.run(runId)).orElse(null);
        if (frames == null || node == null || node.status() != status) {
            throw new IllegalStateException("The run " + runId + " cannot be taken up: it is "
                    + (node == null ? "not known" : node.status().wireName()) + ".");
        }
        SessionMessage last = frames.last();
        String input = last.headers().get(WireForm.INPUT_MESSAGE_ID);
        String parent = node.parent();
        Conversation.Trigger trigger = new Conversation.Trigger(
                "",
                input,
                node.regenerates() == null ? WireForm.USER_MESSAGE : WireForm.REGENERATE,
                runId,
                parent,
                Objects.requireNonNullElse(frames.start(), last).headers().get(WireForm.FORK_OF),
                node.regenerates(),
                last.headers().get(WireForm.INPUT_CLIENT_ID),
                last.serial());
        RunContext frame = new RunContext(
                runId,
                node.ownerId(),
                Ids.next(),
                trigger.clientId(),
                input,
                parent,
                trigger.forkOf(),
                node.regenerates());
        shared.loadBranch(parent);
        return new Left(node, last, frame, opened(trigger, frame, frame, true));
    }

    private Run opened(Conversation.Trigger trigger, RunContext frame, RunContext context, boolean resumed) {
        Run run = new Run(
                agent, shared, trigger, frame, context, resumed, new CancelToken(hooks), new CancelToken(hooks));
        open.add(run);
        return run;
    }

    /** Writes how a run begins; if that fails, or another process has it, the run is not open here. */
    private Run begun(Run run, Runnable write) {
        try {
            write.run();
        } catch (RuntimeException e) {
            run.lost(null);
            throw e;
        }
        cancellations.note(run);
        return run;
    }
}
