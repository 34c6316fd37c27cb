package dev.parley.client.agent;

import dev.parley.client.ClientOptions;
import dev.parley.client.Control;
import dev.parley.client.Data;
import dev.parley.client.Gap;
import dev.parley.client.ParleyClient;
import dev.parley.client.ParleyException;
import dev.parley.client.Registration;
import dev.parley.client.Session;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.WireForm;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
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

    private final Session session;
    private final @Nullable String clientId;
    private final SharedConversation shared;
    private final Audience audience;
    private final Duration answerTimeout;
    private final Duration inputTimeout;
    private final OpenRuns open;
    private final KnownRuns known;
    private final Cancellations cancellations;
    private final RunStarter starter;
    private final Serving serving;
    private final Executor handlers;
    private final Set<WakeWorker> workers = ConcurrentHashMap.newKeySet();

    /** Whether this agent is a member of the presence set. */
    private volatile boolean isPresent;

    private AgentSession(ParleyClient client, String name, AgentOptions options) {
        this.answerTimeout = client.options().requestTimeout();
        this.inputTimeout = options.inputTimeout();
        this.session = client.session(name);
        this.open = new OpenRuns(options.cancelGrace());
        this.shared = new SharedConversation(session, options.conversationLimit(), open::ids);
        client.connection().connect();
        this.clientId = clientId(client);
        Executor hooks = client.options().listenerExecutor();
        Executor given = options.executor();
        this.handlers = given == null ? AgentThreads.runs() : given;
        this.known = new KnownRuns(shared, open, clientId);
        this.cancellations = new Cancellations(shared, open, known, options.mayCancel());
        this.starter = new RunStarter(this, shared, open, known, cancellations, hooks, clientId);
        this.serving = new Serving(shared, open, known, starter, cancellations, handlers, options.adoptAbandoned());
        this.audience = new Audience(session, clientId);
        shared.onDelivery(this::delivered);
    }

    static @Nullable String clientId(ParleyClient client) {
        String configured = client.options().clientId();
        String known = configured == null ? client.connection().clientId() : configured;
        return "*".equals(known) ? null : known;
    }

    /**
     * Attaches the session of this name for an agent.
     *
     * @param client connects the agent
     * @param sessionName the name of the session
     * @return the agent, which does not serve yet
     */
    public static AgentSession open(ParleyClient client, String sessionName) {
        return open(client, sessionName, AgentOptions.DEFAULT);
    }

    /**
     * Attaches the session of this name for an agent.
     *
     * @param client connects the agent
     * @param sessionName the name of the session
     * @param options how the agent works
     * @return the agent, which does not serve yet
     */
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

    /** {@return the session as it is without agents} */
    public Session session() {
        return session;
    }

    /** {@return who watches} */
    public Audience audience() {
        return audience;
    }

    /**
     * Shows people what the agent does, such as {@code thinking}, {@code streaming} or {@code idle}: it is then a member of the
     * session's presence set, whose data is an object with a field {@code status}.
     *
     * @param status a word for people
     */
    public void status(String status) {
        ObjectNode data = JsonMapper.shared().createObjectNode();
        data.put(Audience.STATUS, status).put(Audience.AGENT, true);
        isPresent = true;
        session.presence().update(Data.of(data));
    }

    /** {@return the runs that are open here} */
    public List<Run> runs() {
        return open.all();
    }

    /**
     * Asks the conversation something, without anything changing meanwhile. What is returned must not be bound to it.
     *
     * @param <T> what the answer is
     * @param question is asked while nothing changes; must not block
     * @return the answer
     */
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
     * @param invocation names the input
     * @return the run, which is open here
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
        return starter.begin(input(invocation.inputEventId()));
    }

    /** Finds an input that has come. Null if there is none. */
    Conversation.@Nullable Trigger find(String eventId) {
        return shared.find(conversation -> conversation.trigger(eventId).orElse(null));
    }

    /** Finds an input, and waits for it if it has not come yet. */
    Conversation.Trigger input(String eventId) {
        Conversation.Trigger found = find(eventId);
        if (found == null) {
            found = shared.await(conversation -> conversation.trigger(eventId).orElse(null), inputTimeout);
        }
        if (found == null) {
            throw new InputNotFoundException(eventId, session.name());
        }
        return found;
    }

    /**
     * Runs an invocation to its end, or until it is suspended, on this thread.
     *
     * @param invocation names the input
     * @param handler does the work
     * @return the run, which has ended or is suspended
     * @throws RunExistsException as {@link #run(Invocation)}
     */
    public Run run(Invocation invocation, RunHandler handler) {
        Run run = run(invocation);
        run.handle(handler);
        return run;
    }

    /**
     * Takes over a run that another process has left, as after a crash. The step in which it was is done again, and what was
     * said in it so far is replaced. If the other process is there after all, it stops: the run's cancel token tells it, and it
     * writes nothing more.
     *
     * @param runId the id of the run
     * @return the run, which is open here
     * @throws RunExistsException if the run is open here, or another process was faster
     * @throws IllegalStateException if the run is not known, or is not active
     */
    public Run adopt(String runId) {
        return starter.adopt(runId);
    }

    /**
     * Takes over a run that another process has left, and runs it to its end, or until it is suspended, on this thread; see
     * {@link #adopt(String)}.
     *
     * @param runId the id of the run
     * @param handler does the work
     * @return the run, which has ended or is suspended
     */
    public Run adopt(String runId, RunHandler handler) {
        Run run = adopt(runId);
        run.handle(handler);
        return run;
    }

    /**
     * {@return the runs of this agent that are active but not open here: a process that has died may have left them}
     * Looks at the last 500 messages of the session, and at what was read before.
     */
    public List<String> abandonedRuns() {
        return known.left(RunStatus.ACTIVE);
    }

    /**
     * {@return the calls of tools in suspended runs of this agent of which it is not known whether they have had an effect: a
     * process has died, or may have, while a {@link ToolLoop} made them, and their tools take no keys}
     * Looks at the last 500 messages of the session, and at what was read before. Any process can look, and {@link #settle} them.
     */
    public List<UnknownOutcome> unknownOutcomes() {
        List<String> suspended = known.left(RunStatus.SUSPENDED);
        return shared.read(conversation -> suspended.stream()
                .flatMap(runId -> UnknownOutcomes.in(conversation, session.name(), runId).stream())
                .toList());
    }

    /**
     * Settles a call of a tool whose outcome was not known. When nothing else is unknown or waited for in its run, whoever
     * {@linkplain #serve serves} the session for its agent goes on with it: here, in another process, or when there is one again.
     * Where none does, hand the {@link Sent#invocation} to {@link #run(Invocation, RunHandler)}.
     *
     * <p>The first settlement or answer that the session has counts, of a person or of an agent, and all later ones have no effect.
     * It can therefore be repeated. If the tool is called again and that process dies as well, the outcome is unknown anew.
     *
     * @param call the call
     * @param settlement what has become of it
     * @return the input that settles the call, if the session has it just so, by this or by an equal settlement before; empty if
     *     this has no effect, since something else was said before, or the run has ended or went on
     * @throws IllegalArgumentException if the call is of another session
     */
    public Optional<Sent> settle(UnknownOutcome call, Settlement settlement) {
        return UnknownOutcomes.settle(shared, clientId, call, settlement);
    }

    // With its runs

    /** How long the server may take for the end of a run. */
    Duration answerTimeout() {
        return answerTimeout;
    }

    /** A cancel may stand in the log before the suspension, when the run was still open here. */
    void suspended(Run run) {
        run.awaitDelivery();
        cancellations.endIfSuspended(run.id());
    }

    void closed(Run run) {
        open.remove(run);
    }

    // Staying

    /**
     * Serves what people say from now on, with a run for each input; see {@link #serve(Predicate, RunHandler)}.
     *
     * @param handler does the work, on the executor of the agent
     * @return what ends the service; runs that are open go on
     */
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
     * @param handler does the work, on the executor of the agent
     * @return what ends the service; runs that are open go on
     */
    public Registration serve(Predicate<Conversation.Trigger> filter, RunHandler handler) {
        return serving.add(filter, handler);
    }

    // Being woken

    /**
     * Does what this agent has to do in the session: claims its wakes, one after the other, and calls {@code handler} with a run
     * for each, as {@link #run(Invocation, RunHandler)} does. Any number of processes can do that; one of them has a wake at a
     * time. If it dies, another one gets the wake after at most 30 seconds, and {@linkplain #adopt adopts} the run.
     *
     * <p>The session has to name the agent by its client id, see {@link dev.parley.client.SessionAgents#name}. An agent either
     * {@linkplain #serve serves} a session or works on its wakes; to work in all sessions, see {@link AgentWorker}.
     *
     * <p>A wake is done when its run has ended or is suspended: what it waits for will wake the agent. A run that has asked
     * people something with {@link dev.parley.client.NewRequest#withRun} goes on when they have answered, and finds the answer
     * among the {@linkplain Session#requests requests}. While a person has the
     * control, wakes rest, and the run goes on when the control is given back.
     *
     * @param handler does the work, on the executor of the agent
     * @return what ends the work; a run that is open goes on, and a request that waits takes up to 25 seconds to end
     * @throws IllegalStateException if the agent has no client id
     */
    public Registration work(RunHandler handler) {
        if (clientId == null) {
            throw new IllegalStateException("An agent that works on its wakes needs a client id.");
        }
        WakeRun run = new WakeRun(this, handler);
        WakeWorker worker = new WakeWorker(clientId, handlers, session.agents()::claimAsync, run::isDone, 1);
        workers.add(worker);
        worker.start();
        return () -> {
            workers.remove(worker);
            worker.close();
        };
    }

    /** Whether a run of this agent waits for nothing more. */
    boolean isReady(String runId, Conversation.Trigger input) {
        return serving.isReady(runId, input);
    }

    /** Whether a run of this agent is suspended because a person has taken over. */
    boolean isSuspendedByTakeover(String runId) {
        Node.Run node = known.findOwn(runId);
        return node != null && serving.isSuspendedByTakeover(node);
    }

    /** Goes on with a run that was suspended, without an input for it. */
    Run goOn(String runId, RunHandler handler) {
        Run run = starter.goOn(runId);
        run.handle(handler);
        return run;
    }

    // What is delivered

    private void delivered(SharedConversation.Delivery delivery) {
        audience.delivered(delivery.event());
        SessionMessage message = delivery.message();
        if (message == null) {
            if (delivery.event() instanceof Gap) {
                runs().forEach(this::lookAgain);
                noteControl();
            }
            return;
        }
        String name = message.name();
        String runId = message.headers().get(WireForm.RUN_ID);
        Run run = open.find(runId);
        if (Control.MESSAGE.equals(name)) {
            noteControl();
        } else if (WireForm.CANCEL.equals(name)) {
            runs().forEach(cancellations::note);
            serving.cancel(message);
        } else if (WireForm.RUN_END.equals(name) && run != null) {
            noteEnd(run);
        } else if (WireForm.RUN_RESUME.equals(name) && run != null) {
            noteTakeover(run);
        } else if (WireForm.INPUT.equals(name) && message.action() == SessionMessage.Action.CREATE) {
            serving.input(message);
        }
    }

    /** A person may have taken over, or given the control back. */
    private void noteControl() {
        if (shared.readControl(log -> log.control().isTakenOver())) {
            runs().forEach(Run::takenOver);
        } else {
            serving.givenBack();
        }
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
        cancellations.note(run);
        noteTakeover(run);
        noteEnd(run);
    }

    // The end

    /**
     * Leaves the session, but does not end the runs that are open: they stay active, and another process can
     * {@linkplain #adopt adopt} them. Nothing more is written in them here; their cancel tokens tell whoever is at work in one.
     */
    public void leave() {
        open.leave();
        AgentThreads.left(this);
        stopServing();
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
     * Cancels all runs that are open here, waits until they have ended, and leaves. The session itself stays attached. The runs end
     * side by side, up to 16 at a time, and all together may take as long as one: twice {@link ClientOptions#requestTimeout()}. If
     * the server is not reached in that time, the ends are written when it is, as long as the client is open.
     */
    @Override
    public void close() {
        open.leave();
        stopServing();
        cancelRuns();
        leave();
    }

    private void stopServing() {
        serving.stop();
        workers.forEach(WakeWorker::close);
    }

    /**
     * Cancels all runs that are open here, and waits until they have ended, no longer than {@link #close} does. Others can begin.
     */
    public void cancelRuns() {
        open.cancelAll(answerTimeout);
    }
}
