package dev.parley.engine.session.attendance;

import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.List;

/** What lost connections have left in sessions, and when something of it is due. Thread-safe; reads block on the disk. */
public final class Attendances {
    private static final byte[] FIRST_ROW = {};
    private static final byte[] AFTER_LAST_KEY = {(byte) 0xFF};

    private final Store store;

    /** Reads from {@code store}. */
    public Attendances(Store store) {
        this.store = store;
    }

    /** What is due at {@code now} for connections that were lost, at most {@code limit} commands. */
    public List<Depart> departures(long now, int limit) {
        return store.list(Table.DEPARTURES, FIRST_ROW, AttendanceRows.departuresEnd(now), limit).stream()
                .map(row -> AttendanceRows.departure(row.value(), now))
                .toList();
    }

    /** The greatest epoch that a connection has had in any session, or 0. */
    public long newestEpoch() {
        long newest = 0;
        try (Rows rows = store.scan(Table.ATTENDANCES, FIRST_ROW, AFTER_LAST_KEY)) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                newest = Math.max(newest, AttendanceRows.attendance(row.value()).epoch());
            }
        }
        return newest;
    }
}
