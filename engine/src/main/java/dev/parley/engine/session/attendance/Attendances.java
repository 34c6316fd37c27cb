package dev.parley.engine.session.attendance;

import dev.parley.engine.life.Lives;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.log.Membership;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.ArrayList;
import java.util.Arrays;
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

    /**
     * Who has left what in which session during lives that are over, at most {@code limit} pairs of a connection and a session. A boot has lost
     * these connections, so each session has to hear of it.
     */
    public List<Membership> ofEarlierLives(int limit) {
        Lives lives = Lives.in(store);
        List<Membership> found = new ArrayList<>();
        byte[] from = FIRST_ROW;
        while (!Arrays.equals(from, AFTER_LAST_KEY)) {
            from = addLives(lives, from, limit, found);
        }
        return found;
    }

    /** Adds what is over, up to the next life that goes on. Returns where to continue. */
    private byte[] addLives(Lives lives, byte[] from, int limit, List<Membership> found) {
        try (Rows rows = store.scan(Table.ARRIVALS, from, AFTER_LAST_KEY)) {
            for (Row row = rows.next(); row != null && found.size() < limit; row = rows.next()) {
                long life = Lives.ofEpoch(AttendanceRows.epoch(row.key()));
                if (!lives.isOver(life)) {
                    return AttendanceRows.arrivalsFrom(Lives.epoch(life + 1, 0));
                }
                found.add(AttendanceRows.arrival(row.value()));
            }
        }
        return AFTER_LAST_KEY;
    }
}
