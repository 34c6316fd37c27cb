package dev.parley.client.agent;

import dev.parley.client.ParleyException;
import dev.parley.client.Registration;
import dev.parley.client.Session;
import dev.parley.conversation.Conversation;
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
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;
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

    /** The code of a run that has failed by what the agent has done. */
    static final int FAILED = WireForm.STREAM_ERROR;

    private enum State {
        OPEN,
        SUSPENDED,
        ENDED
    }

    private final AgentSession agent;
    private final SharedConversation shared;
    private final Conversation.Trigger trigger;
    private final RunContext frame;
    private final boolean resumed;
    private final CancelToken token;
    private final CancelToken takeover;
    private final Steering steering = new Steering();
    private final HandlerThread handler = new HandlerThread();
    private final RunLog log;
    private final RunSteps steps;
    private final RunEnd end;

    private volatile State state = State.OPEN;
    private volatile @Nullable RunStatus result;

    /** The serial of the message with which this process has begun, resumed or adopted the run. */
    private volatile String takenAt = "";

    /** The calls of tools as another process has left them. */
    private volatile List<ToolCall> left = List.of();

    /**
     * A run that is to be {@linkplain #take taken}.
     *
     * @param frame for the frame of the run
     * @param context for what is said in it, whose parent may be another
     */
    Run(
            AgentSession agent,
            SharedConversation shared,
            Conversation.Trigger trigger,
            RunContext frame,
            RunContext context,
            boolean resumed,
            CancelToken token,
            CancelToken takeover) {
        this.agent = agent;
        this.shared = shared;
        this.trigger = trigger;
        this.frame = frame;
        this.resumed = resumed;
        this.token = token;
        this.takeover = takeover;
        this.log = new RunLog(shared, agent.answerTimeout(), this::refused);
        this.steps = new RunSteps(this, log, frame, context);
        this.end = new RunEnd(this, log, steps, frame);
    }

    // What it is

    /** {@return the run's id} */
    public String id() {
        return frame.runId();
    }

    /** {@return the input that the agent was invoked for} */
    public Conversation.Trigger trigger() {
        return trigger;
    }

    /** {@return the client that the run belongs to; empty if it is anonymous} */
    public String ownerId() {
        return frame.ownerId();
    }

    /**
     * {@return whether the run was suspended or left by another process before, so that the prompt has more than an input}
     */
    public boolean isResumed() {
        return resumed;
    }

    /** {@return whether the run is to stop} */
    public CancelToken cancelToken() {
        return token;
    }

    /**
     * {@return whether a person has taken over the session} The run stops then as after a cancel, which {@link #cancelToken}
     * tells as well. But it does not end: it is suspended, and goes on when the control is given back.
     */
    public CancelToken takeover() {
        return takeover;
    }

    /** A person has taken over. */
    void takenOver() {
        if (state == State.OPEN) {
            takeover.cancel();
            token.cancel();
        }
    }

    private void refused(Throwable error) {
        Throwable cause = error instanceof CompletionException && error.getCause() != null ? error.getCause() : error;
        if (isTakenOver(cause)) {
            takenOver();
        }
    }

    /** Whether something was refused because a person has taken over. */
    static boolean isTakenOver(Throwable error) {
        return error instanceof ParleyException known && known.code() == WireForm.TAKEN_OVER_ERROR;
    }

    /** The run goes on after a takeover: its prompt also has what was said since this message. */
    void goesOnAfter(String serial) {
        steering.hear(serial);
    }

    /** {@return how the run has ended here; empty while it is open} */
    public Optional<RunStatus> result() {
        return Optional.ofNullable(result);
    }

    /** {@return the run as it stands in the conversation, with all that was written here so far} */
    public Node.Run node() {
        synchronise();
        return shared.read(conversation -> conversation.run(id()).orElseThrow());
    }

    /**
     * {@return what {@code question} finds in the whole conversation, which has all that was written here so far} A prompt may be
     * made of it that has more than {@link #prompt}, such as all that was said in a {@linkplain Conversation#room room}.
     *
     * @param question must not block, and must not keep the conversation
     * @param <T> what is found
     */
    public <T> T read(Function<Conversation, T> question) {
        synchronise();
        return shared.read(question);
    }

    /** {@return the calls of tools in this run, with what has become of them} */
    public List<ToolCall> toolCalls() {
        return node().messages().stream()
                .flatMap(message -> message.toolCalls().stream())
                .toList();
    }

    /**
     * {@return the call of a tool in this run}
     *
     * @param toolCallId the id of the call
     */
    public Optional<ToolCall> toolCall(String toolCallId) {
        return toolCalls().stream()
                .filter(call -> call.toolCallId().equals(toolCallId))
                .findFirst();
    }

    /** {@return whether calls of tools in this run wait for an approval, or for a result of a tool that runs elsewhere} */
    public boolean isWaiting() {
        return toolCalls().stream().anyMatch(Run::isWaiting);
    }

    static boolean isWaiting(ToolCall call) {
        return switch (call.state()) {
            case INPUT_AVAILABLE, APPROVAL_REQUESTED -> !Boolean.TRUE.equals(call.providerExecuted());
            case INPUT_STREAMING, APPROVAL_RESPONDED, OUTPUT_AVAILABLE, OUTPUT_ERROR, OUTPUT_DENIED -> false;
        };
    }

    /** Whether it was said about a call that it has had no effect, however often it was begun so far. */
    boolean isNotDone(ToolKey key, int attempts) {
        return shared.read(conversation -> UnknownOutcomes.isNotDone(conversation, key, attempts));
    }

    /** {@return the calls of tools in this run that were approved and are to be executed now} */
    public List<ToolCall> approvedCalls() {
        return toolCalls().stream()
                .filter(call -> call.state() == ToolCall.State.APPROVAL_RESPONDED)
                .toList();
    }

    // Rounds

    /**
     * {@return what the model is to answer now: the branch of the conversation that ends in this run, with all that was
     * written here} Messages with which people have steered the run stand last; the next {@link #output} says that it
     * answers them.
     */
    public Prompt prompt() {
        synchronise();
        return shared.read(
                conversation -> steering.prompt(conversation, trigger, id(), input -> shared.runOf(input) == null));
    }

    /** {@return whether people have steered the run with messages that were in no {@link #prompt} yet} */
    public boolean isSteered() {
        return shared.read(
                conversation -> conversation.run(id()).map(steering::isNew).orElse(false));
    }

    /**
     * Calls {@code hook} when people steer the run; on the thread of the session's listeners, which it must not block.
     *
     * @param hook is called each time
     * @return what removes the hook
     */
    public Registration onSteer(Runnable hook) {
        return steering.onSteer(hook);
    }

    void steered() {
        steering.steered();
    }

    /** Waits until the conversation has all that was written here. */
    private void synchronise() {
        log.doAlone(steps::settle);
        log.awaitDelivery();
    }

    // Steps and outputs

    /**
     * Begins a step. There is one at a time.
     *
     * @param id the step's id; a process that does the step again gives the same
     * @return the step
     */
    public Step step(String id) {
        return writing(() -> steps.begin(id));
    }

    /**
     * Begins a message: one for each answer of the model. Outside of a step, it is a step of its own.
     *
     * @return the message, of which nothing is written yet
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

    /** Something is to be written in an output for the first time; under the lock of the log. */
    OutputWriter begin(Output output) {
        return steps.begin(output, steering.included());
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
            writing(() -> steps.beginImplicit(stepId));
        }
    }

    void closing(Output output) {
        log.doAlone(() -> steps.close(output));
    }

    /** Whether messages do not come to their end any more; under the lock of the log. */
    boolean isBrokenOff() {
        return (token.isCancelled() && !end.isSpeaking()) || state == State.ENDED;
    }

    void endStep(Step which, Node.StepStatus status) {
        log.doAlone(() -> {
            if (state == State.OPEN) {
                boolean brokenOff = token.isCancelled() && status == Node.StepStatus.COMPLETE;
                steps.endIfOpen(which, brokenOff ? Node.StepStatus.CANCELLED : status);
            }
        });
    }

    // The end

    /**
     * Suspends the run: it waits for a result of a tool at a client, an approval, or for what a person says. Any process can go
     * on with it, when an input for it has come. Nothing can be written here any more.
     */
    public void suspend() {
        writing(() -> {
            steps.complete();
            log.publish(RunMessages.suspend(frame));
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
     * writing in it, which then fails, and as long again for the end to be written: twice that time at most, all in all. Last
     * words take as long as they take.
     *
     * @throws IllegalStateException if the server has not answered in that time: nothing more is written here, and the end is
     *     stored as soon as the server is reached, as long as the client is open; or if another thread does not stop writing for a
     *     reason of its own: then another process can adopt the run
     */
    public void complete() {
        end(RunStatus.COMPLETE, null);
    }

    /**
     * Ends the run as failed, or as cancelled if that was asked for. Does nothing if it has ended or is suspended.
     *
     * @param code the code of the error
     * @param message what went wrong, for people
     */
    public void fail(int code, String message) {
        end(RunStatus.ERROR, new Node.RunError(code, message));
    }

    /**
     * Ends the run if nothing else has: as cancelled if that was asked for, and otherwise as failed, since it was left without a
     * word.
     */
    @Override
    public void close() {
        closeWith(System.nanoTime());
    }

    /** Closes it with others, within the time that one may take since the first was asked to end. */
    void closeWith(long since) {
        end(RunStatus.ERROR, new Node.RunError(FAILED, "The agent has left the run without ending it."), since);
    }

    private void failed(Throwable error) {
        if (!token.isCancelled()) {
            LOG.warn("The agent has failed in run {}.", id(), error);
        }
        int code = error instanceof ParleyException known && known.code() > 0 ? known.code() : FAILED;
        fail(code, String.valueOf(error.getMessage() == null ? error : error.getMessage()));
    }

    /**
     * Lets {@code words} say something more if the run is cancelled: it is given a message of its own, after all that
     * was broken off and before the run ends. It is called at most once, must not wait for anything, and writes to
     * nothing but this message. What it throws is logged. Takes the place of an earlier one.
     *
     * @param words says it
     */
    public void lastWords(Consumer<Output> words) {
        end.lastWords(words);
    }

    private void end(RunStatus wanted, Node.@Nullable RunError error) {
        end(wanted, error, System.nanoTime());
    }

    private void end(RunStatus wanted, Node.@Nullable RunError error, long since) {
        if (state != State.OPEN) {
            return;
        }
        try {
            boolean isDone = log.end(
                    () -> {
                        if (state == State.OPEN) {
                            end.write(wanted, error);
                        }
                    },
                    since);
            if (!isDone) {
                lost(null);
                throw new IllegalStateException(
                        "The run " + id() + " could not be ended: something else that is being written in "
                                + "it does not come to an end. Another process can adopt it.");
            }
        } finally {
            agent.closed(this);
        }
        if (state == State.SUSPENDED) {
            agent.suspended(this);
        }
    }

    /** Nothing more is written here but that the run waits; under the lock of the log. */
    void suspendedByTakeover() {
        state = State.SUSPENDED;
    }

    /** Nothing more is written here but the end itself; under the lock of the log. */
    void ended(RunStatus status) {
        state = State.ENDED;
        result = status;
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

    /** Lets a handler do the work, and ends the run. */
    void handle(RunHandler work) {
        handler.started(Thread.currentThread());
        try {
            if (!token.isCancelled()) {
                work.handle(this);
            }
            complete();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            failed(e);
        } catch (Exception e) {
            failed(e);
        } catch (Error e) {
            failed(e);
            throw e;
        } finally {
            handler.finished();
            close();
        }
    }

    /** The agent has had its time since the cancel. */
    void endNow() {
        handler.interrupt();
        fail(FAILED, "The run was cancelled.");
    }

    boolean isSuspended() {
        return state == State.SUSPENDED;
    }

    /** Waits until everything is known that stands in the session before what was written here last. */
    void awaitDelivery() {
        log.awaitDelivery();
    }

    @Nullable
    String inputId() {
        return frame.inputMessageId();
    }

    // Writing

    Session session() {
        return shared.session();
    }

    RunLog log() {
        return log;
    }

    /** Writes something, one thing at a time. */
    <T> T writing(Supplier<T> write) {
        return log.alone(() -> {
            if (!end.isSpeaking()) {
                requireWritable();
            }
            return write.get();
        });
    }

    private void requireWritable() {
        if (state != State.OPEN && !token.isCancelled()) {
            throw new IllegalStateException("The run " + id() + " has ended here, or is suspended.");
        }
        token.throwIfCancelled();
    }

    /**
     * Begins, resumes or adopts the run, unless another process was faster.
     *
     * @param id of the message: whoever does the same publishes under the same id, and the session has the first
     */
    void take(OutboundMessage message, String id) {
        log.doAlone(() -> takenAt = log.publish(SessionMessages.write(message).withId(id)));
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
}
