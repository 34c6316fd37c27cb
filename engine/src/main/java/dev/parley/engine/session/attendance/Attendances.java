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
import org.jspecify.annotations.Nullable;

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
     * A part of those who have left something in earlier lives.
     *
     * @param traces pairs of a connection and a session
     * @param next where to continue, or null at the end
     */
    public record Earlier(List<Membership> traces, byte @Nullable [] next) {}

    /**
     * Who has left something in which session during lives that are over and are left to {@code node}, see
     * {@link Lives#isLeftTo}. A boot has lost these connections, so each session has to hear of it.
     *
     * @param from where to continue, or null to start from the beginning
     * @param limit the number of pairs, and of lives that are skipped, after which the part ends
     */
    public Earlier ofEarlierLives(long node, byte @Nullable [] from, int limit) {
        Lives lives = Lives.in(store);
        List<Membership> found = new ArrayList<>();
        byte[] next = from == null ? FIRST_ROW : from;
        for (int skipped = 0; found.size() + skipped < limit; skipped++) {
            next = addLives(lives, node, next, limit - skipped, found);
            if (Arrays.equals(next, AFTER_LAST_KEY)) {
                return new Earlier(found, null);
            }
        }
        return new Earlier(found, next);
    }

    /** Adds traces up to the next life that is not left to the node. Returns where to continue. */
    private byte[] addLives(Lives lives, long node, byte[] from, int limit, List<Membership> found) {
        try (Rows rows = store.scan(Table.ARRIVALS, from, AFTER_LAST_KEY)) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                long life = Lives.ofEpoch(AttendanceRows.epoch(row.key()));
                if (!lives.isLeftTo(node, life)) {
                    return AttendanceRows.arrivalsFrom(Lives.epoch(life + 1, 0));
                }
                if (found.size() == limit) {
                    return row.key();
                }
                found.add(AttendanceRows.arrival(row.value()));
            }
        }
        return AFTER_LAST_KEY;
    }
}
