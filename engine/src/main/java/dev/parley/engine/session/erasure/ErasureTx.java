package dev.parley.engine.session.erasure;

import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.Tombstone;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import org.jspecify.annotations.Nullable;

/** Tombstones as a batch of commands sees and changes them. Not thread-safe. */
public final class ErasureTx {
    private final StoreTx rows;

    /** Begins in {@code batch}. */
    public ErasureTx(SessionBatch batch) {
        this.rows = batch.rows();
    }

    /** What remains of the last session of a name that was erased, or null. */
    public @Nullable Tombstone tombstone(SessionName name) {
        byte[] row = rows.get(Table.TOMBSTONES, ErasureRows.tombstoneKey(name.key()));
        return row == null ? null : ErasureRows.tombstone(row);
    }

    /** Adds what remains of a session that is erased, and notes that its content is still in the files. */
    public void add(Tombstone tombstone) {
        put(tombstone);
        rows.put(Table.TOMBSTONES, ErasureRows.pendingKey(tombstone.id()), ErasureRows.pending(tombstone.name()));
    }

    /** Notes that nothing of the content of a session is left in the files. */
    public void purged(SessionName name, long session, long time) {
        byte[] pending = ErasureRows.pendingKey(session);
        if (rows.get(Table.TOMBSTONES, pending) != null) {
            rows.remove(Table.TOMBSTONES, pending);
            Tombstone known = tombstone(name);
            if (known != null && known.id() == session) {
                put(known.withPurged(time));
            }
        }
    }

    private void put(Tombstone tombstone) {
        rows.put(Table.TOMBSTONES, ErasureRows.tombstoneKey(tombstone.name().key()), ErasureRows.tombstone(tombstone));
    }
}
