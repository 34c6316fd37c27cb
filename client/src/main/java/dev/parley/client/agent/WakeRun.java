package dev.parley.client.agent;

import dev.parley.client.ParleyException;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Does one wake of an agent in its session. */
final class WakeRun {
    private static final Logger LOG = LoggerFactory.getLogger(WakeRun.class);

    /** How long a worker has a wake without asking for more time. */
    static final Duration LEASE = Duration.ofSeconds(30);

    /** When more time is asked for: twice a request may be lost. */
    private static final Duration RENEWAL = LEASE.dividedBy(3);

    private static final int NOT_FOUND = 404;

    private final AgentSession agent;
    private final Session session;
    private final RunHandler handler;

    /** In the session of {@code agent}. */
    WakeRun(AgentSession agent, RunHandler handler) {
        this.agent = agent;
        this.session = agent.session();
        this.handler = handler;
    }

    /** Runs the wake. Returns false if somebody has to try again. */
    boolean isDone(Wake wake) {
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
