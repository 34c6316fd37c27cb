package dev.parley.engine.store;

import dev.parley.engine.store.Store.Change;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Changes that wait to be written as one batch, and reads that already see them. Not thread-safe.
 *
 * <p>{@link #append} is not seen by reads: it serves rows that are read back only after the batch.
 */
public final class StoreTx {
    private final Store store;
    private final List<Change> changes = new ArrayList<>();
    private final Map<Table, NavigableMap<byte[], Optional<byte[]>>> seen = new EnumMap<>(Table.class);
    private final Map<Table, List<Change.RemoveRange>> removed = new EnumMap<>(Table.class);

    /** Starts an empty batch over {@code store}. */
    public StoreTx(Store store) {
        this.store = store;
    }

    /** The value as it will be after the batch, or null. */
    public byte @Nullable [] get(Table table, byte[] key) {
        NavigableMap<byte[], Optional<byte[]>> rows = seen.get(table);
        Optional<byte[]> changed = rows == null ? null : rows.get(key);
        if (changed != null) {
            return changed.orElse(null);
        }
        return isRemoved(table, key) ? null : store.get(table, key);
    }

    /**
     * The first rows from {@code from} (inclusive) to {@code to} (exclusive) as they will be after the batch.
     *
     * @param limit how many at most
     */
    public List<Row> scan(Table table, byte[] from, byte[] to, int limit) {
        NavigableMap<byte[], Optional<byte[]>> changed = rows(table).subMap(from, true, to, false);
        NavigableMap<byte[], byte[]> found = new TreeMap<>(Arrays::compareUnsigned);
        try (Rows rows = store.scan(table, from, to)) {
            for (Row row = rows.next(); row != null && found.size() < limit; row = rows.next()) {
                if (!changed.containsKey(row.key()) && !isRemoved(table, row.key())) {
                    found.put(row.key(), row.value());
                }
            }
        }
        changed.forEach((key, value) -> value.ifPresent(put -> found.put(key, put)));
        return found.entrySet().stream()
                .limit(limit)
                .map(row -> new Row(row.getKey(), row.getValue()))
                .toList();
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
        for (Change.RemoveRange range : removed.getOrDefault(table, List.of())) {
            if (Arrays.compareUnsigned(range.from(), key) <= 0 && Arrays.compareUnsigned(key, range.to()) < 0) {
                return true;
            }
        }
        return false;
    }
}
