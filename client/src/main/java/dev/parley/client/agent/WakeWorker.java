package dev.parley.client.agent;

import dev.parley.client.ParleyException;
import dev.parley.client.Registration;
import dev.parley.client.Session;
import dev.parley.client.SessionRequest;
import dev.parley.client.Wake;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunStatus;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Claims the wakes of an agent in a session, one after the other, and does them. */
final class WakeWorker implements Registration {
    private static final Logger LOG = LoggerFactory.getLogger(WakeWorker.class);

    /** How long a worker has a wake without asking for more time. */
    private static final Duration LEASE = Duration.ofSeconds(30);

    /** When more time is asked for: twice a request may be lost. */
    private static final Duration RENEWAL = LEASE.dividedBy(3);

    /** How long one request waits for something to do. */
    private static final Duration WAIT = Duration.ofSeconds(25);

    /** The pause before a wake that was given back is given to a worker again, and after a request that has failed. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private static final int NOT_FOUND = 404;

    private final AgentSession agent;
    private final Session session;
    private final String agentId;
    private final Executor executor;
    private final RunHandler handler;
    private final String worker = Ids.next();
    private volatile boolean closed;

    /**
     * Of an agent.
     *
     * @param executor runs the handler
     */
    WakeWorker(AgentSession agent, String agentId, Executor executor, RunHandler handler) {
        this.agent = agent;
        this.session = agent.session();
        this.agentId = agentId;
        this.executor = executor;
        this.handler = handler;
    }

    /** Begins to claim. */
    void start() {
        claim();
    }

    @Override
    public void close() {
        closed = true;
    }

    private void claim() {
        if (closed) {
            return;
        }
        var unused = session.agents()
                .claimAsync(agentId, worker, LEASE, WAIT)
                .thenAccept(this::claimed)
                .exceptionally(failure -> {
                    LOG.debug("The agent {} could not ask what it has to do.", agentId, failure);
                    claimLater();
                    return null;
                });
    }

    private void claimed(Optional<Wake> wake) {
        if (wake.isEmpty()) {
            claim();
            return;
        }
        try {
            executor.execute(() -> work(wake.get()));
        } catch (RejectedExecutionException e) {
            // Another process may have room, when the lease is over.
            LOG.warn("There is no room for another run, with {}.", wake.get(), e);
            claimLater();
        }
    }

    private void claimLater() {
        CompletableFuture.delayedExecutor(PAUSE.toMillis(), TimeUnit.MILLISECONDS)
                .execute(this::claim);
    }

    /** Does it, and goes on with the next one. */
    private void work(Wake wake) {
        try {
            if (closed) {
                wake.release(Duration.ZERO);
            } else if (isDone(wake)) {
                wake.done();
            } else {
                wake.release(PAUSE);
            }
        } catch (ParleyException e) {
            // Somebody else has it, or will have it when the lease is over.
            LOG.warn("It could not be said what has become of {}.", wake, e);
        } finally {
            claim();
        }
    }

    /** Runs the wake. Returns false if somebody has to try again. */
    private boolean isDone(Wake wake) {
        Lease lease = new Lease(wake);
        try {
            boolean done = true;
            for (Task task : tasks(wake)) {
                Run run = run(task, lease);
                if (run != null && run.takeover().isCancelled()) {
                    // Whoever goes on with it here has to know that it is suspended.
                    run.awaitDelivery();
                    done = false;
                }
            }
            return done;
        } catch (InputNotFoundException e) {
            LOG.warn("The agent does not find the input of {}.", wake, e);
            return false;
        } catch (ParleyException e) {
            if (!Run.isTakenOver(e)) {
                LOG.error("The agent has failed with {}.", wake, e);
            }
            return false;
        } catch (IllegalStateException e) {
            // A run has changed since the agent has looked at it.
            LOG.warn("The agent tries {} again: {}", wake, e.getMessage());
            return false;
        } catch (RuntimeException e) {
            LOG.error("The agent has failed with {}.", wake, e);
            return false;
        } finally {
            lease.end();
        }
    }

    /**
     * Something to do.
     *
     * @param input is to be answered; null if a request of the run was answered
     * @param runId the run that is to go on; null for a new one
     */
    private record Task(
            Conversation.@Nullable Trigger input, @Nullable String runId) {}

    /** What to do: answer the newest input that begins a run, whose conversation has the others, and go on with each run once. */
    private Collection<Task> tasks(Wake wake) {
        Map<String, Task> tasks = new LinkedHashMap<>();
        for (String id : wake.inputEventIds()) {
            Task task = task(id);
            tasks.merge(
                    Objects.requireNonNullElse(task.runId(), ""),
                    task,
                    // An input says more than that something was answered.
                    (earlier, later) -> later.input() == null ? earlier : later);
        }
        return tasks.values();
    }

    private Task task(String id) {
        Conversation.Trigger input = agent.find(id);
        if (input == null) {
            SessionRequest request = request(id);
            if (request != null) {
                return new Task(null, request.runId());
            }
            input = agent.input(id);
        }
        return new Task(input, input.runId());
    }

    /** A wake after an answer that is no input names the request. */
    private @Nullable SessionRequest request(String id) {
        try {
            return session.requests().get(id);
        } catch (ParleyException.Refused e) {
            if (e.statusCode() == NOT_FOUND) {
                return null;
            }
            throw e;
        }
    }

    /** Does a task, or goes on where another worker has left it. Null if there is nothing more to do. */
    private @Nullable Run run(Task task, Lease lease) {
        Conversation.Trigger input = task.input();
        String runId = task.runId();
        if (runId != null) {
            RunStatus status = agent.read(conversation -> conversation.run(runId))
                    .map(Node.Run::status)
                    .orElse(RunStatus.SUSPENDED);
            if (status == RunStatus.ACTIVE) {
                // Whoever went on with it had the wake before, and has it no longer.
                return agent.adopt(runId, lease::handle);
            }
            if (status != RunStatus.SUSPENDED || (input != null && !agent.isReady(runId, input))) {
                return null;
            }
        }
        if (input == null) {
            return runId == null ? null : agent.goOn(runId, lease::handle);
        }
        try {
            return agent.run(new Invocation(input.eventId(), session.name()), lease::handle);
        } catch (RunExistsException e) {
            if (e.status() == RunStatus.ACTIVE) {
                return agent.adopt(e.runId(), lease::handle);
            }
            boolean goesOn = e.status() == RunStatus.SUSPENDED && agent.isSuspendedByTakeover(e.runId());
            return goesOn ? agent.goOn(e.runId(), lease::handle) : null;
        }
    }

    /** Asks for more time as long as the run lasts, and stops the run if another worker has the wake. */
    private final class Lease {
        private final Wake wake;
        private volatile @Nullable Run run;
        private volatile boolean over;

        Lease(Wake wake) {
            this.wake = wake;
            renewLater();
        }

        void handle(Run begun) throws Exception {
            run = begun;
            handler.handle(begun);
        }

        void end() {
            over = true;
        }

        private void renewLater() {
            CompletableFuture.delayedExecutor(RENEWAL.toMillis(), TimeUnit.MILLISECONDS)
                    .execute(this::renew);
        }

        private void renew() {
            if (over) {
                return;
            }
            var unused = wake.extendAsync(LEASE).whenComplete((extended, failure) -> {
                Run lost = run;
                if (failure != null && isRefused(failure)) {
                    LOG.warn("Another worker has {}.", wake);
                    if (lost != null) {
                        lost.lost(null);
                    }
                } else if (!over) {
                    renewLater();
                }
            });
        }

        private boolean isRefused(Throwable failure) {
            Throwable cause = failure.getCause() == null ? failure : failure.getCause();
            return cause instanceof ParleyException.Refused refused && !refused.retryHelps();
        }
    }
}
