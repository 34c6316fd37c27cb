package dev.parley.engine;

import dev.parley.engine.command.Command;
import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.identity.Identify;
import dev.parley.engine.identity.Identities;
import dev.parley.engine.journal.Disk;
import dev.parley.engine.journal.FolderDisk;
import dev.parley.engine.journal.LocalLog;
import dev.parley.engine.life.Boot;
import dev.parley.engine.life.Lives;
import dev.parley.engine.memory.Waiting;
import dev.parley.engine.registry.Registry;
import dev.parley.engine.session.machine.IndexBuild;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.StoreException;
import dev.parley.engine.stream.Streams;
import dev.parley.engine.subscription.Subscriptions;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The entrance to the engine: it takes commands and answers with their outcomes.
 *
 * <p>A command goes to the committer, which makes it durable in the journal, and then to the applier of its shard,
 * which turns it into entries and an outcome. Nothing is answered or shown to readers before it is durable.
 * Thread-safe.
 */
public final class Engine implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

    /** The only node of a local log. */
    private static final long LOCAL_NODE = 0;

    private final DataFolder folder;
    private final Admission admission;
    private final Projections projections;
    private final EngineThreads threads;
    private final Pipeline pipeline;
    private final Chores chores;
    private final Purging purging;
    private final CallbackLog callbacks = new CallbackLog();
    /** Held while parts of the journal may be freed, and while they are copied. */
    private final Object freeing = new Object();

    private final CompletableFuture<Throwable> failure = new CompletableFuture<>();

    /** Null only until the engine is open. */
    private volatile @Nullable Identities identities;

    /**
     * Opens the data folder and replays the part of the journal that the store does not reflect yet. Blocks until that
     * is done.
     *
     * @throws IOException with a message for the operator, if the folder is in use, damaged or written by another
     *     version
     */
    public static Engine open(EngineOptions options) throws IOException {
        FolderPermissions.keepFromOthers(options.folder());
        DiskRoom room = new DiskRoom(options, options.memory().commands()::held);
        Disk disk = new FolderDisk(options.folder().resolve(DataFolder.JOURNAL), room::besidesSegment);
        return open(options, disk, room);
    }

    /** Opens an engine whose journal is on {@code disk}. A test may pass a disk that fails. */
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
            IndexBuild.ifMissing(folder.store(), engine.projections.sessions());
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
                new Subscriptions(store, options.memory().subscriptions()),
                sessions,
                new Registry(store),
                new Delivery(streams, sessions, callbacks, options.memory().windows()));
        int shards = folder.shards();
        this.threads = new EngineThreads(shards);
        this.pipeline = new Pipeline(
                store,
                new LocalLog(folder.journal()),
                shards,
                projections,
                admission,
                new PinIds("", () -> UUID.randomUUID().toString()),
                callbacks,
                this::failed,
                threads);
        this.chores = new Chores(
                pipeline, room, Chores.Portions.of(options.maxWaiting(), options.stallAfterMillis()), LOCAL_NODE);
        this.purging = new Purging(pipeline, store);
    }

    private void failed(Throwable cause) {
        LOG.error("the engine has stopped: {}", cause.getMessage(), cause);
        failure.complete(cause);
    }

    /**
     * The identities of this data folder, which distinguish it from all others. They only change by {@link #identify()}
     * while the engine is open.
     */
    public Identities identities() {
        return Objects.requireNonNull(identities, "the engine is open");
    }

    /**
     * Gives the data folder a new identity, so that no offset or tag that was given out before is valid for new data.
     * Blocks until the identity is durable.
     *
     * @throws IOException if the engine refuses or fails
     */
    public void identify() throws IOException {
        Identify identify = new Identify(System.currentTimeMillis(), new SecureRandom().nextLong(), pipeline.isEmpty());
        try {
            identities = submit(identify).join();
        } catch (CompletionException e) {
            throw new IOException("the data folder has got no identity: " + e.getCause(), e);
        }
    }

    /** The lives of nodes that the log knows. */
    public Lives lives() {
        return Lives.in(folder.store());
    }

    /**
     * Begins a life: all connections of the lives before are lost, and {@link #depart} tells this to the sessions in which they
     * have left something. Called once after opening. Blocks until the life is durable, and returns its number.
     *
     * @param now in milliseconds since 1970
     * @param earlier what sessions are told of these connections. It is called by {@link #depart}
     * @throws CompletionException if the engine refuses or fails
     */
    public long boot(long now, EarlierConnections earlier) {
        long life = submit(new Boot(now, LOCAL_NODE)).join();
        chores.begin(earlier);
        return life;
    }

    /** The streams, as far as their commands are durable and applied. */
    public Streams streams() {
        return projections.streams();
    }

    /** The subscriptions, as far as their commands are durable and applied. */
    public Subscriptions subscriptions() {
        return projections.subscriptions();
    }

    /** The sessions, as far as their commands are durable and applied. */
    public Sessions sessions() {
        return projections.sessions();
    }

    /** Apps that were made and revocations of tokens, as far as their commands are durable and applied. */
    public Registry registry() {
        return projections.registry();
    }

    /** The live readers of streams and sessions. */
    public Delivery delivery() {
        return projections.delivery();
    }

    /**
     * Completes if the engine cannot continue. The process should then stop, because only a restart can repair the
     * engine.
     */
    public CompletableFuture<Throwable> failure() {
        return failure;
    }

    /** What the engine has done since it was opened. */
    public EngineTotals totals() {
        return pipeline.totals(callbacks.count());
    }

    /** Memory outside the heap that the store holds: what is not written yet, and what is cached. */
    public long storeBytes() {
        return folder.storeBytes();
    }

    /** Number of commands that were accepted and are not answered yet. */
    public int waiting() {
        return admission.waiting();
    }

    /** True if half of the room for waiting commands is used. Callers that can hold commands back should do so. */
    public boolean isBusy() {
        return admission.isBusy();
    }

    /**
     * Runs {@code listener} once, as soon as the engine is not busy. This may be at once. The listener runs on the
     * thread that makes the room, so it must hand the work over to another thread and return. By then the room may be
     * used up again. A caller should wait with one listener at a time, and must cancel it when it no longer needs it;
     * the callers are responsible for the bound on the number of listeners.
     */
    public Waiting whenRoom(Runnable listener) {
        return admission.whenRoom(listener);
    }

    /**
     * Submits a command. Its reply receives the outcome once the command is durable and applied.
     *
     * @param <O> the type of the outcome
     */
    public <O> void submit(Command<O> command, Reply<O> reply) {
        pipeline.submit(command, reply);
    }

    /**
     * As {@link #submit(Command, Reply)}, for a caller that waits. The future is completed on an engine thread, so what is
     * chained to it must not take time.
     */
    public <O> CompletableFuture<O> submit(Command<O> command) {
        CompletableFuture<O> outcome = new CompletableFuture<>();
        submit(command, Reply.to(outcome));
        return outcome;
    }

    /**
     * Makes a checkpoint: writes the store to disk and frees the part of the journal that the store now reflects.
     * Blocks. Called from time to time, one call at a time.
     */
    public void checkpoint() throws IOException {
        synchronized (freeing) {
            pipeline.finish(pipeline.checkpoint());
        }
    }

    /**
     * Copies all data of the engine into {@code folder}, which does not exist and becomes its owner's alone, while the engine goes on. The copy opens as this folder would
     * after a crash at some moment after this call, and so has everything that was answered before it. Returns when the copy is on
     * the medium. Checkpoints wait meanwhile. Blocks, perhaps for long.
     */
    public void copyTo(Path folder) throws IOException {
        synchronized (freeing) {
            try {
                FolderPermissions.keepFromOthers(folder);
                pipeline.copyTo(folder, DataFolder.STORE, DataFolder.JOURNAL);
                FormatFile.enter(folder);
            } catch (StoreException e) {
                throw new IOException(e.getMessage(), e);
            }
        }
    }

    /**
     * Removes from the files what is left in them of sessions that were erased, if there are any. Makes a checkpoint. Called from
     * time to time, not at the same time as {@link #checkpoint}; blocks, perhaps for long.
     *
     * @param now in milliseconds since 1970
     */
    public void purge(long now) throws IOException {
        synchronized (freeing) {
            purging.run(now);
        }
    }

    /**
     * Does the periodic work: ends streams whose lifetime is over at {@code now} (milliseconds since 1970), merges
     * messages that no longer grow, gives back pins of forks that were refused before for lack of room, and checks the
     * free disk space. Called about once a second, one call at a time.
     */
    public void sweep(long now) throws IOException {
        chores.sweep(now);
    }

    /**
     * Does what is due at {@code now} (milliseconds since 1970) for connections that were lost, once the life has begun:
     * their members leave, their runs end, and later their requests are forgotten. First it tells sessions of connections that
     * earlier lives have left. Gives the control of sessions back whose time is over, takes back wakes of agents, and closes
     * requests that nobody has answered in time. Called several times a second, one call at a time; blocks on the disk.
     */
    public void depart(long now) {
        chores.depart(now);
        chores.giveBack(now);
        chores.expireWakes(now);
    }

    /**
     * Records {@code now}, in milliseconds since 1970, as a time that is certain, so that the next start can judge
     * whether its clock is plausible. The record becomes durable with the next checkpoint.
     */
    public void noteTime(long now) {
        folder.noteTime(now);
    }

    /** The time that was last passed to {@link #noteTime}, or 0. */
    public long notedTime() {
        return folder.notedTime();
    }

    /**
     * Completes what a crash may have left unfinished between two shards. Called once after opening, at {@code now}.
     */
    public void mend(long now) {
        chores.mend(now);
    }

    /** Answers all accepted commands, makes a checkpoint and releases the data folder. */
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
