package dev.parley.engine.session.control;

import dev.parley.engine.session.ControlChange;
import dev.parley.engine.session.SessionCommand.ExpireControl;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.ArrayList;
import java.util.List;

/** When controls of sessions go back to agents, and who has had them. Thread-safe; reads block on the disk. */
public final class Controls {
    private static final byte[] FIRST_ROW = {};

    private final Store store;

    /** Reads from {@code store}. */
    public Controls(Store store) {
        this.store = store;
    }

    /** The controls that go back at {@code now}, at most {@code limit} commands. */
    public List<ExpireControl> expiries(long now, int limit) {
        return store.list(Table.EXPIRIES, FIRST_ROW, ControlRows.expiriesEnd(now), limit).stream()
                .map(row -> ControlRows.expiry(row.value(), now))
                .toList();
    }

    /**
     * The changes of the control of a session, the oldest first.
     *
     * @param after the position after which they come
     * @param maxBytes the weight after which no further one is begun
     */
    public Page<ControlChange> changes(SessionState session, long after, int limit, int maxBytes) {
        List<ControlChange> found = new ArrayList<>();
        int bytes = 0;
        try (Rows rows = store.scan(
                Table.CONTROLS,
                SessionRows.positionKey(session.id(), after + 1),
                SessionRows.positionKey(session.id(), Long.MAX_VALUE))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                if (found.size() == limit || bytes >= maxBytes) {
                    return new Page<>(found, true);
                }
                ControlChange change = ControlRows.change(row.key(), row.value());
                found.add(change);
                bytes += change.weight();
            }
        }
        return new Page<>(found, false);
    }

    /** Whether a change up to {@code position} is kept. */
    public boolean isAny(SessionState session, long position) {
        return !store.isEmpty(
                Table.CONTROLS,
                SessionRows.positionKey(session.id(), 0),
                SessionRows.positionKey(session.id(), position + 1));
    }
}
