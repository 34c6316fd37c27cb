package dev.parley.engine.session.remembered;

import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.remembered.Remembered.Kept;
import dev.parley.engine.session.remembered.Remembered.Requester;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The remembered requests as a batch of commands sees and changes them. Not thread-safe. */
public final class RememberedTx {
    private final StoreTx rows;
    private final Remembered remembered;
    private final Map<Requester, Kept> changed = new HashMap<>();

    /** Starts in {@code batch}, with what {@code remembered} shows. */
    public RememberedTx(SessionBatch batch, Remembered remembered) {
        this.rows = batch.rows();
        this.remembered = remembered;
    }

    /** Makes the changes visible. The batch must have been written. */
    public void show() {
        changed.forEach(remembered::show);
    }

    /** Whether outcomes of a connection's requests are remembered. */
    public boolean isAny(SessionState s, String connectionId) {
        return !rows.isEmpty(
                Table.REMEMBERED,
                SessionRows.connectionKey(s.id(), connectionId),
                SessionRows.connectionEnd(s.id(), connectionId));
    }

    private Kept kept(Requester requester) {
        Kept known = changed.get(requester);
        return known == null ? remembered.kept(requester) : known;
    }

    /** The outcome of a request that was accepted before, or null if there is none. */
    public @Nullable List<Long> outcome(SessionState s, Sender sender, int operations) {
        Kept known = kept(new Requester(s.id(), sender.connectionId()));
        if (sender.msgSerial() > known.newest()) {
            return null;
        }
        byte[] row = rows.get(
                Table.REMEMBERED, RememberedRows.requestKey(s.id(), sender.connectionId(), sender.msgSerial()));
        if (row != null) {
            return SessionRows.positions(row);
        }
        if (known.count() < Remembered.KEPT_REQUESTS || sender.msgSerial() > oldest(s, sender.connectionId())) {
            return null;
        }
        return Collections.nCopies(operations, 0L);
    }

    private long oldest(SessionState s, String connectionId) {
        return RememberedRows.msgSerial(
                keptRequests(s, connectionId, 1).getFirst().key());
    }

    private List<Row> keptRequests(SessionState s, String connectionId, int limit) {
        return rows.list(
                Table.REMEMBERED,
                SessionRows.connectionKey(s.id(), connectionId),
                SessionRows.connectionEnd(s.id(), connectionId),
                limit);
    }

    /** Remembers the outcome of a request. Returns false if one with the same epoch, or a later one, is known to be remembered. */
    public boolean keep(SessionState s, Sender sender, List<Long> positions) {
        Requester requester = new Requester(s.id(), sender.connectionId());
        Kept known = kept(requester);
        byte[] key = RememberedRows.requestKey(s.id(), sender.connectionId(), sender.msgSerial());
        boolean added = sender.msgSerial() > known.newest() || rows.get(Table.REMEMBERED, key) == null;
        rows.put(Table.REMEMBERED, key, SessionRows.positions(positions));
        int count = known.count() + (added ? 1 : 0);
        if (count == 2 * Remembered.KEPT_REQUESTS) {
            // Half of them are removed at once, so that the search for the oldest is rare.
            keptRequests(s, sender.connectionId(), Remembered.KEPT_REQUESTS)
                    .forEach(row -> rows.remove(Table.REMEMBERED, row.key()));
            count -= Remembered.KEPT_REQUESTS;
        }
        changed.put(
                requester,
                new Kept(count, Math.max(known.newest(), sender.msgSerial()), Math.max(known.epoch(), sender.epoch())));
        return known.count() == 0 || known.epoch() < sender.epoch();
    }

    /** Forgets the requests of a connection. */
    public void forget(SessionState s, String connectionId) {
        keptRequests(s, connectionId, 2 * Remembered.KEPT_REQUESTS)
                .forEach(row -> rows.remove(Table.REMEMBERED, row.key()));
        changed.put(new Requester(s.id(), connectionId), Kept.NONE);
    }
}
