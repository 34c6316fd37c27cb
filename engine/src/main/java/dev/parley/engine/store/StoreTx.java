package dev.parley.engine.store;

import dev.parley.engine.store.Store.Change;
import dev.parley.engine.store.Store.Table;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Changes that wait to be written as one batch, and reads that already see them. Not thread-safe.
 *
 * <p>{@link #removeRange} is not seen by reads: it serves keys of an id that is never used again. {@link #append} is not
 * either: it serves rows that are read back only after the batch.
 */
public final class StoreTx {
    private final Store store;
    private final List<Change> changes = new ArrayList<>();
    private final Map<Table, Map<ByteBuffer, Optional<byte[]>>> seen = new EnumMap<>(Table.class);

    /** Starts an empty batch over {@code store}. */
    public StoreTx(Store store) {
        this.store = store;
    }

    /** The value as it will be after the batch, or null. */
    public byte @Nullable [] get(Table table, byte[] key) {
        Map<ByteBuffer, Optional<byte[]>> rows = seen.get(table);
        Optional<byte[]> changed = rows == null ? null : rows.get(ByteBuffer.wrap(key));
        return changed == null ? store.get(table, key) : changed.orElse(null);
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
        changes.add(new Change.RemoveRange(table, from, to));
    }

    /** Writes the batch. */
    public void commit() {
        store.write(changes);
    }

    private void remember(Table table, byte[] key, Optional<byte[]> value) {
        seen.computeIfAbsent(table, t -> new HashMap<>()).put(ByteBuffer.wrap(key), value);
    }
}
