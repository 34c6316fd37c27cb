package dev.parley.engine;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.journal.CorruptJournalException;
import dev.parley.engine.journal.Disk;
import dev.parley.engine.journal.Journal;
import dev.parley.engine.journal.LocalJournal;
import dev.parley.engine.store.NativeLibrary;
import dev.parley.engine.store.RocksStore;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreDamagedException;
import dev.parley.engine.store.StoreException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The data folder of one engine: its lock, its store and its journal. They are opened in this order and closed in the
 * reverse order.
 */
final class DataFolder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DataFolder.class);
    private static final byte[] TIME_KEY = "time".getBytes(StandardCharsets.UTF_8);
    private static final byte[] SHARDS_KEY = "shards".getBytes(StandardCharsets.UTF_8);

    /** Names in the folder. */
    static final String STORE = "store";

    static final String JOURNAL = "journal";

    private final EngineOptions options;
    private final Disk disk;
    private final DiskRoom room;
    private final FileChannel lock;
    private final Store store;
    private final Journal journal;

    /** Held while the store is asked about itself, so that a closed store is not asked. */
    private final Object storeLock = new Object();

    @GuardedBy("storeLock")
    private boolean storeClosed;

    private DataFolder(
            EngineOptions options, Disk disk, DiskRoom room, FileChannel lock, Store store, Journal journal) {
        this.options = options;
        this.disk = disk;
        this.room = room;
        this.lock = lock;
        this.store = store;
        this.journal = journal;
    }

    /**
     * Opens the folder, with the journal on {@code disk}.
     *
     * @param room is told of the store while the store is open
     * @throws IOException with a message for the operator, if the folder is in use, damaged or written by another
     *     version
     */
    static DataFolder open(EngineOptions options, Disk disk, DiskRoom room) throws IOException {
        FileChannel lock = lock(options.folder());
        try {
            FormatFile.enter(options.folder());
            NativeLibrary.load(options.folder().resolve("native"));
            Store store = new RocksStore(
                    options.folder().resolve(STORE), options.cacheBytes(), options.memtableBytes(), options.mayRead());
            room.isFor(store);
            try {
                if (store.get(Table.META, SHARDS_KEY) != null && !LocalJournal.existsOn(disk)) {
                    throw new CorruptJournalException("the journal of " + options.folder()
                            + " is missing, but its store is not: restore the folder from a backup");
                }
                Journal journal = new LocalJournal(
                        disk,
                        options.segmentBytes(),
                        options.maxRecordBytes(),
                        task -> Thread.ofVirtual().name("journal-segment").start(task));
                return new DataFolder(options, disk, room, lock, store, journal);
            } catch (IOException | RuntimeException e) {
                room.isFor(null);
                store.close();
                throw e;
            }
        } catch (StoreException e) {
            lock.close();
            throw explained(e, options.folder(), disk);
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private static FileChannel lock(Path folder) throws IOException {
        Files.createDirectories(folder);
        FileChannel channel =
                FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock held = channel.tryLock();
            if (held != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            LOG.debug("held by this process", e);
        }
        channel.close();
        throw new IOException("the data folder " + folder + " is in use by another Parley server");
    }

    /** Explains a failure of the store to the operator who wanted to open the folder. */
    IOException explained(StoreException failure) throws IOException {
        return explained(failure, options.folder(), disk);
    }

    private static IOException explained(StoreException failure, Path folder, Disk disk) throws IOException {
        if (!(failure instanceof StoreDamagedException)) {
            return new IOException(failure.getMessage(), failure);
        }
        String advice = LocalJournal.isWholeOn(disk)
                ? "The journal is there from its beginning and makes a new store: move " + folder.resolve(STORE)
                        + " away and start again"
                : "Restore the data folder from a backup";
        return new IOException("the store is damaged: " + failure.getMessage() + ". " + advice, failure);
    }

    Store store() {
        return store;
    }

    Journal journal() {
        return journal;
    }

    /** The memory outside the heap that the store holds; 0 when it is closed. */
    long storeBytes() {
        synchronized (storeLock) {
            return storeClosed ? 0 : store.memoryBytes();
        }
    }

    /**
     * Number of shards for which the folder was created. Names are assigned to shards by this number, so it never
     * changes.
     */
    int shards() {
        byte[] recorded = store.get(Table.META, SHARDS_KEY);
        if (recorded != null) {
            return (int) new BinaryReader(recorded).varint();
        }
        store.write(List.of(new Store.Change.Put(
                Table.META,
                SHARDS_KEY,
                new BinaryWriter(2).varint(options.shards()).toBytes())));
        store.flush();
        return options.shards();
    }

    /** See {@link Engine#noteTime}. */
    void noteTime(long now) {
        store.write(List.of(new Store.Change.Put(
                Table.META, TIME_KEY, new BinaryWriter(8).fixed64(now).toBytes())));
    }

    /** The time that was last passed to {@link #noteTime}, or 0. */
    long notedTime() {
        byte[] noted = store.get(Table.META, TIME_KEY);
        return noted == null ? 0 : new BinaryReader(noted).fixed64();
    }

    /** Closes everything. Nobody may use the store or the journal afterwards. */
    @Override
    public void close() throws IOException {
        try {
            journal.close();
        } finally {
            room.isFor(null);
            synchronized (storeLock) {
                storeClosed = true;
            }
            store.close();
            lock.close();
        }
    }
}
