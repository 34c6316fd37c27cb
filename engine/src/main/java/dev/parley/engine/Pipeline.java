package dev.parley.engine;

import dev.parley.engine.Admission.Ticket;
import dev.parley.engine.Committer.Submission;
import dev.parley.engine.Shard.Work;
import dev.parley.engine.command.Command;
import dev.parley.engine.delivery.CallbackFailures;
import dev.parley.engine.journal.CommandLog;
import dev.parley.engine.journal.JournalFullException;
import dev.parley.engine.journal.LogCopy;
import dev.parley.engine.store.Store;
import dev.parley.engine.stream.ForkRelease;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamOutcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The path of a command from its submission to its answer, divided into steps: admit, commit, dispatch, apply.
 *
 * <p>The pipeline submits commands to a {@link CommandLog}, and applies what the log hands over: its own commands and, if
 * the log is shared, those of other nodes.
 *
 * <p>The pipeline has no threads. {@link Queues} hold the steps that are to be executed. Their owner calls
 * {@link #commit} from one thread, and {@link #apply} from one thread at a time for each shard. {@link EngineThreads}
 * does this in a server, and the simulation does it in an order of its own. All other methods may be called by any
 * thread.
 */
final class Pipeline {
    /** A shared log hands over no more than this in one step. */
    private static final long MAX_TAKEN_BYTES = 4L << 20;

    /**
     * Number of batches that a shared log may hand over while earlier ones wait to be applied. Commands of other nodes take
     * no part in admission, so this bounds the memory that they hold.
     */
    private static final int MAX_UNAPPLIED = 2;

    /** Where steps wait until they are executed. */
    interface Queues {
        /** Adds a step to commit. Returns false if the queue accepts no more steps. May be called by any thread. */
        boolean commit(CommitStep step);

        /** Whether no step waits to be committed. Called during a commit. */
        boolean isCommitIdle();

        /**
         * Adds a step that {@code shard} is to apply, or applies it at once if nothing waits there. Called during a
         * commit.
         */
        void apply(int shard, ApplyStep step);
    }

    /** A step that waits to be committed. */
    sealed interface CommitStep permits Submission, Checkpoint, StartSegment, Copy, News {}

    /** The next command begins a segment of the log. */
    record StartSegment(CompletableFuture<@Nullable Void> done) implements CommitStep {}

    /** Asks for the log as it is after the commands before. */
    record Copy(CompletableFuture<LogCopy> copy) implements CommitStep {}

    /** The log has something to hand over. */
    record News() implements CommitStep {}

    /** A step that waits to be applied by a shard. */
    sealed interface ApplyStep {
        /** Commands in the order of the journal. */
        record Batch(List<Work> works) implements ApplyStep {}

        /** Makes the shard record that all its commands up to {@code position} are applied. */
        record Mark(long position, CompletableFuture<Long> applied) implements ApplyStep {}
    }

    /**
     * A checkpoint in progress. It asks every shard to record the current end of the journal as the position up to
     * which the shard has applied commands.
     */
    record Checkpoint(List<CompletableFuture<Long>> marks) implements CommitStep {
        /** True if all shards have answered, so that {@link Pipeline#finish} does not wait. */
        boolean isMarked() {
            return marks.stream().allMatch(CompletableFuture::isDone);
        }
    }

    private final Store store;
    private final CommandLog log;
    private final Projections projections;
    private final Admission admission;
    private final Queues queues;
    private final Consumer<Throwable> onFailure;
    private final Committer committer;
    private final Forks forks;
    private final List<Shard> shards = new ArrayList<>();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    /** Batches of a shared log that are not applied yet. */
    private final AtomicInteger unapplied = new AtomicInteger();

    private volatile boolean stopped;

    /**
     * A pipeline over a log that has not been replayed.
     *
     * @param projections the state that the shards derive from the log
     * @param pinIds supplies names for the pins of forks
     * @param failures receives exceptions thrown by callbacks for outcomes and news
     * @param onFailure is told once, before everybody else, why the pipeline cannot continue
     */
    Pipeline(
            Store store,
            CommandLog log,
            int shardCount,
            Projections projections,
            Admission admission,
            PinIds pinIds,
            CallbackFailures failures,
            Consumer<Throwable> onFailure,
            Queues queues) {
        if (log.isShared() && shardCount != 1) {
            throw new IllegalArgumentException("an engine on a shared log has one shard");
        }
        this.store = store;
        this.log = log;
        this.projections = projections;
        this.admission = admission;
        this.queues = queues;
        this.onFailure = onFailure;
        this.committer = new Committer(log);
        this.forks = new Forks(this::enqueue, projections.streams(), pinIds);
        for (int i = 0; i < shardCount; i++) {
            shards.add(new Shard(i, store, projections, this::release, failures));
        }
    }

    /**
     * Replays the part of the log that the store does not reflect yet, and returns the number of replayed commands.
     * Called once, before everything else.
     */
    long recover() throws IOException {
        Recovery.Replayed replayed = Recovery.run(log, shards);
        committer.continueFrom(replayed.last());
        log.onNews(this::lookForNews);
        return replayed.commands();
    }

    /** What readers see. */
    Projections projections() {
        return projections;
    }

    /** The forks, whose commands may concern two shards. */
    Forks forks() {
        return forks;
    }

    /** True if no command was ever applied. */
    boolean isEmpty() {
        return shards.stream().allMatch(shard -> shard.applied() == 0);
    }

    // Admit

    /** Submits a command of a client. If it creates a fork, the engine submits several commands for it. */
    <O> void submit(Command<O> command, Reply<O> reply) {
        if (command instanceof Create create && create.fork() != null) {
            @SuppressWarnings("unchecked") // a Create is a Command<OfCreate>
            Reply<StreamOutcome.OfCreate> created = (Reply<StreamOutcome.OfCreate>) reply;
            forks.create(create, created);
        } else {
            enqueue(command, reply);
        }
    }

    /** Submits one command, with what it has to bring from another machine. */
    <O> void enqueue(Command<O> incomplete, Reply<O> reply) {
        Command<O> command = Informing.inform(incomplete, projections.registry());
        if (stopped) {
            reply.failed(isStopped());
            return;
        }
        Ticket<O> ticket = admission.admit(command, reply);
        if (ticket == null) {
            return;
        }
        boolean queued = false;
        try {
            queued = queues.commit(new Submission(command, ticket));
        } finally {
            if (!queued) {
                ticket.failed(isStopped());
            }
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

    /**
     * Makes commands durable in one or more groups and dispatches them to their shards. Refuses commands that do not
     * fit.
     */
    void commit(List<CommitStep> steps) {
        List<Submission> submissions = new ArrayList<>(steps.size());
        List<Checkpoint> checkpoints = new ArrayList<>();
        List<StartSegment> starts = new ArrayList<>();
        List<Copy> copies = new ArrayList<>();
        for (CommitStep step : steps) {
            switch (step) {
                case Submission submission -> submissions.add(submission);
                case Checkpoint checkpoint -> checkpoints.add(checkpoint);
                case StartSegment start -> starts.add(start);
                case Copy copy -> copies.add(copy);
                case News news -> {
                    // The committer looks for it after every round anyway.
                }
            }
        }
        try {
            Throwable earlier = failure.get();
            if (earlier != null) {
                throw new IOException("the engine failed earlier", earlier);
            }
            for (StartSegment start : starts) {
                start(start);
            }
            committer.commit(
                    submissions,
                    unapplied.get() < MAX_UNAPPLIED ? MAX_TAKEN_BYTES : 0,
                    this::dispatch,
                    (refused, reason) -> refused.reply().failed(refusal(reason)));
            for (Copy copy : copies) {
                copy.copy().complete(log.copy());
            }
            for (Checkpoint checkpoint : checkpoints) {
                for (int i = 0; i < shards.size(); i++) {
                    queues.apply(
                            i,
                            new ApplyStep.Mark(
                                    committer.end(), checkpoint.marks().get(i)));
                }
            }
            if (queues.isCommitIdle()) {
                log.idle();
            }
        } catch (IOException | RuntimeException | Error e) {
            fail(e);
            EngineStoppedException stop = new EngineStoppedException("the journal failed: " + e.getMessage(), e);
            committer.abandon(stop);
            submissions.forEach(submission -> submission.reply().failed(stop));
            starts.forEach(start -> start.done().completeExceptionally(stop));
            copies.forEach(copy -> copy.copy().completeExceptionally(stop));
            checkpoints.forEach(checkpoint -> checkpoint.marks().forEach(mark -> mark.completeExceptionally(stop)));
        }
    }

    private void start(StartSegment start) throws IOException {
        try {
            log.startSegment();
            start.done().complete(null);
        } catch (JournalFullException e) {
            start.done().completeExceptionally(refusal(e));
        }
    }

    private static Exception refusal(IOException reason) {
        return reason instanceof JournalFullException
                ? new StorageFullException("the disk is full: " + reason.getMessage(), reason)
                : new CommandTooLargeException("the command is too large: " + reason.getMessage(), reason);
    }

    private void dispatch(List<Work> group) {
        if (log.isShared()) {
            unapplied.incrementAndGet();
        }
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

    /**
     * Executes a step of a shard: applies, writes, publishes and answers a batch, or records how far the shard has
     * come.
     */
    void apply(int index, ApplyStep step) {
        Shard shard = shards.get(index);
        try {
            Throwable earlier = failure.get();
            if (earlier != null) {
                throw new IllegalStateException("the engine failed earlier", earlier);
            }
            switch (step) {
                case ApplyStep.Batch batch -> {
                    shard.apply(batch.works());
                    makeRoom();
                }
                case ApplyStep.Mark mark -> {
                    shard.mark(mark.position());
                    mark.applied().complete(shard.applied());
                }
            }
        } catch (RuntimeException | Error e) {
            // The command is durable but only half applied in memory. Only a replay can determine its outcome now.
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

    private void lookForNews() {
        // If the queue is closed, the engine ends, and the next life replays what was not handed over.
        queues.commit(new News());
    }

    /** Lets a shared log hand over more, now that a batch is applied. */
    private void makeRoom() {
        if (log.isShared() && unapplied.getAndDecrement() == MAX_UNAPPLIED) {
            lookForNews();
        }
    }

    // Checkpoint

    /** Lets the next command begin a segment of the log, so that a later checkpoint frees everything before it. */
    CompletableFuture<@Nullable Void> startSegment() throws IOException {
        StartSegment start = new StartSegment(new CompletableFuture<>());
        if (!queues.commit(start)) {
            throw new IOException("the engine is stopped");
        }
        return start.done();
    }

    /** Starts a checkpoint. */
    Checkpoint checkpoint() throws IOException {
        List<CompletableFuture<Long>> marks = new ArrayList<>();
        shards.forEach(shard -> marks.add(new CompletableFuture<>()));
        Checkpoint checkpoint = new Checkpoint(marks);
        if (!queues.commit(checkpoint)) {
            throw new IOException("the engine is stopped");
        }
        return checkpoint;
    }

    /**
     * Completes a checkpoint: writes the store to disk and frees the part of the journal before it. Blocks until all
     * shards have answered.
     */
    void finish(Checkpoint checkpoint) throws IOException {
        try {
            long upTo = checkpoint.marks().stream()
                    .mapToLong(CompletableFuture::join)
                    .min()
                    .orElseThrow();
            store.flush();
            log.truncateBefore(upTo);
        } catch (CompletionException e) {
            throw new IOException("no checkpoint: " + e.getCause(), e);
        }
    }

    // Backup

    /**
     * Copies the store and the log into {@code folder}, so that the copy opens as this engine would after a crash at some moment after
     * this call: it has everything that was answered before. No checkpoint may be in progress or begin. Blocks, perhaps for long.
     */
    void copyTo(Path folder, String storeName, String logName) throws IOException {
        // The store first, because the log must have all that the store reflects.
        store.copyTo(folder.resolve(storeName));
        Copy copy = new Copy(new CompletableFuture<>());
        if (!queues.commit(copy)) {
            throw new IOException("the engine is stopped");
        }
        try {
            copy.copy().join().to(folder.resolve(logName));
        } catch (CompletionException e) {
            throw new IOException("no copy of the journal: " + e.getCause(), e);
        }
    }

    // Failure and end

    private void fail(Throwable cause) {
        stopped = true;
        if (failure.compareAndSet(null, cause)) {
            onFailure.accept(cause);
        }
    }

    /** True if the pipeline has failed and executes no further steps, even if steps wait in its queues. */
    boolean hasFailed() {
        return failure.get() != null;
    }

    /** Accepts no more commands. Commands that wait are still committed and applied. */
    void stop() {
        stopped = true;
    }

    /**
     * Called by the committing thread when no step follows: tells those who wait for a shared log that their commands may
     * or may not be in it.
     */
    void leave() {
        committer.abandon(isStopped());
    }

    /** What has been done so far, together with figures that the engine counts. */
    EngineTotals totals(long callbackFailures) {
        return committer.totals(admission.commandNanos(), callbackFailures);
    }
}
