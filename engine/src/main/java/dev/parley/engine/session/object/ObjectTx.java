package dev.parley.engine.session.object;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Shared objects as a batch of commands sees and changes them. Not thread-safe. */
public final class ObjectTx {
    /** The least time for which clients' own ids of changes of objects are remembered. */
    static final long KEPT_IDS_MILLIS = 10 * 60 * 1000L;

    private final SessionBatch batch;
    private final StoreTx rows;

    /** Starts in {@code batch}. */
    public ObjectTx(SessionBatch batch) {
        this.batch = batch;
        this.rows = batch.rows();
    }

    /** The batch. */
    public SessionBatch batch() {
        return batch;
    }

    StoredObjects objects(SessionState s) {
        return StoredObjects.in(rows, s.id());
    }

    void change(SessionState s, ObjectDraft draft) {
        StoredObjects.write(rows, s.id(), draft);
    }

    /** The positions of the changes of objects with an id that a client has chosen, or null if there are none. */
    @Nullable
    List<Long> changes(SessionState s, String id) {
        byte[] row = rows.get(Table.OBJECT_IDS, ObjectIdRows.objectIdKey(s.id(), id));
        return row == null ? null : SessionRows.positions(row);
    }

    /** Remembers an id that a client has chosen for a while, and removes older ones: more of them than are added. */
    void keepId(SessionState s, String id, List<Long> positions, long time) {
        rows.put(Table.OBJECT_IDS, ObjectIdRows.objectIdKey(s.id(), id), SessionRows.positions(positions));
        rows.put(
                Table.OBJECT_IDS,
                ObjectIdRows.objectIdAgeKey(s.id(), positions.getFirst()),
                SessionRows.sessionKey(id));
        long keptSince = Positions.startOf(Math.max(0, time - KEPT_IDS_MILLIS));
        for (Row old : rows.list(
                Table.OBJECT_IDS,
                ObjectIdRows.objectIdAgeKey(s.id(), Positions.START),
                ObjectIdRows.objectIdAgeKey(s.id(), keptSince),
                2)) {
            rows.remove(Table.OBJECT_IDS, old.key());
            rows.remove(
                    Table.OBJECT_IDS,
                    ObjectIdRows.objectIdKey(s.id(), new String(old.value(), StandardCharsets.UTF_8)));
        }
    }
}
