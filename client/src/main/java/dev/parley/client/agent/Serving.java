package dev.parley.client.agent;

import dev.parley.client.ParleyException;
import dev.parley.client.Registration;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunContext;
import dev.parley.conversation.RunMessages;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.WireForm;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes runs of what people say, and of what was left, with the handlers of an agent that stays in its session. */
final class Serving {
    private static final Logger LOG = LoggerFactory.getLogger(Serving.class);

    /** Inputs that are remembered so that none is answered twice. */
    private static final int SERVED = 10_000;

    private static final int BUSY = 42_910;

    private record Service(Predicate<Conversation.Trigger> filter, RunHandler handler) {}

    private final SharedConversation shared;
    private final OpenRuns open;
    private final KnownRuns known;
    private final RunStarter starter;
    private final Cancellations cancellations;
    private final Executor executor;
    private final boolean adoptAbandoned;
    private final List<Service> services = new CopyOnWriteArrayList<>();
    private final AtomicBoolean hasCaughtUp = new AtomicBoolean();

    /** The events that were delivered; used on the thread of the session's listeners only. */
    private final Map<String, Boolean> served = new Newest();

    /** The newest input that was refused because a person has taken over; null if none waits. */
    private final AtomicReference<Conversation.@Nullable Trigger> waiting = new AtomicReference<>();

    /** The newest input that was to be served; null if there was none. */
    private final AtomicReference<Conversation.@Nullable Trigger> newest = new AtomicReference<>();

    private static final class Newest extends LinkedHashMap<String, Boolean> {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > SERVED;
        }
    }

    /**
     * Of an agent.
     *
     * @param executor runs the handlers
     * @param adoptAbandoned whether active runs that were left are taken over
     */
    Serving(
            SharedConversation shared,
            OpenRuns open,
            KnownRuns known,
            RunStarter starter,
            Cancellations cancellations,
            Executor executor,
            boolean adoptAbandoned) {
        this.shared = shared;
        this.open = open;
        this.known = known;
        this.starter = starter;
        this.cancellations = cancellations;
        this.executor = executor;
        this.adoptAbandoned = adoptAbandoned;
    }

    /** Serves inputs with this handler as well, and the first time also what was left. */
    Registration add(Predicate<Conversation.Trigger> filter, RunHandler handler) {
        Service service = new Service(filter, handler);
        services.add(service);
        if (hasCaughtUp.compareAndSet(false, true)) {
            execute("what was left", this::catchUp);
        }
        return () -> services.remove(service);
    }

    /** Serves no more. */
    void stop() {
        services.clear();
    }

    // What was left

    private void catchUp() {
        goOnAfterTakeover();
        for (String runId : known.left(RunStatus.SUSPENDED)) {
            cancellations.endIfSuspended(runId);
            Conversation.Trigger last = shared.lastInput(runId);
            if (last != null) {
                execute(last, () -> goOn(last, runId));
            }
        }
        if (adoptAbandoned) {
            for (String runId : known.left(RunStatus.ACTIVE)) {
                execute("the run " + runId, () -> {
                    Run run = starter.adopt(runId);
                    serviceFor(run.trigger()).ifPresentOrElse(service -> run.handle(service.handler()), run::close);
                });
            }
        }
    }

    private Optional<Service> serviceFor(Conversation.Trigger trigger) {
        List<Service> all = List.copyOf(services);
        return all.stream()
                .filter(service -> service.filter().test(trigger))
                .findFirst()
                .or(() -> all.stream().findFirst());
    }

    // What people say

    /** An input was delivered. */
    void input(SessionMessage message) {
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
            answer(trigger);
            return;
        }
        Run running = open.find(runId);
        if (running != null && running.isOpen()) {
            // If the run is suspended after this, it is looked at again.
            running.steered();
        } else if (!services.isEmpty()) {
            execute(trigger, () -> goOn(trigger, runId));
        }
    }

    /** A cancel was delivered. A run that waits for somebody is open nowhere; so whoever serves the session ends it. */
    void cancel(SessionMessage message) {
        String runId = cancellations.runOf(message);
        if (runId != null && !open.has(runId) && !services.isEmpty()) {
            execute("a cancel of the run " + runId, () -> cancellations.endIfSuspended(runId));
        }
    }

    private void answer(Conversation.Trigger trigger) {
        for (Service service : services) {
            if (service.filter().test(trigger)) {
                newest.accumulateAndGet(trigger, Serving::newer);
                execute(trigger, () -> begin(trigger, service));
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

    /** Begins a run, unless a person has taken over: then the newest input waits until the control is given back. */
    private void begin(Conversation.Trigger trigger, Service service) {
        String before = shared.readControl(ControlLog::serial);
        try {
            handle(trigger, service);
        } catch (ParleyException e) {
            if (!Run.isTakenOver(e)) {
                throw e;
            }
            awaitControl(trigger, before);
        } catch (RunExistsException e) {
            // Who was handed the same input begins its run as well, and is refused.
            boolean isTakenOver = shared.readControl(
                    log -> log.control().isTakenOver() || log.serial().compareTo(before) > 0);
            if (!isTakenOver) {
                throw e;
            }
            awaitControl(trigger, before);
        }
    }

    /** Lets an input wait until the control is given back, which may have happened after {@code before}. */
    private void awaitControl(Conversation.Trigger trigger, String before) {
        waiting.accumulateAndGet(trigger, Serving::newer);
        boolean isBack = shared.readControl(
                log -> !log.control().isTakenOver() && log.serial().compareTo(before) > 0);
        if (isBack) {
            givenBack();
        }
    }

    private static Conversation.Trigger newer(Conversation.@Nullable Trigger a, Conversation.Trigger b) {
        return a != null && a.serial().compareTo(b.serial()) > 0 ? a : b;
    }

    private void handle(Conversation.Trigger trigger, Service service) {
        Run run = starter.begin(trigger);
        run.handle(service.handler());
        after(run, trigger);
    }

    /** Looks whether a run that was suspended can go on already. */
    private void after(Run run, Conversation.Trigger trigger) {
        if (!run.isSuspended()) {
            return;
        }
        // An answer may be there before the run is suspended that waits for it; and so may the control.
        run.awaitDelivery();
        if (run.takeover().isCancelled()) {
            if (!shared.readControl(log -> log.control().isTakenOver())) {
                givenBack();
            }
            return;
        }
        Conversation.Trigger late = shared.lastInput(run.id());
        if (late != null && late.serial().compareTo(trigger.serial()) > 0) {
            execute(late, () -> goOn(late, run.id()));
        }
    }

    // When the control is given back

    /** The control of the session was given back, or may have been. */
    void givenBack() {
        if (!services.isEmpty()) {
            execute("what was taken over", this::goOnAfterTakeover);
        }
    }

    /** Goes on with the runs that were suspended, or begins one for what was said last. */
    private void goOnAfterTakeover() {
        if (shared.readControl(log -> log.control().isTakenOver())) {
            return;
        }
        boolean goesOn = false;
        for (String runId : known.left(RunStatus.SUSPENDED)) {
            Node.Run node = known.findOwn(runId);
            if (node != null && isSuspendedByTakeover(node)) {
                goesOn = true;
                execute("the run " + runId, () -> {
                    Run run = starter.goOn(runId);
                    serviceFor(run.trigger()).ifPresentOrElse(service -> run.handle(service.handler()), run::close);
                    after(run, run.trigger());
                });
            }
        }
        Conversation.Trigger refused = waiting.getAndSet(null);
        // A newer input is on its way, and what it begins answers the older one as well.
        if (!goesOn && refused != null && refused.equals(newest.get())) {
            answer(refused);
        }
    }

    /** Whether a run is suspended because a person has taken over. */
    boolean isSuspendedByTakeover(Node.Run node) {
        String suspension = shared.readControl(log -> log.suspension(node.key()));
        return suspension != null && suspension.equals(node.endSerial());
    }

    /** Whether a run of this agent is suspended, waits for nothing more, and has not yet taken account of an input. */
    boolean isReady(String runId, Conversation.Trigger input) {
        Node.Run run = known.findOwn(runId);
        String messageId = input.messageId();
        return run != null
                && run.status() == RunStatus.SUSPENDED
                && (messageId == null || !run.answeredSteers().contains(messageId))
                && shared.read(conversation -> run.messages().stream()
                        .flatMap(message -> message.toolCalls().stream())
                        .noneMatch(call -> UnknownOutcomes.isWaitedFor(
                                conversation, shared.session().name(), run, call)));
    }

    // The threads of handlers

    private void execute(Conversation.Trigger trigger, Runnable task) {
        if (!execute("the input " + trigger.eventId(), task)) {
            refuse(trigger);
        }
    }

    private boolean execute(String about, Runnable task) {
        try {
            executor.execute(() -> {
                try {
                    if (!open.isLeft()) {
                        task.run();
                    }
                } catch (RunExistsException e) {
                    LOG.debug("The agent is too late for {}.", about, e);
                } catch (ParleyException e) {
                    if (Run.isTakenOver(e)) {
                        LOG.debug("A person has taken over before the agent could go on with {}.", about, e);
                    } else {
                        LOG.error("The agent has failed with {}.", about, e);
                    }
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
        RunContext frame = RunStarter.frame(trigger, Ids.next());
        shared.session()
                .publishAsync(
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
}
