package dev.parley.client.agent;

import dev.parley.conversation.RunStatus;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The runs of an agent that are at work in this process. */
final class OpenRuns {
    private static final Logger LOG = LoggerFactory.getLogger(OpenRuns.class);

    private final Duration cancelGrace;
    private final Map<String, Run> open = new ConcurrentHashMap<>();

    /** No run begins here any more. */
    private volatile boolean left;

    OpenRuns(Duration cancelGrace) {
        this.cancelGrace = cancelGrace;
    }

    /**
     * Adds a run that is about to begin.
     *
     * @throws RunExistsException if it is open here already
     * @throws IllegalStateException if the agent has left
     */
    void add(Run run) {
        if (open.putIfAbsent(run.id(), run) != null) {
            throw new RunExistsException(run.id(), RunStatus.ACTIVE);
        }
        if (left) {
            remove(run);
            throw new IllegalStateException(
                    "The agent has left the session " + run.session().name() + ".");
        }
        run.cancelToken().onCancel(() -> endSoon(run));
    }

    void remove(Run run) {
        open.remove(run.id(), run);
    }

    @Nullable
    Run find(@Nullable String runId) {
        return runId == null ? null : open.get(runId);
    }

    boolean has(String runId) {
        return open.containsKey(runId);
    }

    List<Run> all() {
        return List.copyOf(open.values());
    }

    Set<String> ids() {
        return Set.copyOf(open.keySet());
    }

    /** Lets no run begin here any more. */
    void leave() {
        left = true;
    }

    boolean isLeft() {
        return left;
    }

    /** A run that was cancelled ends, also if its agent does not do it, and its thread is free again. */
    private void endSoon(Run run) {
        Executor later =
                CompletableFuture.delayedExecutor(cancelGrace.toMillis(), TimeUnit.MILLISECONDS, AgentThreads.ends());
        later.execute(() -> {
            try {
                run.endNow();
            } catch (RuntimeException e) {
                LOG.error("The run {} was cancelled, but its end could not be written.", run.id(), e);
            }
        });
    }

    /** Cancels all, and waits until they have ended, for all together no longer than one may take. */
    void cancelAll(Duration answerTimeout) {
        List<Run> still = all();
        long since = System.nanoTime();
        still.forEach(run -> run.cancelToken().cancel());
        boolean inTime = AgentThreads.endTogether(
                still.stream().map(run -> (Runnable) () -> close(run, since)).toList(), answerTimeout.multipliedBy(2));
        if (!inTime) {
            LOG.error("Not all of {} runs have ended in time; others can adopt them.", still.size());
        }
    }

    private static void close(Run run, long since) {
        try {
            run.closeWith(since);
        } catch (RuntimeException e) {
            LOG.error("The end of the run {} could not be written.", run.id(), e);
        }
    }
}
