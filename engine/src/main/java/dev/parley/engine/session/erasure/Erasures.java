package dev.parley.engine.session.erasure;

import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.Tombstone;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What remains of sessions that were erased. Thread-safe; reads block on the disk. */
public final class Erasures {
    private final Store store;

    /** Reads from {@code store}. */
    public Erasures(Store store) {
        this.store = store;
    }

    /** A session whose content may still be in the files. */
    public record Pending(SessionName name, long session) {}

    /** What remains of the last session of a name that was erased, or null. There may be another session by now. */
    public @Nullable Tombstone of(SessionName name) {
        return of(name, store);
    }

    /** What {@code view} shows of the last session of a name that was erased, or null. */
    public static @Nullable Tombstone of(SessionName name, View view) {
        byte[] row = view.get(Table.TOMBSTONES, ErasureRows.tombstoneKey(name.key()));
        return row == null ? null : ErasureRows.tombstone(row);
    }

    /**
     * The tombstones of an app whose names begin with {@code prefix} and come after {@code after}, in the order of code points.
     */
    public List<Tombstone> list(String app, String prefix, String after, int limit) {
        byte[] first = ErasureRows.tombstoneKey(new SessionName(app, prefix).key());
        byte[] last = ErasureRows.tombstoneKey(new SessionName(app, after).key());
        List<Tombstone> found = new ArrayList<>();
        try (Rows rows = store.scan(
                Table.TOMBSTONES, Arrays.compareUnsigned(first, last) < 0 ? last : first, ErasureRows.pendingKey(0))) {
            for (Row row = rows.next(); row != null && found.size() < limit; row = rows.next()) {
                Tombstone tombstone = ErasureRows.tombstone(row.value());
                String name = tombstone.name().name();
                if (!tombstone.name().app().equals(app) || !name.startsWith(prefix)) {
                    break;
                }
                if (after.isEmpty() || !name.equals(after)) {
                    found.add(tombstone);
                }
            }
        }
        return found;
    }

    /** Sessions whose content may still be in the files, at most {@code limit}, those that were made first before others. */
    public List<Pending> pending(int limit) {
        return store.list(Table.TOMBSTONES, ErasureRows.pendingKey(0), ErasureRows.pendingEnd(), limit).stream()
                .map(row -> new Pending(ErasureRows.name(row.value()), ErasureRows.pending(row.key())))
                .toList();
    }
}
