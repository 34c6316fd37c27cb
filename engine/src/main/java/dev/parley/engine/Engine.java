package dev.parley.engine;

import dev.parley.engine.Admission.Ticket;
import dev.parley.engine.Committer.Submission;
import dev.parley.engine.Shard.Work;
import dev.parley.engine.command.Command;
import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.identity.Identify;
import dev.parley.engine.identity.Identities;
import dev.parley.engine.journal.Disk;
import dev.parley.engine.journal.FolderDisk;
import dev.parley.engine.journal.JournalFullException;
import dev.parley.engine.memory.Waiting;
import dev.parley.engine.session.Sessions;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.StoreException;
import dev.parley.engine.stream.ForkRelease;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.engine.stream.Streams;
import dev.parley.engine.subscription.Subscriptions;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commands in, one order, effects out.
 *
 * <p>A command goes to the committer, which makes it durable in the journal, then to its shard's applier, which turns it
 * into entries and an outcome. Nothing is answered or shown before it is durable. Thread-safe.
 */
public final class Engine implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);
    /** How long a group that is smaller than the last one waits for more. Fewer, larger syncs cost less of the CPU. */
    private static final long GATHER_NANOS = 100_000;

    /** Below this many commands a group, waiting would only delay them. */
    private static final int WORTH_GATHERING = 4;

    /** One sweep ends so many streams that their commands take one part in so many of the room for waiting ones. */
    private static final int ROOM_PER_EXPIRY = 4;

    /** How many pins of forks one sweep gives back that were refused before. */
    private static final int RELEASE_BATCH = 1000;

    /** A message that has not grown for so long is joined to one piece. */
    private static final long GROWTH_PAUSE_MILLIS = 60_000;

    /** How many growing messages one sweep looks at. */
    private static final int GROWING_BATCH = 1000;

    private final EngineOptions options;
    private final DataFolder folder;
    private final DiskRoom room;
    private final Admission admission;
    private final Committer committer;
    private final Streams streams;
    private final Subscriptions subscriptions;
    private final Sessions sessions;
    private final Delivery delivery;
    private final Forks forks;
    private final List<Shard> shards = new ArrayList<>();
    private final List<Inbox<ShardTask>> shardInboxes = new ArrayList<>();
    private final Inbox<CommitterTask> commits = new Inbox<>();
    private final List<Thread> threads = new ArrayList<>();
    private final CallbackLog callbacks = new CallbackLog();
    private final CompletableFuture<Throwable> failure = new CompletableFuture<>();
    /** Where the next sweep goes on among the growing messages; null to begin anew. */
    private byte @Nullable [] growing;

    private volatile boolean stopped;

    /** Null only until the engine is open. */
    private volatile @Nullable Identities identities;

    private sealed interface CommitterTask {
        record Submit(Submission submission) implements CommitterTask {}

        /** Asks every shard to note how far it has come, which is as far as the journal goes now. */
        record Mark(List<CompletableFuture<Long>> marks) implements CommitterTask {}
    }

    private sealed interface ShardTask {
        record Apply(List<Work> batch) implements ShardTask {}

        record Mark(long position, CompletableFuture<Long> done) implements ShardTask {}
    }

    /**
     * Opens the data folder and replays what the store does not reflect yet. Blocks until that is done.
     *
     * @throws IOException with a message for the operator, if the folder is in use, damaged or from another version
     */
    public static Engine open(EngineOptions options) throws IOException {
        FolderPermissions.keepFromOthers(options.folder());
        DiskRoom room = new DiskRoom(options, options.memory().commands()::held);
        Disk disk = new FolderDisk(options.folder().resolve("journal"), room::besidesSegment);
        return open(options, disk, room);
    }

    /** Opens with the journal on {@code disk}, which a test may let fail. */
    static Engine open(EngineOptions options, Disk disk) throws IOException {
        return open(options, disk, new DiskRoom(options, options.memory().commands()::held));
    }

    private static Engine open(EngineOptions options, Disk disk, DiskRoom room) throws IOException {
        Engine engine = replay(options, DataFolder.open(options, disk, room), room);
        engine.identities = Identities.in(engine.folder.store());
        if (engine.identities == null) {
            try {
                engine.identify();
            } catch (IOException e) {
                engine.close();
                throw e;
            }
        }
        return engine;
    }

    private static Engine replay(EngineOptions options, DataFolder folder, DiskRoom room) throws IOException {
        try {
            Engine engine = new Engine(options, folder, room);
            LOG.info("replayed {} commands", Recovery.run(folder.journal(), engine.shards));
            engine.start();
            return engine;
        } catch (StoreException e) {
            folder.close();
            throw folder.explained(e);
        } catch (IOException | RuntimeException e) {
            folder.close();
            throw e;
        }
    }

    private Engine(EngineOptions options, DataFolder folder, DiskRoom room) {
        this.options = options;
        this.folder = folder;
        this.room = room;
        this.admission = new Admission(options.maxWaiting(), options.memory().commands(), room, callbacks);
        Store store = folder.store();
        this.committer = new Committer(folder.journal());
        this.streams = new Streams(store, options.cachedStates());
        this.subscriptions = new Subscriptions(store);
        this.sessions = new Sessions(store, options.cachedStates());
        this.delivery =
                new Delivery(streams, sessions, callbacks, options.memory().windows());
        this.forks = new Forks(this::enqueue, () -> UUID.randomUUID().toString());
        int count = folder.shards();
        for (int i = 0; i < count; i++) {
            shards.add(new Shard(i, store, streams, subscriptions, sessions, delivery, this::release, callbacks));
            shardInboxes.add(new Inbox<>());
        }
    }

    private void start() {
        threads.add(Thread.ofPlatform().name("parley-committer").start(this::commitLoop));
        for (int i = 0; i < shards.size(); i++) {
            Shard shard = shards.get(i);
            Inbox<ShardTask> inbox = shardInboxes.get(i);
            threads.add(Thread.ofPlatform().name("parley-applier-" + i).start(() -> applyLoop(shard, inbox)));
        }
    }

    /** What tells this data folder from others: the same as long as the engine is open, but for {@link #identify()}. */
    public Identities identities() {
        return Objects.requireNonNull(identities, "the engine is open");
    }

    /**
     * Gives the data folder a new identity, so that nothing that was given out before is taken for what is there now. Blocks
     * until that is durable.
     *
     * @throws IOException if the engine refuses or fails
     */
    public void identify() throws IOException {
        boolean isEmpty = shards.stream().allMatch(shard -> shard.applied() == 0);
        CompletableFuture<Identities> applied = new CompletableFuture<>();
        enqueue(new Identify(System.currentTimeMillis(), new SecureRandom().nextLong(), isEmpty), new Reply<>() {
            @Override
            public void done(Identities outcome) {
                applied.complete(outcome);
            }

            @Override
            public void failed(Exception e) {
                applied.completeExceptionally(e);
            }
        });
        try {
            identities = applied.join();
        } catch (CompletionException e) {
            throw new IOException("the data folder has got no identity: " + e.getCause(), e);
        }
    }

    /** What streams are, as far as it is durable and applied. */
    public Streams streams() {
        return streams;
    }

    /** What subscriptions are, as far as it is durable and applied. */
    public Subscriptions subscriptions() {
        return subscriptions;
    }

    /** What sessions are, as far as it is durable and applied. */
    public Sessions sessions() {
        return sessions;
    }

    /** Live reading. */
    public Delivery delivery() {
        return delivery;
    }

    /** Completes if the engine can go on no more; the process should stop, as only a restart mends that. */
    public CompletableFuture<Throwable> failure() {
        return failure;
    }

    /** What has been done since the engine was opened. */
    public EngineTotals totals() {
        return committer.totals(admission.commandNanos(), callbacks.count());
    }

    /** Commands that were accepted and are not answered yet. */
    public int waiting() {
        return admission.waiting();
    }

    /** True if half of the room for waiting commands is taken: who can hold commands back had better do so. */
    public boolean isBusy() {
        return admission.isBusy();
    }

    /**
     * Runs {@code listener} once, as soon as the engine is not busy, which may be at once; on whichever thread makes the
     * room: pass the word on and return. By the time it is passed on, the room may be gone again. Whoever waits has one
     * place in the line at a time, and cancels it when the word is wanted no more; the bound on the line lies with them.
     */
    public Waiting whenRoom(Runnable listener) {
        return admission.whenRoom(listener);
    }

    /**
     * Submits a command. Its reply hears the outcome once the command is durable and applied.
     *
     * @param <O> what may become of it
     */
    public <O> void submit(Command<O> command, Reply<O> reply) {
        if (command instanceof Create create && create.fork() != null) {
            @SuppressWarnings("unchecked") // a Create is a Command<OfCreate>
            Reply<StreamOutcome.OfCreate> created = (Reply<StreamOutcome.OfCreate>) reply;
            forks.create(create, created);
        } else {
            enqueue(command, reply);
        }
    }

    private <O> void enqueue(Command<O> command, Reply<O> reply) {
        if (stopped) {
            reply.failed(new EngineStoppedException("the engine is stopped", failure.getNow(null)));
            return;
        }
        Ticket<O> ticket = admission.admit(command, reply);
        if (ticket != null && !commits.put(new CommitterTask.Submit(new Submission(command, ticket)))) {
            ticket.failed(new EngineStoppedException("the engine is stopped", failure.getNow(null)));
        }
    }

    private void commitLoop() {
        int lastGroup = 0;
        while (true) {
            List<CommitterTask> tasks = commits.take(lastGroup, lastGroup >= WORTH_GATHERING ? GATHER_NANOS : 0);
            lastGroup = tasks.size();
            if (tasks.isEmpty()) {
                shardInboxes.forEach(Inbox::close);
                return;
            }
            List<Submission> submissions = new ArrayList<>(tasks.size());
            List<CommitterTask.Mark> marks = new ArrayList<>();
            for (CommitterTask task : tasks) {
                switch (task) {
                    case CommitterTask.Submit submit -> submissions.add(submit.submission());
                    case CommitterTask.Mark mark -> marks.add(mark);
                }
            }
            try {
                if (failure.isDone()) {
                    throw new IOException("the engine failed earlier", failure.getNow(null));
                }
                committer.commit(
                        submissions,
                        this::dispatch,
                        (refused, reason) -> refused.reply().failed(refusal(reason)));
                for (CommitterTask.Mark mark : marks) {
                    for (int i = 0; i < shards.size(); i++) {
                        shardInboxes
                                .get(i)
                                .put(new ShardTask.Mark(
                                        committer.end(), mark.marks().get(i)));
                    }
                }
                if (commits.isEmpty()) {
                    folder.journal().idle();
                }
            } catch (IOException | RuntimeException | Error e) {
                fail(e);
                EngineStoppedException stop = new EngineStoppedException("the journal failed: " + e.getMessage(), e);
                submissions.forEach(submission -> submission.reply().failed(stop));
                marks.forEach(mark -> mark.marks().forEach(m -> m.completeExceptionally(stop)));
            }
        }
    }

    private static Exception refusal(IOException reason) {
        return reason instanceof JournalFullException
                ? new StorageFullException("the disk is full: " + reason.getMessage(), reason)
                : new CommandTooLargeException("the command is too large: " + reason.getMessage(), reason);
    }

    private void dispatch(List<Work> group) {
        if (shards.size() == 1) {
            toShard(0, group);
            return;
        }
        List<List<Work>> byShard = new ArrayList<>();
        shards.forEach(shard -> byShard.add(new ArrayList<>()));
        for (Work work : group) {
            byShard.get(Shard.indexOf(work.command(), shards.size())).add(work);
        }
        for (int i = 0; i < byShard.size(); i++) {
            if (!byShard.get(i).isEmpty()) {
                toShard(i, byShard.get(i));
            }
        }
    }

    /**
     * Hands a batch to its applier; a small one is applied at once where the applier rests, for waking a thread takes
     * longer than that. Only the committer puts into the inboxes of shards, so an applier that rests goes on to.
     */
    private void toShard(int index, List<Work> batch) {
        Inbox<ShardTask> inbox = shardInboxes.get(index);
        ShardTask task = new ShardTask.Apply(batch);
        if (batch.size() <= WORTH_GATHERING && inbox.isTakerWaiting()) {
            run(shards.get(index), task);
        } else {
            inbox.put(task);
        }
    }

    private void applyLoop(Shard shard, Inbox<ShardTask> inbox) {
        while (true) {
            List<ShardTask> tasks = inbox.take();
            if (tasks.isEmpty()) {
                return;
            }
            for (ShardTask task : tasks) {
                run(shard, task);
            }
        }
    }

    private void run(Shard shard, ShardTask task) {
        try {
            if (failure.isDone()) {
                throw new IllegalStateException("the engine failed earlier", failure.getNow(null));
            }
            switch (task) {
                case ShardTask.Apply apply -> shard.apply(apply.batch());
                case ShardTask.Mark mark -> {
                    shard.mark(mark.position());
                    mark.done().complete(shard.applied());
                }
            }
        } catch (RuntimeException | Error e) {
            // The command is durable but half applied in memory: only replay can tell its outcome now.
            fail(e);
            EngineStoppedException stop = new EngineStoppedException("applying commands failed: " + e.getMessage(), e);
            switch (task) {
                case ShardTask.Apply apply ->
                    apply.batch().stream()
                            .map(Work::reply)
                            .filter(Objects::nonNull)
                            .forEach(reply -> reply.failed(stop));
                case ShardTask.Mark mark -> mark.done().completeExceptionally(stop);
            }
        }
    }

    private void fail(Throwable cause) {
        stopped = true;
        if (failure.complete(cause)) {
            LOG.error("the engine has stopped: {}", cause.getMessage(), cause);
        }
    }

    private void release(ForkRelease release) {
        if (!stopped) {
            forks.release(release, 0);
        }
    }

    /**
     * Lets the store catch up with the journal on disk and frees the journal before that. Blocks; call it now and then,
     * one call at a time.
     */
    public void checkpoint() throws IOException {
        List<CompletableFuture<Long>> marks = new ArrayList<>();
        shards.forEach(shard -> marks.add(new CompletableFuture<>()));
        if (!commits.put(new CommitterTask.Mark(marks))) {
            throw new IOException("the engine is stopped");
        }
        try {
            long upTo = marks.stream().mapToLong(CompletableFuture::join).min().orElseThrow();
            folder.store().flush();
            folder.journal().truncateBefore(upTo);
        } catch (CompletionException e) {
            throw new IOException("no checkpoint: " + e.getCause(), e);
        }
    }

    /**
     * Does what time brings: ends streams whose lifetime is over at {@code now} (milliseconds since 1970), joins messages
     * that have ceased to grow, gives back pins of forks that there was no room for before and looks at the room on the
     * disk. Call it about once a second, one call at a time.
     */
    public void sweep(long now) throws IOException {
        room.look();
        forks.retry(now, RELEASE_BATCH);
        for (var expire : streams.due(now, Math.max(1, options.maxWaiting() / ROOM_PER_EXPIRY))) {
            enqueue(expire, Forks.ignore());
        }
        Sessions.Growing found = sessions.idle(growing, now - GROWTH_PAUSE_MILLIS, now, GROWING_BATCH);
        growing = found.next();
        found.idle().forEach(compact -> enqueue(compact, Forks.ignore()));
    }

    /**
     * Notes that it is {@code now} for certain, in milliseconds since 1970, so that the next start can tell whether its
     * clock may be right. It lasts from the next checkpoint on.
     */
    public void noteTime(long now) {
        folder.noteTime(now);
    }

    /** What {@link #noteTime} was last told, or 0. */
    public long notedTime() {
        return folder.notedTime();
    }

    /** Brings to an end what a crash may have left between two shards. Call it once after opening, at {@code now}. */
    public void mend(long now) {
        forks.recover(streams.releases(), now);
        forks.recover(streams.orphanedPins(), now);
    }

    /** Answers what was accepted, makes a checkpoint and releases the data folder. */
    @Override
    public void close() throws IOException {
        try {
            if (!failure.isDone()) {
                checkpoint();
            }
        } finally {
            stopped = true;
            commits.close();
            for (Thread thread : threads) {
                joinUninterruptibly(thread);
            }
            folder.close();
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
