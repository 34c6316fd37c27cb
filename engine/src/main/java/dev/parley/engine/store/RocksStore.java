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
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
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
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * A store in RocksDB, one column family a table.
 *
 * <p>Its write-ahead log is off, as the journal is the log. Column families are flushed together, so that after a crash
 * the files reflect one moment, which the row written with every batch names.
 */
public final class RocksStore implements Store {
    private static final long MEMTABLE_BYTES = 64L << 20;
    private static final int BLOCK_BYTES = 16 << 10;
    private static final double BLOOM_BITS_PER_KEY = 10;

    static {
        RocksDB.loadLibrary();
    }

    private final RocksDB db;
    private final List<ColumnFamilyHandle> handles = new ArrayList<>();
    private final Map<Table, ColumnFamilyHandle> byTable = new EnumMap<>(Table.class);
    private final List<AutoCloseable> owned = new ArrayList<>();
    private final WriteOptions writeOptions = new WriteOptions().setDisableWAL(true);
    private final ReadOptions readOptions = new ReadOptions();

    /**
     * Opens the database in {@code folder}, making it if it is absent.
     *
     * @param cacheBytes memory for blocks read from disk
     */
    public RocksStore(Path folder, long cacheBytes) {
        try {
            Files.createDirectories(folder);
            LRUCache cache = own(new LRUCache(cacheBytes));
            List<ColumnFamilyDescriptor> families = new ArrayList<>();
            families.add(new ColumnFamilyDescriptor(RocksDB.DEFAULT_COLUMN_FAMILY, own(new ColumnFamilyOptions())));
            for (Table table : Table.values()) {
                families.add(new ColumnFamilyDescriptor(
                        table.name().getBytes(StandardCharsets.US_ASCII), familyOptions(cache)));
            }
            DBOptions options = own(new DBOptions())
                    .setCreateIfMissing(true)
                    .setCreateMissingColumnFamilies(true)
                    .setAtomicFlush(true)
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
            throw new StoreException("cannot open the store in " + folder + ": " + e.getMessage(), e);
        }
    }

    private ColumnFamilyOptions familyOptions(LRUCache cache) {
        BlockBasedTableConfig format = new BlockBasedTableConfig()
                .setBlockCache(cache)
                .setBlockSize(BLOCK_BYTES)
                .setCacheIndexAndFilterBlocks(true)
                .setFilterPolicy(own(new BloomFilter(BLOOM_BITS_PER_KEY)));
        return own(new ColumnFamilyOptions())
                .setTableFormatConfig(format)
                .setWriteBufferSize(MEMTABLE_BYTES)
                .setMaxWriteBufferNumber(3)
                .setCompressionType(CompressionType.LZ4_COMPRESSION)
                .setLevelCompactionDynamicLevelBytes(true);
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
        try {
            return db.get(handle(table), readOptions, key);
        } catch (RocksDBException e) {
            throw new StoreException("cannot read from the store: " + e.getMessage(), e);
        }
    }

    @Override
    public Rows scan(Table table, byte[] from, byte[] to) {
        Slice bound = new Slice(to);
        ReadOptions options = new ReadOptions().setIterateUpperBound(bound);
        RocksIterator rows = db.newIterator(handle(table), options);
        rows.seek(from);
        return new Rows() {
            @Override
            public @Nullable Row next() {
                if (!rows.isValid()) {
                    check(rows);
                    return null;
                }
                Row row = new Row(rows.key(), rows.value());
                rows.next();
                return row;
            }

            @Override
            public void close() {
                rows.close();
                options.close();
                bound.close();
            }
        };
    }

    @Override
    public @Nullable Row last(Table table, byte[] from, byte[] to) {
        try (Slice upper = new Slice(to);
                ReadOptions options = new ReadOptions().setIterateUpperBound(upper);
                RocksIterator rows = db.newIterator(handle(table), options)) {
            rows.seekForPrev(to);
            if (!rows.isValid()) {
                check(rows);
                return null;
            }
            byte[] key = rows.key();
            return Arrays.compareUnsigned(key, from) < 0 ? null : new Row(key, rows.value());
        }
    }

    private static void check(RocksIterator rows) {
        try {
            rows.status();
        } catch (RocksDBException e) {
            throw new StoreException("cannot read from the store: " + e.getMessage(), e);
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
            throw new StoreException("cannot write to the store: " + e.getMessage(), e);
        }
    }

    @Override
    public void flush() {
        try (FlushOptions options = new FlushOptions().setWaitForFlush(true)) {
            db.flush(options, handles);
        } catch (RocksDBException e) {
            throw new StoreException("cannot flush the store: " + e.getMessage(), e);
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
