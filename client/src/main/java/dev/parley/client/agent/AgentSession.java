package dev.parley.client.agent;

import dev.parley.client.ClientOptions;
import dev.parley.client.Data;
import dev.parley.client.Gap;
import dev.parley.client.ParleyClient;
import dev.parley.client.ParleyException;
import dev.parley.client.Registration;
import dev.parley.client.Session;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Headers;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunContext;
import dev.parley.conversation.RunMessages;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.ToolCall;
import dev.parley.conversation.WireForm;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * An agent in a session. It either stays and {@linkplain #serve serves} what people say, or is handed an {@link Invocation} and
 * {@linkplain #run(Invocation) runs} it, perhaps in a process of its own. Any number of runs, and of agents, can be at work in
 * one session at a time; agents should have client ids of their own.
 *
 * <p>Methods block until the server has answered. Agents are safe for use by several threads.
 */
public final class AgentSession implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AgentSession.class);

    /** Inputs that are remembered so that none is answered twice. */
    private static final int SERVED = 10_000;

    /** Pages of the history, of 100 messages each, in which an agent that begins looks for runs that were left. */
    private static final int START_PAGES = 5;

    private static final int BUSY = 42_910;

    private record Service(Predicate<Conversation.Trigger> filter, RunHandler handler) {}

    private final AgentOptions options;
    private final Executor hooks;
    private final Executor runs;
    private final Session session;
    private final SharedConversation shared;
    private final @Nullable String clientId;
    private final Audience audience;
    private final Duration answerTimeout;
    private final Map<String, Run> open = new ConcurrentHashMap<>();
    private final List<Service> services = new CopyOnWriteArrayList<>();
    private final AtomicBoolean hasCaughtUp = new AtomicBoolean();

    /** No run begins here any more. */
    private volatile boolean left;

    /** Whether this agent is a member of the presence set. */
    private volatile boolean isPresent;

    /** The events that were delivered; used on the thread of the session's listeners only. */
    private final Map<String, Boolean> served = new Newest();

    private static final class Newest extends LinkedHashMap<String, Boolean> {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > SERVED;
        }
    }

    private AgentSession(ParleyClient client, String name, AgentOptions options) {
        this.options = options;
        this.hooks = client.options().listenerExecutor();
        this.answerTimeout = client.options().requestTimeout();
        Executor given = options.executor();
        this.runs = given == null ? AgentThreads.runs() : given;
        this.session = client.session(name);
        this.shared = new SharedConversation(session, options.conversationLimit(), () -> Set.copyOf(open.keySet()));
        client.connection().connect();
        this.clientId = clientId(client);
        this.audience = new Audience(session, clientId);
        shared.onDelivery(this::delivered);
    }

    static @Nullable String clientId(ParleyClient client) {
        String configured = client.options().clientId();
        String known = configured == null ? client.connection().clientId() : configured;
        return "*".equals(known) ? null : known;
    }

    /** Attaches the session of this name for an agent. */
    public static AgentSession open(ParleyClient client, String sessionName) {
        return open(client, sessionName, AgentOptions.DEFAULT);
    }

    /** Attaches the session of this name for an agent. */
    public static AgentSession open(ParleyClient client, String sessionName, AgentOptions options) {
        AgentSession agent = new AgentSession(client, sessionName, options);
        try {
            agent.shared.attach();
            if (options.endOnShutdown()) {
                AgentThreads.endOnShutdown(agent);
            }
        } catch (RuntimeException e) {
            agent.shared.close();
            throw e;
        }
        return agent;
    }

    /** The session as it is without agents. */
    public Session session() {
        return session;
    }

    /** Who watches. */
    public Audience audience() {
        return audience;
    }

    /**
     * Shows people what the agent does, such as {@code thinking}, {@code streaming} or {@code idle}: it is then a member of the
     * session's presence set, whose data is an object with a field {@code status}.
     */
    public void status(String status) {
        ObjectNode data = JsonMapper.shared().createObjectNode();
        data.put(Audience.STATUS, status).put(Audience.AGENT, true);
        isPresent = true;
        session.presence().update(Data.of(data));
    }

    /** The runs that are open here. */
    public List<Run> runs() {
        return List.copyOf(open.values());
    }

    /** Asks the conversation something, without anything changing meanwhile. What is returned must not be bound to it. */
    public <T> T read(Function<Conversation, T> question) {
        return shared.read(question);
    }

    // Being invoked

    /**
     * Begins the run that an input asks for, or resumes the one that it goes on with. Waits for the input if it has not come
     * yet.
     *
     * <p>An input has one run of each agent, that is of each client id: an invocation that comes again, here or in another
     * process, begins no other.
     *
     * @throws IllegalArgumentException if the invocation is for another session
     * @throws InputNotFoundException if the input does not come in time
     * @throws RunExistsException if the run is there already, and does not wait for this input
     * @throws IllegalStateException if the input is for a run that is not known
     */
    public Run run(Invocation invocation) {
        if (!invocation.sessionName().equals(session.name())) {
            throw new IllegalArgumentException(
                    "The invocation is for the session " + invocation.sessionName() + ", not " + session.name() + ".");
        }
        String eventId = invocation.inputEventId();
        Conversation.Trigger found =
                shared.find(conversation -> conversation.trigger(eventId).orElse(null));
        if (found == null) {
            found = shared.await(conversation -> conversation.trigger(eventId).orElse(null), options.inputTimeout());
        }
        if (found == null) {
            throw new InputNotFoundException(eventId, session.name());
        }
        return begin(found);
    }

    /**
     * Runs an invocation to its end, or until it is suspended, on this thread.
     *
     * @throws RunExistsException as {@link #run(Invocation)}
     */
    public Run run(Invocation invocation, RunHandler handler) {
        Run run = run(invocation);
        handle(run, handler);
        return run;
    }

    /**
     * Takes over a run that another process has left, as after a crash. The step in which it was is done again, and what was
     * said in it so far is replaced. If the other process is there after all, it stops: the run's cancel token tells it, and it
     * writes nothing more.
     *
     * @throws RunExistsException if the run is open here, or another process was faster
     * @throws IllegalStateException if the run is not known, or is not active
     */
    public Run adopt(String runId) {
        SharedConversation.Frames frames = findFrames(runId);
        Node.Run node = shared.read(conversation -> conversation.run(runId)).orElse(null);
        if (frames == null || node == null || node.status() != RunStatus.ACTIVE) {
            throw new IllegalStateException("The run " + runId + " cannot be adopted: it is "
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
        Run run = opened(trigger, frame, frame, true);
        String unfinished = node.steps().stream()
                .filter(step -> step.status() == Node.StepStatus.ACTIVE)
                .map(Node.Step::id)
                .findFirst()
                .orElse(null);
        String id = runId + "-adopt-" + last.serial();
        return begun(run, () -> {
            run.take(RunMessages.resume(frame), id);
            run.redo(node, unfinished);
        });
    }

    /**
     * Takes over a run that another process has left, and runs it to its end, or until it is suspended, on this thread; see
     * {@link #adopt(String)}.
     */
    public Run adopt(String runId, RunHandler handler) {
        Run run = adopt(runId);
        handle(run, handler);
        return run;
    }

    /**
     * The runs of this agent that are active but not open here: a process that has died may have left them. Looks at the last 500
     * messages of the session, and at what was read before.
     */
    public List<String> abandonedRuns() {
        return runsLeft(RunStatus.ACTIVE);
    }

    private List<String> runsLeft(RunStatus status) {
        shared.loadNewest(START_PAGES);
        return shared.read(conversation -> conversation.nodes().stream()
                .filter(Node.Run.class::isInstance)
                .map(Node.Run.class::cast)
                .filter(run -> run.status() == status && isOwn(run) && find(run.key()) == null)
                .map(Node.Run::key)
                .toList());
    }

    private boolean isOwn(Node.Run run) {
        return Objects.equals(run.agentId(), clientId);
    }

    private @Nullable Run find(String runId) {
        return open.get(runId);
    }

    private Run begin(Conversation.Trigger trigger) {
        String runId = trigger.runId();
        return runId == null ? start(trigger) : resume(trigger, runId);
    }

    private Run start(Conversation.Trigger trigger) {
        String runId = Ids.run(session.name(), trigger.eventId(), clientId);
        Node.Run known = shared.read(conversation -> conversation.run(runId)).orElse(null);
        if (known != null) {
            throw new RunExistsException(runId, known.status());
        }
        boolean isMessage = trigger.kind().equals(WireForm.USER_MESSAGE);
        String parent = isMessage ? trigger.messageId() : trigger.parent();
        RunContext frame = context(trigger, runId, Ids.next(), parent);
        boolean isFork = !isMessage && !trigger.kind().equals(WireForm.REGENERATE);
        RunContext context = isFork ? context(trigger, runId, frame.invocationId(), trigger.messageId()) : frame;
        shared.loadBranch(parent);
        Run run = opened(trigger, frame, context, false);
        return begun(run, () -> run.take(RunMessages.start(frame), runId + "-start"));
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
        SharedConversation.Frames frames = findFrames(runId);
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

    /** Writes how a run begins; if that fails, or another process has it, the run is not open here. */
    private Run begun(Run run, Runnable write) {
        try {
            write.run();
        } catch (RuntimeException e) {
            run.lost(null);
            throw e;
        }
        noteCancel(run);
        return run;
    }

    private Run opened(Conversation.Trigger trigger, RunContext frame, RunContext context, boolean resumed) {
        CancelToken token = new CancelToken(hooks);
        Run run = new Run(this, shared, trigger, frame, context, resumed, token);
        if (open.putIfAbsent(run.id(), run) != null) {
            throw new RunExistsException(run.id(), RunStatus.ACTIVE);
        }
        if (left) {
            closed(run);
            throw new IllegalStateException("The agent has left the session " + session.name() + ".");
        }
        token.onCancel(() -> endSoon(run));
        return run;
    }

    /** A run that was cancelled ends, also if its agent does not do it, and its thread is free again. */
    private void endSoon(Run run) {
        Executor later = CompletableFuture.delayedExecutor(
                options.cancelGrace().toMillis(), TimeUnit.MILLISECONDS, AgentThreads.ends());
        later.execute(() -> {
            try {
                run.endNow();
            } catch (RuntimeException e) {
                LOG.error("The run {} was cancelled, but its end could not be written.", run.id(), e);
            }
        });
    }

    /** How long the server may take for the end of a run. */
    Duration answerTimeout() {
        return answerTimeout;
    }

    /** A cancel may stand in the log before the suspension, when the run was still open here. */
    void suspended(Run run) {
        run.awaitDelivery();
        endIfCancelled(run.id());
    }

    void closed(Run run) {
        open.remove(run.id(), run);
    }

    // Staying

    /** Serves what people say from now on, with a run for each input; see {@link #serve(Predicate, RunHandler)}. */
    public Registration serve(RunHandler handler) {
        return serve(trigger -> true, handler);
    }

    /**
     * Serves what people say from now on: calls {@code handler} with a new run for each input that asks for one, and with a run
     * of this agent that was suspended when all that it waits for has come. Runs are handled side by side.
     *
     * <p>An agent that begins to serve also resumes what was answered before, while no process of it was there, and adopts what
     * one has left if {@link AgentOptions#adoptAbandoned} says so. It looks at the last 500 messages of the session.
     *
     * @param filter which inputs this agent answers, where there are several agents; called on the thread of the session's
     *     listeners, which it must not block
     */
    public Registration serve(Predicate<Conversation.Trigger> filter, RunHandler handler) {
        Service service = new Service(filter, handler);
        services.add(service);
        if (hasCaughtUp.compareAndSet(false, true)) {
            execute("what was left", this::catchUp);
        }
        return () -> services.remove(service);
    }

    private void catchUp() {
        for (String runId : runsLeft(RunStatus.SUSPENDED)) {
            endIfCancelled(runId);
            Conversation.Trigger last = shared.lastInput(runId);
            if (last != null) {
                execute(last, () -> goOn(last, runId));
            }
        }
        if (options.adoptAbandoned()) {
            for (String runId : abandonedRuns()) {
                execute("the run " + runId, () -> {
                    Run run = adopt(runId);
                    serviceFor(run.trigger()).ifPresentOrElse(service -> handle(run, service.handler()), run::close);
                });
            }
        }
    }

    private Optional<Service> serviceFor(Conversation.Trigger trigger) {
        List<Service> known = List.copyOf(services);
        return known.stream()
                .filter(service -> service.filter().test(trigger))
                .findFirst()
                .or(() -> known.stream().findFirst());
    }

    private void delivered(SharedConversation.Delivery delivery) {
        audience.delivered(delivery.event());
        SessionMessage message = delivery.message();
        if (message == null) {
            if (delivery.event() instanceof Gap) {
                runs().forEach(this::lookAgain);
            }
            return;
        }
        String name = message.name();
        String runId = message.headers().get(WireForm.RUN_ID);
        Run run = runId == null ? null : find(runId);
        if (WireForm.CANCEL.equals(name)) {
            runs().forEach(this::noteCancel);
            cancelSuspended(message);
        } else if (WireForm.RUN_END.equals(name) && run != null) {
            noteEnd(run);
        } else if (WireForm.RUN_RESUME.equals(name) && run != null) {
            noteTakeover(run);
        } else if (WireForm.INPUT.equals(name) && message.action() == SessionMessage.Action.CREATE) {
            input(message);
        }
    }

    private void noteCancel(Run run) {
        if (isCancelRequested(run.id(), run.inputId(), run.ownerId())) {
            run.cancelToken().cancel();
        }
    }

    private boolean isCancelRequested(String runId, @Nullable String inputId, String ownerId) {
        // Who cancels may know a run only by the input that began it, also when another has resumed it since.
        SharedConversation.Frames frames = shared.frames(runId);
        SessionMessage start = frames == null ? null : frames.start();
        String first = start == null ? null : start.headers().get(WireForm.INPUT_MESSAGE_ID);
        List<Conversation.Cancel> cancels = new ArrayList<>();
        shared.read(conversation -> cancels.addAll(conversation.cancels(runId, inputId)));
        shared.read(conversation -> cancels.addAll(conversation.cancels(runId, first)));
        return cancels.stream().anyMatch(cancel -> mayCancel(runId, ownerId, cancel.clientId()));
    }

    private boolean mayCancel(String runId, String ownerId, @Nullable String who) {
        try {
            return options.mayCancel().test(new CancelRequest(runId, ownerId, who));
        } catch (RuntimeException e) {
            LOG.warn("It could not be said whether the run {} may be cancelled.", runId, e);
            return false;
        }
    }

    /** A run of this agent that waits for somebody is open nowhere; so whoever serves the session ends it. */
    private void cancelSuspended(SessionMessage cancel) {
        String input = cancel.headers().get(WireForm.INPUT_MESSAGE_ID);
        String named = cancel.headers().get(WireForm.RUN_ID);
        String runId = named == null && input != null ? shared.runOf(input) : named;
        if (runId != null && find(runId) == null && !services.isEmpty()) {
            execute("a cancel of the run " + runId, () -> endIfCancelled(runId));
        }
    }

    /** Ends a run of this agent that is suspended, if somebody has cancelled it who may. */
    private void endIfCancelled(String runId) {
        Node.Run run = ownRun(runId);
        SharedConversation.Frames frames = shared.frames(runId);
        if (run == null
                || frames == null
                || run.status() != RunStatus.SUSPENDED
                || find(runId) != null
                || !isCancelRequested(runId, frames.last().headers().get(WireForm.INPUT_MESSAGE_ID), run.ownerId())) {
            return;
        }
        Headers last = frames.last().headers();
        RunContext frame = new RunContext(
                runId,
                run.ownerId(),
                last.get(WireForm.INVOCATION_ID),
                last.get(WireForm.INPUT_CLIENT_ID),
                last.get(WireForm.INPUT_MESSAGE_ID),
                null,
                null,
                null);
        session.publish(SessionMessages.write(RunMessages.end(frame, RunStatus.CANCELLED, null))
                .withId(Run.endId(runId)));
    }

    private void noteTakeover(Run run) {
        SharedConversation.Frames frames = shared.frames(run.id());
        if (frames != null && run.isTakenBy(frames.last())) {
            LOG.warn("The run {} was taken over by another process.", run.id());
            run.lost(null);
        }
    }

    private void noteEnd(Run run) {
        shared.read(conversation -> conversation.run(run.id()))
                .map(Node.Run::status)
                .filter(RunStatus::isTerminal)
                .ifPresent(run::lost);
    }

    /** Whatever may have been missed about a run. */
    private void lookAgain(Run run) {
        noteCancel(run);
        noteTakeover(run);
        noteEnd(run);
    }

    private void input(SessionMessage message) {
        String eventId = message.headers().get(WireForm.EVENT_ID);
        if (eventId == null || served.put(eventId, Boolean.TRUE) != null) {
            return;
        }
        Conversation.Trigger trigger =
                shared.read(conversation -> conversation.trigger(eventId)).orElse(null);
        String runId = trigger == null ? null : trigger.runId();
        if (trigger == null) {
            return;
        }
        if (runId == null) {
            serve(trigger);
            return;
        }
        Run running = find(runId);
        if (running != null && running.isOpen()) {
            // If the run is suspended after this, it is looked at again.
            running.steered();
        } else if (!services.isEmpty()) {
            execute(trigger, () -> goOn(trigger, runId));
        }
    }

    private void serve(Conversation.Trigger trigger) {
        for (Service service : services) {
            if (service.filter().test(trigger)) {
                execute(trigger, () -> handle(trigger, service));
                return;
            }
        }
    }

    /** Resumes a run of this agent, if it waits for nothing more. */
    private void goOn(Conversation.Trigger trigger, String runId) {
        if (isReady(runId, trigger)) {
            serviceFor(trigger).ifPresent(service -> handle(trigger, service));
        }
    }

    private void handle(Conversation.Trigger trigger, Service service) {
        Run run = begin(trigger);
        handle(run, service.handler());
        if (!run.isSuspended()) {
            return;
        }
        // An answer may be there before the run is suspended that waits for it.
        run.awaitDelivery();
        Conversation.Trigger late = shared.lastInput(run.id());
        if (late != null && late.serial().compareTo(trigger.serial()) > 0) {
            execute(late, () -> goOn(late, run.id()));
        }
    }

    /** Whether a run of this agent is suspended, waits for nothing more, and has not yet taken account of an input. */
    private boolean isReady(String runId, Conversation.Trigger input) {
        Node.Run run = ownRun(runId);
        String messageId = input.messageId();
        return run != null
                && run.status() == RunStatus.SUSPENDED
                && (messageId == null || !run.answeredSteers().contains(messageId))
                && run.messages().stream()
                        .flatMap(message -> message.toolCalls().stream())
                        .noneMatch(AgentSession::waits);
    }

    /** A run of this agent as it stands; null if there is no such run. */
    private Node.@Nullable Run ownRun(String runId) {
        Node.Run run = findFrames(runId) == null
                ? null
                : shared.read(conversation -> conversation.run(runId)).orElse(null);
        return run != null && isOwn(run) ? run : null;
    }

    /** How a run began and was taken up, read from the history if need be; null if there is no such run. */
    private SharedConversation.@Nullable Frames findFrames(String runId) {
        return shared.find(conversation -> {
            SharedConversation.Frames known = shared.frames(runId);
            return known == null || known.start() == null ? null : known;
        });
    }

    static boolean waits(ToolCall call) {
        return switch (call.state()) {
            case INPUT_AVAILABLE, APPROVAL_REQUESTED -> !Boolean.TRUE.equals(call.providerExecuted());
            case INPUT_STREAMING, APPROVAL_RESPONDED, OUTPUT_AVAILABLE, OUTPUT_ERROR, OUTPUT_DENIED -> false;
        };
    }

    private void execute(Conversation.Trigger trigger, Runnable task) {
        if (!execute("the input " + trigger.eventId(), task)) {
            refuse(trigger);
        }
    }

    private boolean execute(String about, Runnable task) {
        try {
            runs.execute(() -> {
                try {
                    if (!left) {
                        task.run();
                    }
                } catch (RunExistsException e) {
                    LOG.debug("The agent is too late for {}.", about, e);
                } catch (RuntimeException e) {
                    LOG.error("The agent has failed with {}.", about, e);
                }
            });
            return true;
        } catch (RejectedExecutionException e) {
            LOG.warn("There is no room for another run, with {}.", about, e);
            return false;
        }
    }

    /** Tells whoever waits that the agent does not answer. */
    private void refuse(Conversation.Trigger trigger) {
        if (trigger.runId() != null) {
            return;
        }
        boolean isMessage = trigger.kind().equals(WireForm.USER_MESSAGE);
        RunContext frame = context(trigger, Ids.next(), Ids.next(), isMessage ? trigger.messageId() : trigger.parent());
        session.publishAsync(
                        SessionMessages.write(RunMessages.start(frame)),
                        SessionMessages.write(RunMessages.end(
                                frame,
                                RunStatus.ERROR,
                                new Node.RunError(BUSY, "The agent has no room for another run."))))
                .exceptionally(error -> {
                    LOG.warn("It could not be said that the agent has no room for another run.", error);
                    return List.of();
                });
    }

    /** Runs a handler, and ends the run. */
    private static void handle(Run run, RunHandler handler) {
        run.startedBy(Thread.currentThread());
        try {
            if (!run.cancelToken().isCancelled()) {
                handler.handle(run);
            }
            run.complete();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            run.failed(e);
        } catch (Exception e) {
            run.failed(e);
        } catch (Error e) {
            run.failed(e);
            throw e;
        } finally {
            run.finished();
            run.close();
        }
    }

    // The end

    /**
     * Leaves the session, but does not end the runs that are open: they stay active, and another process can
     * {@linkplain #adopt adopt} them. Nothing more is written in them here; their cancel tokens tell whoever is at work in one.
     */
    public void leave() {
        left = true;
        AgentThreads.left(this);
        services.clear();
        runs().forEach(run -> run.lost(null));
        if (isPresent) {
            isPresent = false;
            try {
                session.presence().leave();
            } catch (ParleyException e) {
                LOG.warn("The agent could not leave the presence set of the session {}.", session.name(), e);
            }
        }
        shared.close();
    }

    /**
     * Cancels all runs that are open here, waits until they have ended, and leaves. The session itself stays attached. If the
     * server is not reached within {@link ClientOptions#requestTimeout()}, the ends are written when it is, as long as the client
     * is open.
     */
    @Override
    public void close() {
        left = true;
        services.clear();
        cancelRuns();
        leave();
    }

    /**
     * Cancels all runs that are open here, and waits until they have ended, no longer than {@link #close} does. Others can begin.
     */
    public void cancelRuns() {
        List<Run> still = runs();
        still.forEach(run -> run.cancelToken().cancel());
        for (Run run : still) {
            try {
                run.close();
            } catch (RuntimeException e) {
                LOG.error("The end of the run {} could not be written.", run.id(), e);
            }
        }
    }
}
