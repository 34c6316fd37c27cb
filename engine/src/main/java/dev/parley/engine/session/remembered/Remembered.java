package dev.parley.engine.session.remembered;

import dev.parley.engine.session.log.Membership;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.log.SessionStates;
import dev.parley.engine.store.StateCache;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The accepted requests that are remembered, so that no request is executed twice. Thread-safe; reads block on the
 * disk.
 */
public final class Remembered {
    /** The least number of accepted requests of a connection that are remembered, for each session. */
    public static final int KEPT_REQUESTS = 1024;

    private static final byte[] FIRST_ROW = {};
    private static final byte[] AFTER_LAST_KEY = {(byte) 0xFF};

    private final Store store;
    private final StateCache<Requester, Kept> cached;

    /**
     * Reads from {@code store}.
     *
     * @param maxCached the number of connections whose requests are known in memory
     */
    public Remembered(Store store, int maxCached) {
        this.store = store;
        this.cached = new StateCache<>(maxCached);
    }

    /** A connection that makes requests in a session. */
    record Requester(long session, String connectionId) {}

    /**
     * The remembered requests of a connection.
     *
     * @param count the number of them
     * @param newest the greatest msgSerial of them
     * @param epoch the greatest epoch of those that were remembered since this has been in memory
     */
    record Kept(int count, long newest, long epoch) {
        static final Kept NONE = new Kept(0, -1, 0);
    }

    Kept kept(Requester requester) {
        Kept known = cached.get(requester);
        if (known != null) {
            return known;
        }
        int count = 0;
        long newest = -1;
        try (Rows rows = store.scan(
                Table.REMEMBERED,
                SessionRows.connectionKey(requester.session(), requester.connectionId()),
                SessionRows.connectionEnd(requester.session(), requester.connectionId()))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                count++;
                newest = RememberedRows.msgSerial(row.key());
            }
        }
        return new Kept(count, newest, 0);
    }

    void show(Requester requester, Kept kept) {
        if (kept.count() == 0) {
            cached.remove(requester);
        } else {
            cached.put(requester, kept);
        }
    }

    /**
     * The connections whose requests are remembered, once for each session, at most {@code limit}: after a restart, the
     * server has to treat these connections as lost.
     */
    public List<Membership> requesters(int limit) {
        Map<Long, List<String>> found = new HashMap<>();
        byte[] from = FIRST_ROW;
        for (int count = 0; count < limit; count++) {
            Requester next;
            try (Rows rows = store.scan(Table.REMEMBERED, from, AFTER_LAST_KEY)) {
                Row row = rows.next();
                if (row == null) {
                    break;
                }
                next = RememberedRows.requester(row.key());
            }
            found.computeIfAbsent(next.session(), id -> new ArrayList<>()).add(next.connectionId());
            from = SessionRows.connectionEnd(next.session(), next.connectionId());
        }
        List<Membership> requesters = new ArrayList<>();
        SessionStates.forEach(store, state -> {
            List<String> connections = found.remove(state.id());
            if (connections != null) {
                connections.forEach(id -> requesters.add(new Membership(state.name(), id)));
            }
        });
        return requesters;
    }
}
