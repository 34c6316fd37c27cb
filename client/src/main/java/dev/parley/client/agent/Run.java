package dev.parley.client.agent;

import dev.parley.client.NewMessage;
import dev.parley.client.ParleyException;
import dev.parley.client.Registration;
import dev.parley.client.Session;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.OutboundMessage;
import dev.parley.conversation.OutputWriter;
import dev.parley.conversation.Prompt;
import dev.parley.conversation.RunContext;
import dev.parley.conversation.RunMessages;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.ToolCall;
import dev.parley.conversation.WireForm;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A run of an agent: its answer to one input, over as many rounds with the model as that takes. It ends once: as complete,
 * cancelled or failed; until then it may be suspended, and resumed by any process.
 *
 * <p>Between the rounds, {@link #isSteered} says whether people have said more meanwhile, and {@link #prompt} has it.
 *
 * <p>Methods block until the server has answered. Runs are safe for use by several threads.
 */
public final class Run implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Run.class);

    /** How often the end of a run is published, if the server says that trying again helps. */
    private static final int END_ATTEMPTS = 5;

    private static final long PAUSE_MILLIS = 200;

    private enum State {
        OPEN,
        SUSPENDED,
        ENDED
    }

    private final AgentSession agent;
    private final SharedConversation shared;
    private final Conversation.Trigger trigger;

    /** For the frame of the run. */
    private final RunContext frame;

    /** For what is said in it, whose parent may be another. */
    private final RunContext context;

    private final boolean resumed;
    private final CancelToken token;
    private final List<Runnable> steerHooks = new CopyOnWriteArrayList<>();

    /** Held while something is written. */
    private final ReentrantLock lock = new ReentrantLock();

    private final List<Output> outputs = new ArrayList<>();
    private @Nullable Step step;
    private int steps;

    /** Whether the open step is one of an output's own, and ends when there is none in it any more. */
    private boolean implicit;

    private volatile State state = State.OPEN;
    private volatile @Nullable RunStatus result;

    /** The steers that were in the last prompt, and are said to be answered by the next output. */
    private List<String> included = List.of();

    private volatile String lastWritten = "";

    /** The serial of the message with which this process has begun, resumed or adopted the run. */
    private volatile String takenAt = "";

    /** The calls of tools as another process has left them. */
    private volatile List<ToolCall> left = List.of();

    /** Whether the end is being written, and until when that may take; guarded by the lock. */
    private boolean ending;

    private long endBy;
    private boolean interruptedAtEnd;

    /** What is waited for under the lock, and whether it is not to be waited for any more, since the run has to end. */
    private volatile @Nullable CompletableFuture<?> awaited;

    private volatile boolean givenUp;

    /** What is said after a cancel, and whether that is being said now. */
    private volatile @Nullable Consumer<Output> lastWords;

    private boolean speaking;

    /** The thread of the handler; guarded by this object, so that no other is interrupted. */
    private @Nullable Thread worker;

    private boolean interruptedByCancel;

    Run(
            AgentSession agent,
            SharedConversation shared,
            Conversation.Trigger trigger,
            RunContext frame,
            RunContext context,
            boolean resumed,
            CancelToken token) {
        this.agent = agent;
        this.shared = shared;
        this.trigger = trigger;
        this.frame = frame;
        this.context = context;
        this.resumed = resumed;
        this.token = token;
    }

    // What it is

    /** The run's id. */
    public String id() {
        return frame.runId();
    }

    /** The input that the agent was invoked for. */
    public Conversation.Trigger trigger() {
        return trigger;
    }

    /** The client that the run belongs to; empty if it is anonymous. */
    public String ownerId() {
        return frame.ownerId();
    }

    /** Whether the run was suspended or left by another process before, so that the prompt has more than an input. */
    public boolean isResumed() {
        return resumed;
    }

    /** Whether the run is to stop. */
    public CancelToken cancelToken() {
        return token;
    }

    /** How the run has ended here; empty while it is open. */
    public Optional<RunStatus> result() {
        return Optional.ofNullable(result);
    }

    /** The run as it stands in the conversation, with all that was written here so far. */
    public Node.Run node() {
        synchronise();
        return shared.read(conversation -> conversation.run(id()).orElseThrow());
    }

    /** The calls of tools in this run, with what has become of them. */
    public List<ToolCall> toolCalls() {
        return node().messages().stream()
                .flatMap(message -> message.toolCalls().stream())
                .toList();
    }

    /** The call of a tool in this run. */
    public Optional<ToolCall> toolCall(String toolCallId) {
        return toolCalls().stream()
                .filter(call -> call.toolCallId().equals(toolCallId))
                .findFirst();
    }

    /** Whether calls of tools in this run wait for an approval, or for a result of a tool that runs elsewhere. */
    public boolean isWaiting() {
        return toolCalls().stream().anyMatch(AgentSession::waits);
    }

    /** The calls of tools in this run that were approved and are to be executed now. */
    public List<ToolCall> approvedCalls() {
        return toolCalls().stream()
                .filter(call -> call.state() == ToolCall.State.APPROVAL_RESPONDED)
                .toList();
    }

    // Rounds

    /**
     * What the model is to answer now: the branch of the conversation that ends in this run, with all that was written here.
     * Messages with which people have steered the run stand last; the next {@link #output} says that it answers them.
     */
    public Prompt prompt() {
        synchronise();
        return shared.read(conversation -> {
            Prompt prompt = Prompt.of(conversation, trigger, id());
            List<String> steers = conversation
                    .run(id())
                    .map(run -> Prompt.unansweredSteers(run).stream()
                            .map(Message::id)
                            .toList())
                    .orElse(List.of());
            include(steers);
            return prompt;
        });
    }

    /** Whether people have steered the run with messages that were in no {@link #prompt} yet. */
    public boolean isSteered() {
        Set<String> known = new HashSet<>(included());
        return shared.read(conversation -> conversation
                .run(id())
                .map(run -> Prompt.unansweredSteers(run).stream().anyMatch(message -> !known.contains(message.id())))
                .orElse(false));
    }

    /**
     * Calls {@code hook} when people steer the run; on the thread of the session's listeners, which it must not block.
     */
    public Registration onSteer(Runnable hook) {
        steerHooks.add(hook);
        return () -> steerHooks.remove(hook);
    }

    void steered() {
        for (Runnable hook : steerHooks) {
            try {
                hook.run();
            } catch (RuntimeException e) {
                LOG.warn("A hook of a steer has failed.", e);
            }
        }
    }

    /** Guarded by itself, since it is read while the conversation is locked. */
    private synchronized List<String> included() {
        return included;
    }

    private synchronized void include(List<String> steers) {
        included = steers;
    }

    /** Waits until the conversation has all that was written here. */
    private void synchronise() {
        lock.lock();
        try {
            outputs.forEach(Output::settle);
        } finally {
            lock.unlock();
        }
        shared.awaitSeen(lastWritten);
    }

    // Steps and outputs

    /**
     * Begins a step. There is one at a time.
     *
     * @param id the step's id; a process that does the step again gives the same
     */
    public Step step(String id) {
        return writing(() -> {
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
            return begin(id);
        });
    }

    private Step begin(String id) {
        RunContext.Step fresh = new RunContext.Step(id, null, clientId());
        String serial = publish(RunMessages.startStep(frame, fresh));
        Step begun = new Step(this, new RunContext.Step(id, serial, fresh.clientId()));
        step = begun;
        return begun;
    }

    private String clientId() {
        return Objects.requireNonNullElse(frame.inputClientId(), "");
    }

    /**
     * Begins a message: one for each answer of the model. Outside of a step, it is a step of its own.
     */
    public Output output() {
        return new Output(this, null);
    }

    Output output(Step in) {
        return new Output(this, in);
    }

    /** More about a message of this run, in a step of its own. */
    Output amend(Step in, String messageId) {
        return Output.amending(this, in, messageId);
    }

    /** Something is to be written in an output for the first time. */
    OutputWriter begin(Output output) {
        Step open = step;
        Step wanted = output.step();
        if (wanted != null && wanted != open) {
            throw new IllegalStateException("The step " + wanted.id() + " has ended.");
        }
        if (open == null) {
            implicit = true;
            open = begin(frame.invocationId() + "-step-" + steps++);
        }
        outputs.add(output);
        return new OutputWriter(context, open.context(), output.messageId(), included());
    }

    /** The call as it was when another process has left the run; null if it did not leave it or there was no such call. */
    @Nullable
    ToolCall left(String toolCallId) {
        return left.stream()
                .filter(call -> call.toolCallId().equals(toolCallId))
                .reduce((earlier, later) -> later)
                .orElse(null);
    }

    /** Begins the step at once that another process has left, so that what it has said in it counts no more. */
    void redo(Node.Run asLeft, @Nullable String stepId) {
        left = asLeft.messages().stream()
                .flatMap(message -> message.toolCalls().stream())
                .toList();
        if (stepId != null) {
            writing(() -> {
                implicit = true;
                return begin(stepId);
            });
        }
    }

    void closing(Output output) {
        lock.lock();
        try {
            if (output.isClosed()) {
                return;
            }
            boolean brokenOff = (token.isCancelled() && !speaking) || state == State.ENDED;
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
        } finally {
            lock.unlock();
        }
    }

    private static Node.StepStatus closed(boolean brokenOff, boolean whole) {
        if (brokenOff) {
            return Node.StepStatus.CANCELLED;
        }
        return whole ? Node.StepStatus.COMPLETE : Node.StepStatus.FAILED;
    }

    void endStep(Step which, Node.StepStatus status) {
        lock.lock();
        try {
            if (step == which && state == State.OPEN) {
                closeOutputs();
                boolean brokenOff = token.isCancelled() && status == Node.StepStatus.COMPLETE;
                end(which, brokenOff ? Node.StepStatus.CANCELLED : status);
            }
        } finally {
            lock.unlock();
        }
    }

    private void end(Step which, Node.StepStatus status) {
        step = null;
        implicit = false;
        publish(RunMessages.endStep(frame, which.context(), status));
    }

    private void closeOutputs() {
        for (Output output : List.copyOf(outputs)) {
            closing(output);
        }
    }

    // The end

    /**
     * Suspends the run: it waits for a result of a tool at a client, an approval, or for what a person says. Any process can go
     * on with it, when an input for it has come. Nothing can be written here any more.
     */
    public void suspend() {
        writing(() -> {
            closeOutputs();
            Step open = step;
            if (open != null) {
                end(open, Node.StepStatus.COMPLETE);
            }
            publish(RunMessages.suspend(frame));
            state = State.SUSPENDED;
            agent.closed(this);
            return RunStatus.SUSPENDED;
        });
        agent.suspended(this);
    }

    /**
     * Ends the run as complete, or as cancelled if that was asked for. Does nothing if it has ended or is suspended.
     *
     * <p>All methods that end a run wait {@link dev.parley.client.ClientOptions#requestTimeout()} for what another thread is
     * writing in it, which then fails, and as long again for the end to be written.
     *
     * @throws IllegalStateException if the server has not answered in that time: nothing more is written here, and the end is
     *     stored as soon as the server is reached, as long as the client is open
     */
    public void complete() {
        end(RunStatus.COMPLETE, null);
    }

    /** Ends the run as failed, or as cancelled if that was asked for. Does nothing if it has ended or is suspended. */
    public void fail(int code, String message) {
        end(RunStatus.ERROR, new Node.RunError(code, message));
    }

    /**
     * Ends the run if nothing else has: as cancelled if that was asked for, and otherwise as failed, since it was left without a
     * word.
     */
    @Override
    public void close() {
        fail(WireForm.STREAM_ERROR, "The agent has left the run without ending it.");
    }

    void failed(Throwable error) {
        if (!token.isCancelled()) {
            LOG.warn("The agent has failed in run {}.", id(), error);
        }
        int code = error instanceof ParleyException known && known.code() > 0 ? known.code() : WireForm.STREAM_ERROR;
        fail(code, String.valueOf(error.getMessage() == null ? error : error.getMessage()));
    }

    /**
     * Lets {@code words} say something more if the run is cancelled: it is given a message of its own, after all that was broken
     * off and before the run ends. It is called at most once, must not wait for anything, and writes to nothing but this message.
     * What it throws is logged. Takes the place of an earlier one.
     */
    public void lastWords(Consumer<Output> words) {
        lastWords = words;
    }

    private void end(RunStatus wanted, Node.@Nullable RunError error) {
        if (state != State.OPEN) {
            return;
        }
        // An interrupt is meant for what the agent was doing; the end of the run is written all the same.
        boolean interrupted = Thread.interrupted();
        lockToEnd();
        try {
            if (state == State.OPEN) {
                ending = true;
                endBy = System.nanoTime() + agent.answerTimeout().toNanos();
                writeEnd(wanted, error);
            }
        } finally {
            interrupted |= interruptedAtEnd;
            lock.unlock();
            agent.closed(this);
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Takes the lock. What is being written under it has as long as a request may take, and is then not waited for any more. */
    private void lockToEnd() {
        if (!isLockedInTime()) {
            givenUp = true;
            CompletableFuture<?> waiting = awaited;
            if (waiting != null) {
                waiting.completeExceptionally(notInTime(null));
            }
            if (!isLockedInTime()) {
                // It does not wait for the server, but for something in this process.
                lost(null);
                throw new IllegalStateException(
                        "The run " + id() + " could not be ended: something else that is being written in "
                                + "it does not come to an end. Another process can adopt it.");
            }
        }
    }

    private boolean isLockedInTime() {
        boolean interrupted = false;
        long until = System.nanoTime() + agent.answerTimeout().toNanos();
        try {
            while (true) {
                try {
                    return lock.tryLock(until - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void writeEnd(RunStatus wanted, Node.@Nullable RunError error) {
        boolean cancelled = token.isCancelled();
        RunStatus status = cancelled ? RunStatus.CANCELLED : wanted;
        Node.RunError why = cancelled ? null : error;
        RuntimeException failure = finishOutputs(status);
        if (failure != null && status == RunStatus.COMPLETE) {
            status = RunStatus.ERROR;
            why = new Node.RunError(WireForm.STREAM_ERROR, "The answer could not be written: " + failure.getMessage());
        }
        endOpenStep(stepStatus(status));
        Consumer<Output> words = lastWords;
        if (cancelled && words != null) {
            say(words);
            endOpenStep(Node.StepStatus.CANCELLED);
        }
        state = State.ENDED;
        result = status;
        publishEnd(RunMessages.end(frame, status, why));
        if (failure != null && !cancelled) {
            throw failure;
        }
    }

    private void say(Consumer<Output> words) {
        speaking = true;
        try (Output output = output()) {
            words.accept(output);
        } catch (RuntimeException e) {
            LOG.warn("The last words of run {} have failed.", id(), e);
        } finally {
            speaking = false;
        }
    }

    /** Whatever becomes of the end of the step, that of the run follows. */
    private void endOpenStep(Node.StepStatus status) {
        Step open = step;
        if (open != null) {
            try {
                end(open, status);
            } catch (ParleyException | IllegalStateException e) {
                LOG.warn("The end of a step of run {} could not be written.", id(), e);
            }
        }
    }

    private void publishEnd(OutboundMessage end) {
        // With an id of its own: however often it is published, and by whom, the session has it once.
        NewMessage message = SessionMessages.write(end).withId(endId(id()));
        for (int attempt = 1; ; attempt++) {
            try {
                wrote(await(session().publishAsync(message)).get(0));
                return;
            } catch (ParleyException e) {
                if (!e.retryHelps() || attempt == END_ATTEMPTS) {
                    throw e;
                }
                pause();
            }
        }
    }

    /** The id of the message that ends a run, whoever ends it. */
    static String endId(String runId) {
        return runId + "-end";
    }

    private @Nullable RuntimeException finishOutputs(RunStatus status) {
        RuntimeException failure = null;
        for (Output output : List.copyOf(outputs)) {
            try {
                if (status == RunStatus.COMPLETE) {
                    output.finish("stop");
                } else {
                    output.breakOff();
                }
            } catch (ParleyException | IllegalStateException e) {
                LOG.warn("What was said in run {} is not whole.", id(), e);
                failure = e;
            }
        }
        outputs.clear();
        return failure;
    }

    private static Node.StepStatus stepStatus(RunStatus status) {
        return switch (status) {
            case COMPLETE -> Node.StepStatus.COMPLETE;
            case CANCELLED -> Node.StepStatus.CANCELLED;
            case ACTIVE, SUSPENDED, ERROR -> Node.StepStatus.FAILED;
        };
    }

    /**
     * The run is no longer this agent's: nothing more is written here.
     *
     * @param status how somebody else has ended it; null if it goes on elsewhere
     */
    void lost(@Nullable RunStatus status) {
        if (state != State.OPEN) {
            return;
        }
        state = State.ENDED;
        result = status;
        token.cancel();
        agent.closed(this);
    }

    /** Whether something can be written here. May be called without the lock. */
    boolean isOpen() {
        return state == State.OPEN;
    }

    // With whoever does the work

    synchronized void startedBy(Thread thread) {
        worker = thread;
    }

    /** The handler has returned; its thread is not interrupted any more for this run. */
    synchronized void finished() {
        worker = null;
        if (interruptedByCancel) {
            var unused = Thread.interrupted();
        }
    }

    private synchronized void interrupt() {
        Thread working = worker;
        if (working != null) {
            interruptedByCancel = true;
            working.interrupt();
        }
    }

    /** The agent has had its time since the cancel. */
    void endNow() {
        interrupt();
        fail(WireForm.STREAM_ERROR, "The run was cancelled.");
    }

    boolean isSuspended() {
        return state == State.SUSPENDED;
    }

    /** Waits until everything is known that stands in the session before what was written here last. */
    void awaitDelivery() {
        shared.awaitSeen(lastWritten);
    }

    @Nullable
    String inputId() {
        return frame.inputMessageId();
    }

    // Writing

    Session session() {
        return shared.session();
    }

    /** Writes something, one thing at a time. */
    <T> T writing(Supplier<T> write) {
        lock.lock();
        try {
            if (speaking) {
                return write.get();
            }
            if (state == State.OPEN || token.isCancelled()) {
                token.throwIfCancelled();
            } else {
                throw new IllegalStateException("The run " + id() + " has ended here, or is suspended.");
            }
            return write.get();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Begins, resumes or adopts the run, unless another process was faster.
     *
     * @param id of the message: whoever does the same publishes under the same id, and the session has the first
     */
    void take(OutboundMessage message, String id) {
        lock.lock();
        try {
            NewMessage published = SessionMessages.write(message).withId(id);
            String serial = await(session().publishAsync(published)).get(0);
            takenAt = serial;
            wrote(serial);
        } finally {
            lock.unlock();
        }
        awaitDelivery();
        SharedConversation.Frames frames = shared.frames(id());
        String taken = frames == null ? null : frames.last().headers().get(WireForm.INVOCATION_ID);
        RunStatus status =
                shared.read(known -> known.run(id())).map(Node.Run::status).orElse(RunStatus.ACTIVE);
        if (!Objects.equals(taken, frame.invocationId()) || status != RunStatus.ACTIVE) {
            throw new RunExistsException(id(), status);
        }
    }

    /** Whether the message says that another process has taken over the run. */
    boolean isTakenBy(SessionMessage message) {
        return !takenAt.isEmpty()
                && message.serial().compareTo(takenAt) > 0
                && !Objects.equals(message.headers().get(WireForm.INVOCATION_ID), frame.invocationId());
    }

    /** Publishes a message, and gives its serial. */
    String publish(OutboundMessage message) {
        String serial = await(shared.session().publishAsync(SessionMessages.write(message)))
                .get(0);
        wrote(serial);
        return serial;
    }

    synchronized void wrote(String version) {
        lastWritten = version.compareTo(lastWritten) > 0 ? version : lastWritten;
    }

    /**
     * Waits for what the server says, under the lock: for as long as that takes, but no longer if another thread has to end the
     * run; and at the end only as long as a request may take, and then also in a thread that is interrupted.
     */
    <T> T await(CompletableFuture<T> future) {
        while (true) {
            try {
                return ending
                        ? future.get(endBy - System.nanoTime(), TimeUnit.NANOSECONDS)
                        : untilGivenUp(future).get();
            } catch (InterruptedException e) {
                if (!ending) {
                    throw SharedConversation.interrupted(e);
                }
                interruptedAtEnd = true;
            } catch (TimeoutException e) {
                throw notInTime(e);
            } catch (ExecutionException e) {
                if (e.getCause() instanceof RuntimeException known) {
                    throw known;
                }
                throw new IllegalStateException(e.getCause());
            } finally {
                awaited = null;
            }
        }
    }

    private <T> CompletableFuture<T> untilGivenUp(CompletableFuture<T> future) {
        if (future.isDone()) {
            return future;
        }
        CompletableFuture<T> waiting = future.copy();
        awaited = waiting;
        if (givenUp) {
            // Both look after they have said that they are there.
            waiting.completeExceptionally(notInTime(null));
        }
        return waiting;
    }

    private static IllegalStateException notInTime(@Nullable Throwable cause) {
        return new IllegalStateException(
                "The server has not answered in time. What was written is stored as soon as it is reached.", cause);
    }

    /** A pause before another attempt; under the lock. */
    void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            if (!ending) {
                throw SharedConversation.interrupted(e);
            }
            interruptedAtEnd = true;
        }
    }
}
