package dev.parley.engine.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.ListIterator;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** A store in memory. A crash takes it back to some batch since the last flush. */
public final class SimulatedStore implements Store {
    private Map<Table, NavigableMap<byte[], byte[]>> tables = empty();
    private final Map<Table, NavigableMap<byte[], byte[]>> flushed = empty();
    private final List<List<Change>> unflushed = new ArrayList<>();

    /** Snapshots that are open. As long as there are some, what they show is not written to. */
    private final Set<Snapshot> snapshots = new HashSet<>();

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
        snapshots.clear();
        tables = copy(flushed);
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

    @Override
    public Moment snapshot() {
        Snapshot opened = new Snapshot(tables);
        snapshots.add(opened);
        return opened;
    }

    /** The tables as they were. */
    private final class Snapshot implements Moment {
        private final Map<Table, NavigableMap<byte[], byte[]>> then;

        Snapshot(Map<Table, NavigableMap<byte[], byte[]>> then) {
            this.then = then;
        }

        /** Whether writing to these very tables would change what it shows. */
        @SuppressWarnings("ReferenceEquality")
        private boolean holds(Map<Table, NavigableMap<byte[], byte[]>> tables) {
            return then == tables;
        }

        private NavigableMap<byte[], byte[]> table(Table table) {
            if (!snapshots.contains(this)) {
                throw new IllegalStateException("this snapshot is closed, or a crash has ended it");
            }
            return rows(then, table);
        }

        @Override
        public byte @Nullable [] get(Table table, byte[] key) {
            return table(table).get(key);
        }

        @Override
        public Rows scan(Table table, byte[] from, byte[] to) {
            return rows(table(table).subMap(from, true, to, false));
        }

        @Override
        public Rows scanBackwards(Table table, byte[] from, byte[] to) {
            return rows(table(table).subMap(from, true, to, false).descendingMap());
        }

        @Override
        public void close() {
            snapshots.remove(this);
        }
    }

    private static Map<Table, NavigableMap<byte[], byte[]>> copy(Map<Table, NavigableMap<byte[], byte[]>> tables) {
        Map<Table, NavigableMap<byte[], byte[]>> copy = empty();
        tables.forEach((table, rows) -> rows(copy, table).putAll(rows));
        return copy;
    }

    private static Row row(Map.Entry<byte[], byte[]> entry) {
        return new Row(entry.getKey(), entry.getValue());
    }

    @Override
    public void write(List<Change> batch) {
        unflushed.add(List.copyOf(batch));
        if (snapshots.stream().anyMatch(snapshot -> snapshot.holds(tables))) {
            tables = copy(tables);
        }
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
    public long newestChange() {
        return 0;
    }

    @Override
    public boolean purge(List<Range> ranges, long change) {
        return true;
    }

    @Override
    public long unwrittenBytes() {
        // It takes no room on any disk.
        return 0;
    }

    @Override
    public long memoryBytes() {
        // All of it is on the heap.
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
