package dev.parley.engine;

import dev.parley.engine.command.Command;
import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.identity.Identify;
import dev.parley.engine.identity.Identities;
import dev.parley.engine.journal.Disk;
import dev.parley.engine.journal.FolderDisk;
import dev.parley.engine.memory.Waiting;
import dev.parley.engine.session.Sessions;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.StoreException;
import dev.parley.engine.stream.Streams;
import dev.parley.engine.subscription.Subscriptions;
import java.io.IOException;
import java.security.SecureRandom;
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

    private final DataFolder folder;
    private final Admission admission;
    private final Projections projections;
    private final EngineThreads threads;
    private final Pipeline pipeline;
    private final Chores chores;
    private final CallbackLog callbacks = new CallbackLog();
    private final CompletableFuture<Throwable> failure = new CompletableFuture<>();

    /** Null only until the engine is open. */
    private volatile @Nullable Identities identities;

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
            LOG.info("replayed {} commands", engine.pipeline.recover());
            engine.threads.start(engine.pipeline);
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
        this.folder = folder;
        this.admission = new Admission(options.maxWaiting(), options.memory().commands(), room, callbacks);
        Store store = folder.store();
        Streams streams = new Streams(store, options.cachedStates());
        Sessions sessions = new Sessions(store, options.cachedStates());
        this.projections = new Projections(
                streams,
                new Subscriptions(store),
                sessions,
                new Delivery(streams, sessions, callbacks, options.memory().windows()));
        int shards = folder.shards();
        this.threads = new EngineThreads(shards);
        this.pipeline = new Pipeline(
                store,
                folder.journal(),
                shards,
                projections,
                admission,
                () -> UUID.randomUUID().toString(),
                callbacks,
                this::failed,
                threads);
        this.chores = new Chores(pipeline, room, Chores.Portions.of(options.maxWaiting()));
    }

    private void failed(Throwable cause) {
        LOG.error("the engine has stopped: {}", cause.getMessage(), cause);
        failure.complete(cause);
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
        CompletableFuture<Identities> applied = new CompletableFuture<>();
        Identify identify = new Identify(System.currentTimeMillis(), new SecureRandom().nextLong(), pipeline.isEmpty());
        pipeline.submit(identify, new Reply<>() {
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
        return projections.streams();
    }

    /** What subscriptions are, as far as it is durable and applied. */
    public Subscriptions subscriptions() {
        return projections.subscriptions();
    }

    /** What sessions are, as far as it is durable and applied. */
    public Sessions sessions() {
        return projections.sessions();
    }

    /** Live reading. */
    public Delivery delivery() {
        return projections.delivery();
    }

    /** Completes if the engine can go on no more; the process should stop, as only a restart mends that. */
    public CompletableFuture<Throwable> failure() {
        return failure;
    }

    /** What has been done since the engine was opened. */
    public EngineTotals totals() {
        return pipeline.totals(callbacks.count());
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
        pipeline.submit(command, reply);
    }

    /**
     * Lets the store catch up with the journal on disk and frees the journal before that. Blocks; call it now and then,
     * one call at a time.
     */
    public void checkpoint() throws IOException {
        pipeline.finish(pipeline.checkpoint());
    }

    /**
     * Does what time brings: ends streams whose lifetime is over at {@code now} (milliseconds since 1970), joins messages
     * that have ceased to grow, gives back pins of forks that there was no room for before and looks at the room on the
     * disk. Call it about once a second, one call at a time.
     */
    public void sweep(long now) throws IOException {
        chores.sweep(now);
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
        chores.mend(now);
    }

    /** Answers what was accepted, makes a checkpoint and releases the data folder. */
    @Override
    public void close() throws IOException {
        try {
            if (!failure.isDone()) {
                checkpoint();
            }
        } finally {
            pipeline.stop();
            threads.close();
            folder.close();
        }
    }
}
