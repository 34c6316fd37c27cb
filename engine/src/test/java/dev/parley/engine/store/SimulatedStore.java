package dev.parley.engine.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.ListIterator;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** A store in memory. A crash takes it back to some batch since the last flush. */
public final class SimulatedStore implements Store {
    private Map<Table, NavigableMap<byte[], byte[]>> tables = empty();
    private final Map<Table, NavigableMap<byte[], byte[]>> flushed = empty();
    private final List<List<Change>> unflushed = new ArrayList<>();

    private static Map<Table, NavigableMap<byte[], byte[]>> empty() {
        Map<Table, NavigableMap<byte[], byte[]>> tables = new EnumMap<>(Table.class);
        for (Table table : Table.values()) {
            tables.put(table, new TreeMap<>(Arrays::compareUnsigned));
        }
        return tables;
    }

    private static NavigableMap<byte[], byte[]> rows(Map<Table, NavigableMap<byte[], byte[]>> tables, Table table) {
        return Objects.requireNonNull(tables.get(table));
    }

    /** What was written since the last flush, batch by batch. */
    public List<List<Change>> batches() {
        return unflushed;
    }

    /** Forgets some of the last batches. */
    public void crash(RandomGenerator random) {
        unflushed.subList(0, random.nextInt(unflushed.size() + 1)).forEach(batch -> apply(batch, flushed));
        unflushed.clear();
        tables = empty();
        flushed.forEach((table, rows) -> rows(tables, table).putAll(rows));
    }

    @Override
    public byte @Nullable [] get(Table table, byte[] key) {
        return rows(tables, table).get(key);
    }

    private NavigableMap<byte[], byte[]> range(Table table, byte[] from, byte[] to) {
        return rows(tables, table).subMap(from, true, to, false);
    }

    @Override
    public Rows scan(Table table, byte[] from, byte[] to) {
        return rows(range(table, from, to));
    }

    @Override
    public Rows scanBackwards(Table table, byte[] from, byte[] to) {
        return rows(range(table, from, to).descendingMap());
    }

    private static Rows rows(NavigableMap<byte[], byte[]> found) {
        ListIterator<Map.Entry<byte[], byte[]>> rows =
                List.copyOf(found.entrySet()).listIterator();
        return new Rows() {
            private Map.@Nullable Entry<byte[], byte[]> peek() {
                if (!rows.hasNext()) {
                    return null;
                }
                Map.Entry<byte[], byte[]> row = rows.next();
                rows.previous();
                return row;
            }

            @Override
            public byte @Nullable [] nextKey() {
                Map.Entry<byte[], byte[]> row = peek();
                return row == null ? null : row.getKey();
            }

            @Override
            public int nextLength() {
                Map.Entry<byte[], byte[]> row = peek();
                return row == null ? -1 : row.getValue().length;
            }

            @Override
            public @Nullable Row next() {
                return rows.hasNext() ? row(rows.next()) : null;
            }

            @Override
            public void close() {}
        };
    }

    /** The store itself: a simulation takes one step at a time, and no snapshot outlives its step. */
    @Override
    public Moment snapshot() {
        SimulatedStore store = this;
        return new Moment() {
            @Override
            public byte @Nullable [] get(Table table, byte[] key) {
                return store.get(table, key);
            }

            @Override
            public Rows scan(Table table, byte[] from, byte[] to) {
                return store.scan(table, from, to);
            }

            @Override
            public Rows scanBackwards(Table table, byte[] from, byte[] to) {
                return store.scanBackwards(table, from, to);
            }

            @Override
            public void close() {}
        };
    }

    private static Row row(Map.Entry<byte[], byte[]> entry) {
        return new Row(entry.getKey(), entry.getValue());
    }

    @Override
    public void write(List<Change> batch) {
        unflushed.add(List.copyOf(batch));
        apply(batch, tables);
    }

    private static void apply(List<Change> batch, Map<Table, NavigableMap<byte[], byte[]>> tables) {
        for (Change change : batch) {
            switch (change) {
                case Change.Put(Table table, byte[] key, byte[] value) ->
                    rows(tables, table).put(key, value);
                case Change.Remove(Table table, byte[] key) ->
                    rows(tables, table).remove(key);
                case Change.RemoveRange(Table table, byte[] from, byte[] to) ->
                    rows(tables, table).subMap(from, true, to, false).clear();
            }
        }
    }

    @Override
    public long unwrittenBytes() {
        // It takes no room on any disk.
        return 0;
    }

    @Override
    public void flush() {
        unflushed.forEach(batch -> apply(batch, flushed));
        unflushed.clear();
    }

    @Override
    public void close() {}
}
