package dev.parley.engine;

import dev.parley.engine.Pipeline.ApplyStep;
import dev.parley.engine.Pipeline.CommitStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The threads of an engine: one committer, and one applier for each shard. */
final class EngineThreads implements Pipeline.Queues, AutoCloseable {
    /**
     * How long a group that is smaller than the last one waits for more commands. Fewer, larger syncs need less
     * processor time.
     */
    private static final long GATHER_NANOS = 100_000;

    /** If groups have fewer commands than this, waiting would only delay them. */
    private static final int WORTH_GATHERING = 4;

    private final Inbox<CommitStep> commits = new Inbox<>();
    private final List<Inbox<ApplyStep>> applies = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();

    /** Null until the threads run. */
    private @Nullable Pipeline pipeline;

    EngineThreads(int shards) {
        for (int i = 0; i < shards; i++) {
            applies.add(new Inbox<>());
        }
    }

    /** Starts the threads, which execute the steps of {@code newPipeline}. The pipeline must use these queues. */
    void start(Pipeline newPipeline) {
        pipeline = newPipeline;
        threads.add(Thread.ofPlatform().name("parley-committer").start(() -> commitAll(newPipeline)));
        for (int i = 0; i < applies.size(); i++) {
            int shard = i;
            threads.add(Thread.ofPlatform().name("parley-applier-" + i).start(() -> applyAll(newPipeline, shard)));
        }
    }

    @Override
    public boolean commit(CommitStep step) {
        return commits.put(step);
    }

    @Override
    public boolean isCommitIdle() {
        return commits.isEmpty();
    }

    /**
     * Applies a small batch on the committing thread if the applier is idle, because waking a thread takes longer than
     * that. Only the committer puts steps into the inboxes of shards, so an idle applier stays idle meanwhile.
     */
    @Override
    public void apply(int shard, ApplyStep step) {
        Inbox<ApplyStep> inbox = applies.get(shard);
        if (step instanceof ApplyStep.Batch batch
                && batch.works().size() <= WORTH_GATHERING
                && inbox.isTakerWaiting()) {
            Objects.requireNonNull(pipeline).apply(shard, step);
        } else {
            inbox.put(step);
        }
    }

    private void commitAll(Pipeline running) {
        int lastGroup = 0;
        while (true) {
            List<CommitStep> steps = commits.take(lastGroup, lastGroup >= WORTH_GATHERING ? GATHER_NANOS : 0);
            lastGroup = steps.size();
            if (steps.isEmpty()) {
                running.leave();
                applies.forEach(Inbox::close);
                return;
            }
            running.commit(steps);
        }
    }

    private void applyAll(Pipeline running, int shard) {
        Inbox<ApplyStep> inbox = applies.get(shard);
        while (true) {
            List<ApplyStep> steps = inbox.take();
            if (steps.isEmpty()) {
                return;
            }
            for (ApplyStep step : steps) {
                running.apply(shard, step);
            }
        }
    }

    /** Accepts no more steps, and returns when all waiting steps are committed and applied. */
    @Override
    public void close() {
        commits.close();
        for (Thread thread : threads) {
            joinUninterruptibly(thread);
        }
    }

    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
