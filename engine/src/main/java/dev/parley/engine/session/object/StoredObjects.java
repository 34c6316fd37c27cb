package dev.parley.engine.session.object;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import dev.parley.engine.store.View;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The objects of one session in the store. */
public final class StoredObjects implements ObjectTable {
    private final View view;
    private final long session;

    private StoredObjects(View view, long session) {
        this.view = view;
        this.session = session;
    }

    /** The objects of a session as {@code view} shows them. */
    public static StoredObjects in(View view, long session) {
        return new StoredObjects(view, session);
    }

    /** Adds the changes of a draft to the batch. */
    public static void write(StoreTx tx, long session, ObjectDraft draft) {
        draft.changedObjects().forEach((id, object) -> {
            byte[] key = ObjectRows.objectKey(session, id);
            object.ifPresentOrElse(
                    put -> tx.put(Table.OBJECTS, key, ObjectRows.object(put)), () -> tx.remove(Table.OBJECTS, key));
        });
        draft.changedEntries()
                .forEach((mapId, entries) -> entries.forEach((entryName, entry) -> {
                    byte[] key = ObjectRows.entryKey(session, mapId, entryName);
                    entry.ifPresentOrElse(
                            put -> tx.put(Table.OBJECTS, key, ObjectRows.entry(put)),
                            () -> tx.remove(Table.OBJECTS, key));
                }));
        tx.put(Table.OBJECTS, ObjectRows.totalsKey(session), ObjectRows.totals(draft.totals()));
    }

    /** All rows in a range. The limits on objects and keys bound their number. */
    private List<Row> rows(byte[] from, byte[] to) {
        return view.list(Table.OBJECTS, from, to, Integer.MAX_VALUE);
    }

    @Override
    public ObjectTotals totals() {
        byte[] row = view.get(Table.OBJECTS, ObjectRows.totalsKey(session));
        return row == null ? ObjectTotals.NONE : ObjectRows.totals(row);
    }

    @Override
    public @Nullable ObjectState object(String id) {
        byte[] row = view.get(Table.OBJECTS, ObjectRows.objectKey(session, id));
        return row == null ? null : ObjectRows.object(id, row);
    }

    @Override
    public SortedMap<String, ObjectState> objects() {
        SortedMap<String, ObjectState> objects = new TreeMap<>();
        for (Row row : rows(ObjectRows.firstKey(session), ObjectRows.lastKey(session))) {
            ObjectRows.Key key = ObjectRows.key(row.key());
            if (key.entry() == null) {
                objects.put(key.objectId(), ObjectRows.object(key.objectId(), row.value()));
            }
        }
        return objects;
    }

    @Override
    public @Nullable MapEntry entry(String mapId, String key) {
        byte[] row = view.get(Table.OBJECTS, ObjectRows.entryKey(session, mapId, key));
        return row == null ? null : ObjectRows.entry(row);
    }

    @Override
    public SortedMap<String, MapEntry> entries(String mapId) {
        SortedMap<String, MapEntry> entries = new TreeMap<>();
        for (Row row : rows(ObjectRows.firstEntryKey(session, mapId), ObjectRows.endKey(session, mapId))) {
            String key = ObjectRows.key(row.key()).entry();
            if (key != null) {
                entries.put(key, ObjectRows.entry(row.value()));
            }
        }
        return entries;
    }

    /**
     * Objects with their entries.
     *
     * @param next where the next page begins; null after the last one
     */
    public record Page(List<ObjectPart> parts, byte @Nullable [] next) {}

    /**
     * A page of all objects of a session, including deleted ones. The root comes first, even if it was never changed.
     *
     * @param from where the previous page ended; null for the first page
     * @param maxBytes the size of the rows; at least one row is read
     */
    public static Page page(View view, long session, byte @Nullable [] from, int maxBytes) {
        List<ObjectPart> parts = new ArrayList<>();
        byte[] begin = ObjectRows.firstKey(session);
        if (from == null) {
            if (view.get(Table.OBJECTS, ObjectRows.objectKey(session, ObjectIds.ROOT)) == null) {
                parts.add(new ObjectPart(ObjectState.MapState.ROOT, new TreeMap<>()));
            }
        } else if (new BinaryReader(from).fixed64() == session) {
            begin = from;
        }
        long bytes = 0;
        @Nullable ObjectPart part = null;
        try (Rows rows = view.scan(Table.OBJECTS, begin, ObjectRows.lastKey(session))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                int size = row.key().length + row.value().length;
                if (bytes > 0 && bytes + size > maxBytes) {
                    return new Page(parts, row.key());
                }
                bytes += size;
                ObjectRows.Key key = ObjectRows.key(row.key());
                if (part == null || !part.object().id().equals(key.objectId())) {
                    byte[] object = key.entry() == null
                            ? row.value()
                            : view.get(Table.OBJECTS, ObjectRows.objectKey(session, key.objectId()));
                    if (object == null) {
                        throw new IllegalStateException("entries of no map " + Arrays.toString(row.key()));
                    }
                    part = new ObjectPart(ObjectRows.object(key.objectId(), object), new TreeMap<>());
                    parts.add(part);
                }
                if (key.entry() != null) {
                    part.entries().put(key.entry(), ObjectRows.entry(row.value()));
                }
            }
        }
        return new Page(parts, null);
    }
}
