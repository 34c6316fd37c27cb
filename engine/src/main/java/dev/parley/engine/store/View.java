package dev.parley.engine.store;

import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows for reading: those of a {@link Store} as it changes, of one moment, or as they will be after a batch. */
public interface View {
    /** The value, or null. */
    byte @Nullable [] get(Table table, byte[] key);

    /**
     * The rows from {@code from} (inclusive) to {@code to} (exclusive), in the order of unsigned bytes. The caller has
     * to close them.
     */
    Rows scan(Table table, byte[] from, byte[] to);

    /** The same rows from the last to the first. The caller has to close them. */
    Rows scanBackwards(Table table, byte[] from, byte[] to);

    /** The first rows from {@code from} (inclusive) to {@code to} (exclusive), at most {@code limit}. */
    default List<Row> list(Table table, byte[] from, byte[] to, int limit) {
        List<Row> found = new ArrayList<>();
        try (Rows rows = scan(table, from, to)) {
            while (found.size() < limit) {
                Row row = rows.next();
                if (row == null) {
                    break;
                }
                found.add(row);
            }
        }
        return found;
    }

    /** Whether there are no rows from {@code from} (inclusive) to {@code to} (exclusive). No value is read. */
    default boolean isEmpty(Table table, byte[] from, byte[] to) {
        try (Rows rows = scan(table, from, to)) {
            return rows.nextKey() == null;
        }
    }

    /** The last row from {@code from} (inclusive) to {@code to} (exclusive), or null. */
    default @Nullable Row last(Table table, byte[] from, byte[] to) {
        try (Rows rows = scanBackwards(table, from, to)) {
            return rows.next();
        }
    }

    /** The key of the {@link #last} row, or null. The value, which may be large, is not read. */
    default byte @Nullable [] lastKey(Table table, byte[] from, byte[] to) {
        try (Rows rows = scanBackwards(table, from, to)) {
            return rows.nextKey();
        }
    }
}
