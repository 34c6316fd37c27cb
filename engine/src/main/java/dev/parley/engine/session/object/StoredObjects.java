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

/** The objects of one session as they lie in the store. */
public final class StoredObjects implements ObjectTable {
    private final Source rows;
    private final long session;

    private StoredObjects(Source rows, long session) {
        this.rows = rows;
        this.session = session;
    }

    /** Where rows are read. */
    private interface Source {
        byte @Nullable [] get(byte[] key);

        List<Row> scan(byte[] from, byte[] to);
    }

    /** The objects as readers see them. */
    public static StoredObjects in(View view, long session) {
        return new StoredObjects(
                new Source() {
                    @Override
                    public byte @Nullable [] get(byte[] key) {
                        return view.get(Table.OBJECTS, key);
                    }

                    @Override
                    public List<Row> scan(byte[] from, byte[] to) {
                        List<Row> found = new ArrayList<>();
                        try (Rows rows = view.scan(Table.OBJECTS, from, to)) {
                            for (Row row = rows.next(); row != null; row = rows.next()) {
                                found.add(row);
                            }
                        }
                        return found;
                    }
                },
                session);
    }

    /** The objects as a batch of commands sees them. */
    public static StoredObjects in(StoreTx tx, long session) {
        return new StoredObjects(
                new Source() {
                    @Override
                    public byte @Nullable [] get(byte[] key) {
                        return tx.get(Table.OBJECTS, key);
                    }

                    @Override
                    public List<Row> scan(byte[] from, byte[] to) {
                        // The limits on objects and keys bound it.
                        return tx.scan(Table.OBJECTS, from, to, Integer.MAX_VALUE);
                    }
                },
                session);
    }

    /** Adds a draft over these objects to the batch. */
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

    @Override
    public ObjectTotals totals() {
        byte[] row = rows.get(ObjectRows.totalsKey(session));
        return row == null ? ObjectTotals.NONE : ObjectRows.totals(row);
    }

    @Override
    public @Nullable ObjectState object(String id) {
        byte[] row = rows.get(ObjectRows.objectKey(session, id));
        return row == null ? null : ObjectRows.object(id, row);
    }

    @Override
    public SortedMap<String, ObjectState> objects() {
        SortedMap<String, ObjectState> objects = new TreeMap<>();
        for (Row row : rows.scan(ObjectRows.firstKey(session), ObjectRows.lastKey(session))) {
            ObjectRows.Key key = ObjectRows.key(row.key());
            if (key.entry() == null) {
                objects.put(key.objectId(), ObjectRows.object(key.objectId(), row.value()));
            }
        }
        return objects;
    }

    @Override
    public @Nullable MapEntry entry(String mapId, String key) {
        byte[] row = rows.get(ObjectRows.entryKey(session, mapId, key));
        return row == null ? null : ObjectRows.entry(row);
    }

    @Override
    public SortedMap<String, MapEntry> entries(String mapId) {
        SortedMap<String, MapEntry> entries = new TreeMap<>();
        for (Row row : rows.scan(ObjectRows.firstEntryKey(session, mapId), ObjectRows.endKey(session, mapId))) {
            String key = ObjectRows.key(row.key()).entry();
            if (key != null) {
                entries.put(key, ObjectRows.entry(row.value()));
            }
        }
        return entries;
    }

    /**
     * Objects with their entries, as far as they fit.
     *
     * @param next where the next page begins, or null behind the last one
     */
    public record Page(List<ObjectPart> parts, byte @Nullable [] next) {}

    /**
     * A page of all objects of a session, deleted ones included. The root comes first, also if it has never been changed.
     *
     * @param from where the page before ended, or null for the first
     * @param maxBytes what rows may take; one row is read at least
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
