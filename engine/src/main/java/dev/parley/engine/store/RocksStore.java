package dev.parley.engine.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Checkpoint;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompactRangeOptions;
import org.rocksdb.CompactRangeOptions.BottommostLevelCompaction;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.FlushOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.Snapshot;
import org.rocksdb.Status;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * A store in RocksDB, with one column family for each table.
 *
 * <p>RocksDB's write-ahead log is off, because the journal is the log. All column families are flushed together. After
 * a crash, the files therefore reflect one moment, and a row that is written with every batch says which.
 */
public final class RocksStore implements Store {
    /** The size that one table may have in memory before all tables are flushed. */
    private static final long MEMTABLE_BYTES = 64L << 20;

    /** One table may have this part of the memory of all tables. */
    private static final int ALL_PER_MEMTABLE = 4;

    /** The part of a table's memory that is taken at a time. It is small, because most tables have little in memory. */
    private static final int MEMTABLE_PER_PIECE = 64;

    /** The message by which RocksDB says that one of its files is missing. There is no code for this. */
    private static final String MISSING = "No such file or directory";

    /** A value up to this size is read once, even if its length was asked for first. */
    private static final int PEEKED_BYTES = 1 << 10;

    /** A key outside of all tables, so that a purge has something to flush. */
    private static final byte[] PURGED = "purged".getBytes(StandardCharsets.US_ASCII);

    private static final String READER = "the store is read on a thread that must not wait for the disk";
    private static final int BLOCK_BYTES = 16 << 10;
    private static final double BLOOM_BITS_PER_KEY = 10;

    static {
        // Does nothing if NativeLibrary has loaded the library.
        RocksDB.loadLibrary();
    }

    private final RocksDB db;
    private final List<ColumnFamilyHandle> handles = new ArrayList<>();
    private final Map<Table, ColumnFamilyHandle> byTable = new EnumMap<>(Table.class);
    private final List<AutoCloseable> owned = new ArrayList<>();
    private final WriteOptions writeOptions = new WriteOptions().setDisableWAL(true);
    private final ReadOptions readOptions = new ReadOptions();
    private final BooleanSupplier mayRead;

    /** Opens the database in {@code folder} for any thread, see {@link #RocksStore(Path, long, long, BooleanSupplier)}. */
    public RocksStore(Path folder, long cacheBytes, long memtableBytes) {
        this(folder, cacheBytes, memtableBytes, () -> true);
    }

    /**
     * Opens the database in {@code folder}, or creates it.
     *
     * @param cacheBytes the memory for blocks that are read from disk
     * @param memtableBytes the memory for data that is not written to disk yet; somewhat more is used while data is
     *     being written
     * @param mayRead whether the calling thread may wait for the disk; asked before each read if assertions are on
     */
    public RocksStore(Path folder, long cacheBytes, long memtableBytes, BooleanSupplier mayRead) {
        this.mayRead = mayRead;
        try {
            Files.createDirectories(folder);
            LRUCache cache = own(new LRUCache(cacheBytes));
            List<ColumnFamilyDescriptor> families = new ArrayList<>();
            families.add(new ColumnFamilyDescriptor(RocksDB.DEFAULT_COLUMN_FAMILY, own(new ColumnFamilyOptions())));
            for (Table table : Table.values()) {
                families.add(new ColumnFamilyDescriptor(
                        table.folderName().getBytes(StandardCharsets.US_ASCII), familyOptions(cache, memtableBytes)));
            }
            DBOptions options = own(newManifests())
                    .setCreateIfMissing(true)
                    .setCreateMissingColumnFamilies(true)
                    .setAtomicFlush(true)
                    .setDbWriteBufferSize(memtableBytes)
                    .setMaxBackgroundJobs(2)
                    .setKeepLogFileNum(2)
                    .setMaxOpenFiles(1024)
                    .setInfoLogLevel(InfoLogLevel.WARN_LEVEL);
            db = RocksDB.open(options, folder.toString(), families, handles);
            Iterator<ColumnFamilyHandle> opened =
                    handles.subList(1, handles.size()).iterator();
            for (Table table : Table.values()) {
                byTable.put(table, opened.next());
            }
        } catch (RocksDBException | IOException e) {
            closeAll(owned);
            throw failure("cannot open the store in " + folder, e);
        }
    }

    /**
     * Options by which RocksDB begins a new manifest with each change of its files. A manifest has the first and the last key of each
     * file, and would have those of files that are gone until it is large.
     */
    private static DBOptions newManifests() {
        Properties properties = new Properties();
        properties.setProperty("max_manifest_file_size", "1");
        properties.setProperty("max_manifest_space_amp_pct", "0");
        return Objects.requireNonNull(DBOptions.getDBOptionsFromProps(properties), "options that RocksDB knows");
    }

    private ColumnFamilyOptions familyOptions(LRUCache cache, long memtableBytes) {
        BlockBasedTableConfig format = new BlockBasedTableConfig()
                .setBlockCache(cache)
                .setBlockSize(BLOCK_BYTES)
                .setCacheIndexAndFilterBlocks(true)
                .setFilterPolicy(own(new BloomFilter(BLOOM_BITS_PER_KEY)));
        long bytes = Math.min(MEMTABLE_BYTES, memtableBytes / ALL_PER_MEMTABLE);
        return own(new ColumnFamilyOptions())
                .setTableFormatConfig(format)
                .setWriteBufferSize(bytes)
                .setArenaBlockSize(bytes / MEMTABLE_PER_PIECE)
                .setMaxWriteBufferNumber(3)
                .setCompressionType(CompressionType.LZ4_COMPRESSION)
                .setLevelCompactionDynamicLevelBytes(true);
    }

    private static StoreException failure(String what, Exception cause) {
        String message = what + ": " + cause.getMessage();
        Status status = cause instanceof RocksDBException e ? e.getStatus() : null;
        boolean damage = status != null && (status.getCode() == Status.Code.Corruption || message.contains(MISSING));
        return damage ? new StoreDamagedException(message, cause) : new StoreException(message, cause);
    }

    private <T extends AutoCloseable> T own(T resource) {
        owned.add(resource);
        return resource;
    }

    private ColumnFamilyHandle handle(Table table) {
        return Objects.requireNonNull(byTable.get(table));
    }

    @Override
    public byte @Nullable [] get(Table table, byte[] key) {
        return get(table, key, readOptions);
    }

    private byte @Nullable [] get(Table table, byte[] key, ReadOptions options) {
        assert mayRead.getAsBoolean() : READER;
        try {
            return db.get(handle(table), options, key);
        } catch (RocksDBException e) {
            throw failure("cannot read from the store", e);
        }
    }

    @Override
    public Rows scan(Table table, byte[] from, byte[] to) {
        return new RowsBetween(table, from, to, null, false);
    }

    @Override
    public Rows scanBackwards(Table table, byte[] from, byte[] to) {
        return new RowsBetween(table, from, to, null, true);
    }

    @Override
    public Moment snapshot() {
        assert mayRead.getAsBoolean() : READER;
        return new RocksMoment(db.getSnapshot());
    }

    private final class RocksMoment implements Moment {
        private final Snapshot snapshot;
        private final ReadOptions options;

        RocksMoment(Snapshot snapshot) {
            this.snapshot = snapshot;
            this.options = new ReadOptions().setSnapshot(snapshot);
        }

        @Override
        public byte @Nullable [] get(Table table, byte[] key) {
            return RocksStore.this.get(table, key, options);
        }

        @Override
        public Rows scan(Table table, byte[] from, byte[] to) {
            return new RowsBetween(table, from, to, snapshot, false);
        }

        @Override
        public Rows scanBackwards(Table table, byte[] from, byte[] to) {
            return new RowsBetween(table, from, to, snapshot, true);
        }

        @Override
        public void close() {
            options.close();
            db.releaseSnapshot(snapshot);
        }
    }

    private final class RowsBetween implements Rows {
        private final Slice lower;
        private final Slice upper;
        private final ReadOptions options;
        private final RocksIterator rows;
        private final boolean backwards;

        /** The beginning of the next value, if it was looked at; created when it is needed. */
        private byte @Nullable [] peeked;

        /** The length of the next value, or -1 if it is not known yet. */
        private int length = -1;

        RowsBetween(Table table, byte[] from, byte[] to, @Nullable Snapshot snapshot, boolean backwards) {
            assert mayRead.getAsBoolean() : READER;
            this.lower = new Slice(from);
            this.upper = new Slice(to);
            this.options = new ReadOptions().setIterateLowerBound(lower).setIterateUpperBound(upper);
            if (snapshot != null) {
                options.setSnapshot(snapshot);
            }
            this.rows = db.newIterator(handle(table), options);
            this.backwards = backwards;
            if (backwards) {
                rows.seekToLast();
            } else {
                rows.seekToFirst();
            }
        }

        @Override
        public byte @Nullable [] nextKey() {
            if (!rows.isValid()) {
                check(rows);
                return null;
            }
            return rows.key();
        }

        @Override
        public int nextLength() {
            if (!rows.isValid()) {
                check(rows);
                return -1;
            }
            if (peeked == null) {
                peeked = new byte[PEEKED_BYTES];
            }
            length = rows.value(peeked);
            return length;
        }

        @Override
        public @Nullable Row next() {
            if (!rows.isValid()) {
                check(rows);
                return null;
            }
            byte[] value = peeked != null && length >= 0 && length <= PEEKED_BYTES
                    ? Arrays.copyOf(peeked, length)
                    : rows.value();
            length = -1;
            Row row = new Row(rows.key(), value);
            if (backwards) {
                rows.prev();
            } else {
                rows.next();
            }
            return row;
        }

        @Override
        public void close() {
            rows.close();
            options.close();
            upper.close();
            lower.close();
        }
    }

    private static void check(RocksIterator rows) {
        try {
            rows.status();
        } catch (RocksDBException e) {
            throw failure("cannot read from the store", e);
        }
    }

    @Override
    public void write(List<Change> batch) {
        try (WriteBatch changes = new WriteBatch()) {
            for (Change change : batch) {
                switch (change) {
                    case Change.Put(Table table, byte[] key, byte[] value) -> changes.put(handle(table), key, value);
                    case Change.Remove(Table table, byte[] key) -> changes.delete(handle(table), key);
                    case Change.RemoveRange(Table table, byte[] from, byte[] to) ->
                        changes.deleteRange(handle(table), from, to);
                }
            }
            db.write(writeOptions, changes);
        } catch (RocksDBException e) {
            throw failure("cannot write to the store", e);
        }
    }

    @Override
    public void flush() {
        try (FlushOptions options = new FlushOptions().setWaitForFlush(true)) {
            db.flush(options, handles);
        } catch (RocksDBException e) {
            throw failure("cannot flush the store", e);
        }
    }

    @Override
    public void copyTo(Path folder) {
        // Without a write-ahead log, this first flushes all tables together, as the store's own checkpoints do.
        try (Checkpoint checkpoint = Checkpoint.create(db)) {
            checkpoint.createCheckpoint(folder.toString());
        } catch (RocksDBException e) {
            throw failure("cannot copy the store to " + folder, e);
        }
    }

    @Override
    public long newestChange() {
        return db.getLatestSequenceNumber();
    }

    @Override
    public boolean purge(List<Range> ranges, long change) {
        try (CompactRangeOptions options =
                new CompactRangeOptions().setBottommostLevelCompaction(BottommostLevelCompaction.kForce)) {
            // 0 if there is none.
            long oldest = db.getLongProperty("rocksdb.oldest-snapshot-sequence");
            if (oldest != 0 && oldest <= change) {
                return false;
            }
            for (Range range : ranges) {
                db.compactRange(handle(range.table()), range.from(), range.to(), options);
            }
            // The manifest of the last compaction may begin with the files before it, and the next one does not.
            db.put(
                    handles.getFirst(),
                    writeOptions,
                    PURGED,
                    Long.toString(change).getBytes(StandardCharsets.US_ASCII));
            flush();
            return true;
        } catch (RocksDBException e) {
            throw failure("cannot rewrite files of the store", e);
        }
    }

    @Override
    public long unwrittenBytes() {
        try {
            return db.getAggregatedLongProperty("rocksdb.cur-size-all-mem-tables");
        } catch (RocksDBException e) {
            throw failure("cannot ask the store for the size of its memory", e);
        }
    }

    @Override
    public long memoryBytes() {
        try {
            return db.getAggregatedLongProperty("rocksdb.size-all-mem-tables")
                    // One cache for all tables.
                    + db.getLongProperty(handle(Table.META), "rocksdb.block-cache-usage");
        } catch (RocksDBException e) {
            throw failure("cannot ask the store for the size of its memory", e);
        }
    }

    @Override
    public void close() {
        handles.forEach(ColumnFamilyHandle::close);
        db.close();
        writeOptions.close();
        readOptions.close();
        closeAll(owned);
    }

    private static void closeAll(List<AutoCloseable> resources) {
        for (AutoCloseable resource : resources.reversed()) {
            try {
                resource.close();
            } catch (Exception e) {
                throw new StoreException("cannot release the store's memory", e);
            }
        }
    }
}
