package dev.parley.engine;

import dev.parley.engine.Admission.Ticket;
import dev.parley.engine.Committer.Submission;
import dev.parley.engine.Shard.Work;
import dev.parley.engine.command.Command;
import dev.parley.engine.delivery.CallbackFailures;
import dev.parley.engine.journal.Journal;
import dev.parley.engine.journal.JournalFullException;
import dev.parley.engine.store.Store;
import dev.parley.engine.stream.ForkRelease;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamOutcome;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The way of a command from its submission to its answer, cut into steps: admit, commit, dispatch, apply.
 *
 * <p>The pipeline has no threads. {@link Queues} hold the steps that are to be taken; who takes them calls {@link #commit}
 * from one thread and {@link #apply} from one thread at a time for each shard. {@link EngineThreads} does so in a server,
 * and the simulation in an order of its own. Everything else may be called by any thread.
 */
final class Pipeline {
    /** Where steps wait until they are taken. */
    interface Queues {
        /** Puts in what is to be committed; false if nothing more is. Any thread. */
        boolean commit(CommitStep step);

        /** Whether nothing waits to be committed. Asked while committing. */
        boolean isCommitIdle();

        /** Puts in what {@code shard} is to apply, or has it applied at once if nothing waits there. Called while committing. */
        void apply(int shard, ApplyStep step);
    }

    /** What waits to be committed. */
    sealed interface CommitStep permits Submission, Checkpoint {}

    /** What waits to be applied by a shard. */
    sealed interface ApplyStep {
        /** Commands in the order of the journal. */
        record Batch(List<Work> works) implements ApplyStep {}

        /** To note that nothing for the shard lies before {@code position} that it has not applied. */
        record Mark(long position, CompletableFuture<Long> applied) implements ApplyStep {}
    }

    /** A checkpoint under way: asks every shard to note how far it has come, which is as far as the journal goes now. */
    record Checkpoint(List<CompletableFuture<Long>> marks) implements CommitStep {
        /** True if all shards have answered, so that {@link Pipeline#finish} waits for nobody. */
        boolean isMarked() {
            return marks.stream().allMatch(CompletableFuture::isDone);
        }
    }

    private final Store store;
    private final Journal journal;
    private final Projections projections;
    private final Admission admission;
    private final Queues queues;
    private final Consumer<Throwable> onFailure;
    private final Committer committer;
    private final Forks forks;
    private final List<Shard> shards = new ArrayList<>();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private volatile boolean stopped;

    /**
     * A pipeline over a journal that has not been replayed.
     *
     * @param projections what the shards make of the log
     * @param pinIds names for the pins of forks
     * @param failures hears what those throw who are told of outcomes and news
     * @param onFailure hears once, before anybody else, why the pipeline goes on no more
     */
    Pipeline(
            Store store,
            Journal journal,
            int shardCount,
            Projections projections,
            Admission admission,
            Supplier<String> pinIds,
            CallbackFailures failures,
            Consumer<Throwable> onFailure,
            Queues queues) {
        this.store = store;
        this.journal = journal;
        this.projections = projections;
        this.admission = admission;
        this.queues = queues;
        this.onFailure = onFailure;
        this.committer = new Committer(journal);
        this.forks = new Forks(this::enqueue, pinIds);
        for (int i = 0; i < shardCount; i++) {
            shards.add(new Shard(i, store, projections, this::release, failures));
        }
    }

    /** Replays what the store does not reflect yet, and returns how many commands that took. Called once, before all else. */
    long recover() throws IOException {
        Recovery.Replayed replayed = Recovery.run(journal, shards);
        committer.continueFrom(replayed.last());
        return replayed.commands();
    }

    /** What readers see. */
    Projections projections() {
        return projections;
    }

    /** What goes on between two shards. */
    Forks forks() {
        return forks;
    }

    /** True if no command was ever applied. */
    boolean isEmpty() {
        return shards.stream().allMatch(shard -> shard.applied() == 0);
    }

    // Admit

    /** Submits a command as a client wants it; a fork takes more than one. */
    <O> void submit(Command<O> command, Reply<O> reply) {
        if (command instanceof Create create && create.fork() != null) {
            @SuppressWarnings("unchecked") // a Create is a Command<OfCreate>
            Reply<StreamOutcome.OfCreate> created = (Reply<StreamOutcome.OfCreate>) reply;
            forks.create(create, created);
        } else {
            enqueue(command, reply);
        }
    }

    /** Submits one command as it is. */
    <O> void enqueue(Command<O> command, Reply<O> reply) {
        if (stopped) {
            reply.failed(isStopped());
            return;
        }
        Ticket<O> ticket = admission.admit(command, reply);
        if (ticket != null && !queues.commit(new Submission(command, ticket))) {
            ticket.failed(isStopped());
        }
    }

    private EngineStoppedException isStopped() {
        return new EngineStoppedException("the engine is stopped", failure.get());
    }

    private void release(ForkRelease release) {
        if (!stopped) {
            forks.release(release, 0);
        }
    }

    // Commit

    /** Makes commands durable as one group or more and dispatches them to their shards; refuses those that do not fit. */
    void commit(List<CommitStep> steps) {
        List<Submission> submissions = new ArrayList<>(steps.size());
        List<Checkpoint> checkpoints = new ArrayList<>();
        for (CommitStep step : steps) {
            switch (step) {
                case Submission submission -> submissions.add(submission);
                case Checkpoint checkpoint -> checkpoints.add(checkpoint);
            }
        }
        try {
            Throwable earlier = failure.get();
            if (earlier != null) {
                throw new IOException("the engine failed earlier", earlier);
            }
            committer.commit(
                    submissions,
                    this::dispatch,
                    (refused, reason) -> refused.reply().failed(refusal(reason)));
            for (Checkpoint checkpoint : checkpoints) {
                for (int i = 0; i < shards.size(); i++) {
                    queues.apply(
                            i,
                            new ApplyStep.Mark(
                                    committer.end(), checkpoint.marks().get(i)));
                }
            }
            if (queues.isCommitIdle()) {
                journal.idle();
            }
        } catch (IOException | RuntimeException | Error e) {
            fail(e);
            EngineStoppedException stop = new EngineStoppedException("the journal failed: " + e.getMessage(), e);
            submissions.forEach(submission -> submission.reply().failed(stop));
            checkpoints.forEach(checkpoint -> checkpoint.marks().forEach(mark -> mark.completeExceptionally(stop)));
        }
    }

    private static Exception refusal(IOException reason) {
        return reason instanceof JournalFullException
                ? new StorageFullException("the disk is full: " + reason.getMessage(), reason)
                : new CommandTooLargeException("the command is too large: " + reason.getMessage(), reason);
    }

    private void dispatch(List<Work> group) {
        if (shards.size() == 1) {
            queues.apply(0, new ApplyStep.Batch(group));
            return;
        }
        List<List<Work>> byShard = new ArrayList<>();
        shards.forEach(shard -> byShard.add(new ArrayList<>()));
        for (Work work : group) {
            byShard.get(Shard.indexOf(work.command(), shards.size())).add(work);
        }
        for (int i = 0; i < byShard.size(); i++) {
            if (!byShard.get(i).isEmpty()) {
                queues.apply(i, new ApplyStep.Batch(byShard.get(i)));
            }
        }
    }

    // Apply

    /** Takes a step of a shard: applies, writes, shows and answers a batch, or notes how far the shard has come. */
    void apply(int index, ApplyStep step) {
        Shard shard = shards.get(index);
        try {
            Throwable earlier = failure.get();
            if (earlier != null) {
                throw new IllegalStateException("the engine failed earlier", earlier);
            }
            switch (step) {
                case ApplyStep.Batch batch -> shard.apply(batch.works());
                case ApplyStep.Mark mark -> {
                    shard.mark(mark.position());
                    mark.applied().complete(shard.applied());
                }
            }
        } catch (RuntimeException | Error e) {
            // The command is durable but half applied in memory: only replay can tell its outcome now.
            fail(e);
            EngineStoppedException stop = new EngineStoppedException("applying commands failed: " + e.getMessage(), e);
            switch (step) {
                case ApplyStep.Batch batch ->
                    batch.works().stream()
                            .map(Work::reply)
                            .filter(Objects::nonNull)
                            .forEach(reply -> reply.failed(stop));
                case ApplyStep.Mark mark -> mark.applied().completeExceptionally(stop);
            }
        }
    }

    // Checkpoint

    /** Begins a checkpoint. */
    Checkpoint checkpoint() throws IOException {
        List<CompletableFuture<Long>> marks = new ArrayList<>();
        shards.forEach(shard -> marks.add(new CompletableFuture<>()));
        Checkpoint checkpoint = new Checkpoint(marks);
        if (!queues.commit(checkpoint)) {
            throw new IOException("the engine is stopped");
        }
        return checkpoint;
    }

    /** Ends a checkpoint: lets the store catch up on disk and frees the journal before that. Blocks until it is marked. */
    void finish(Checkpoint checkpoint) throws IOException {
        try {
            long upTo = checkpoint.marks().stream()
                    .mapToLong(CompletableFuture::join)
                    .min()
                    .orElseThrow();
            store.flush();
            journal.truncateBefore(upTo);
        } catch (CompletionException e) {
            throw new IOException("no checkpoint: " + e.getCause(), e);
        }
    }

    // Failure and end

    private void fail(Throwable cause) {
        stopped = true;
        if (failure.compareAndSet(null, cause)) {
            onFailure.accept(cause);
        }
    }

    /** True if the pipeline goes on no more, whatever waits in its queues. */
    boolean hasFailed() {
        return failure.get() != null;
    }

    /** Takes no more commands; those that wait are still committed and applied. */
    void stop() {
        stopped = true;
    }

    /** What has been done so far, with what else the engine counts. */
    EngineTotals totals(long callbackFailures) {
        return committer.totals(admission.commandNanos(), callbackFailures);
    }
}
