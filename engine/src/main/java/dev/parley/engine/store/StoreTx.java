package dev.parley.engine.store;

import dev.parley.engine.store.Store.Change;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Changes that are to be written as one batch, and reads that already see them. Not thread-safe: rows that are iterated
 * over must be closed before the next change.
 *
 * <p>Reads do not see {@link #append}, which is for rows that are read only after the batch.
 */
public final class StoreTx implements View {
    private final Store store;
    private final List<Change> changes = new ArrayList<>();
    private final Map<Table, NavigableMap<byte[], Optional<byte[]>>> seen = new EnumMap<>(Table.class);
    private final Map<Table, List<Change.RemoveRange>> removed = new EnumMap<>(Table.class);

    /** Starts an empty batch over {@code store}. */
    public StoreTx(Store store) {
        this.store = store;
    }

    @Override
    public byte @Nullable [] get(Table table, byte[] key) {
        NavigableMap<byte[], Optional<byte[]>> rows = seen.get(table);
        Optional<byte[]> changed = rows == null ? null : rows.get(key);
        if (changed != null) {
            return changed.orElse(null);
        }
        return isRemoved(table, key) ? null : store.get(table, key);
    }

    @Override
    public Rows scan(Table table, byte[] from, byte[] to) {
        return new MergedRows(
                store.scan(table, from, to), ranges(table), rows(table).subMap(from, true, to, false), false);
    }

    @Override
    public Rows scanBackwards(Table table, byte[] from, byte[] to) {
        return new MergedRows(
                store.scanBackwards(table, from, to),
                ranges(table),
                rows(table).subMap(from, true, to, false).descendingMap(),
                true);
    }

    /** Sets a value. */
    public void put(Table table, byte[] key, byte[] value) {
        remember(table, key, Optional.of(value));
        changes.add(new Change.Put(table, key, value));
    }

    /** Sets a value that nothing in this batch reads. */
    public void append(Table table, byte[] key, byte[] value) {
        changes.add(new Change.Put(table, key, value));
    }

    /** Removes a key. */
    public void remove(Table table, byte[] key) {
        remember(table, key, Optional.empty());
        changes.add(new Change.Remove(table, key));
    }

    /** Removes the keys from {@code from} (inclusive) to {@code to} (exclusive). */
    public void removeRange(Table table, byte[] from, byte[] to) {
        Change.RemoveRange range = new Change.RemoveRange(table, from, to);
        rows(table).subMap(from, true, to, false).replaceAll((key, value) -> Optional.empty());
        removed.computeIfAbsent(table, t -> new ArrayList<>()).add(range);
        changes.add(range);
    }

    /** Writes the batch. */
    public void commit() {
        store.write(changes);
    }

    private void remember(Table table, byte[] key, Optional<byte[]> value) {
        rows(table).put(key, value);
    }

    private NavigableMap<byte[], Optional<byte[]>> rows(Table table) {
        return seen.computeIfAbsent(table, t -> new TreeMap<>(Arrays::compareUnsigned));
    }

    private boolean isRemoved(Table table, byte[] key) {
        return ranges(table).stream().anyMatch(range -> contains(range, key));
    }

    private List<Change.RemoveRange> ranges(Table table) {
        return removed.getOrDefault(table, List.of());
    }

    private static boolean contains(Change.RemoveRange range, byte[] key) {
        return Arrays.compareUnsigned(range.from(), key) <= 0 && Arrays.compareUnsigned(key, range.to()) < 0;
    }

    /** The rows of the store without those that the batch removes or sets, in one order with those that it sets. */
    private static final class MergedRows implements Rows {
        private final Rows stored;
        private final List<Change.RemoveRange> removed;
        private final NavigableMap<byte[], Optional<byte[]>> changed;
        private final Iterator<Map.Entry<byte[], Optional<byte[]>>> changes;
        private final boolean backwards;
        private @Nullable Row nextStored;
        private @Nullable Row nextChanged;

        MergedRows(
                Rows stored,
                List<Change.RemoveRange> removed,
                NavigableMap<byte[], Optional<byte[]>> changed,
                boolean backwards) {
            this.stored = stored;
            this.removed = removed;
            this.changed = changed;
            this.changes = changed.entrySet().iterator();
            this.backwards = backwards;
        }

        private @Nullable Row fromStore() {
            Row row = stored.next();
            while (row != null && hides(row.key())) {
                row = stored.next();
            }
            return row;
        }

        private boolean hides(byte[] key) {
            return changed.containsKey(key) || removed.stream().anyMatch(range -> contains(range, key));
        }

        private @Nullable Row fromBatch() {
            while (changes.hasNext()) {
                Map.Entry<byte[], Optional<byte[]>> change = changes.next();
                if (change.getValue().isPresent()) {
                    return new Row(change.getKey(), change.getValue().get());
                }
            }
            return null;
        }

        /**
         * The next row, which remains the next one. It is read only now, so that nothing is read that is not needed.
         */
        private @Nullable Row peek() {
            nextStored = nextStored == null ? fromStore() : nextStored;
            nextChanged = nextChanged == null ? fromBatch() : nextChanged;
            return isStoredFirst(nextStored, nextChanged) ? nextStored : nextChanged;
        }

        @Override
        public @Nullable Row next() {
            Row next = peek();
            if (isStoredFirst(nextStored, nextChanged)) {
                nextStored = null;
            } else {
                nextChanged = null;
            }
            return next;
        }

        private boolean isStoredFirst(@Nullable Row one, @Nullable Row other) {
            return other == null || (one != null && comesFirst(one.key(), other.key()));
        }

        private boolean comesFirst(byte[] key, byte[] other) {
            int order = Arrays.compareUnsigned(key, other);
            return backwards ? order > 0 : order < 0;
        }

        @Override
        public byte @Nullable [] nextKey() {
            Row row = peek();
            return row == null ? null : row.key();
        }

        @Override
        public int nextLength() {
            Row row = peek();
            return row == null ? -1 : row.value().length;
        }

        @Override
        public void close() {
            stored.close();
        }
    }
}
