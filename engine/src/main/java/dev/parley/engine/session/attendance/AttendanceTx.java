package dev.parley.engine.session.attendance;

import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Membership;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.presence.PresenceTx;
import dev.parley.engine.session.remembered.RememberedTx;
import dev.parley.engine.session.run.RunTx;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import org.jspecify.annotations.Nullable;

/** What connections have left in sessions, as a batch of commands sees and changes it. Not thread-safe. */
public final class AttendanceTx {
    private final StoreTx rows;
    private final PresenceTx presence;
    private final RememberedTx remembered;
    private final RunTx runs;

    /** Begins in {@code batch}. */
    public AttendanceTx(SessionBatch batch, PresenceTx presence, RememberedTx remembered, RunTx runs) {
        this.rows = batch.rows();
        this.presence = presence;
        this.remembered = remembered;
        this.runs = runs;
    }

    /** The members that they have. */
    PresenceTx presence() {
        return presence;
    }

    /** The requests that are remembered of them. */
    RememberedTx remembered() {
        return remembered;
    }

    /** The runs at which they work. */
    RunTx runs() {
        return runs;
    }

    @Nullable
    Attendance attendance(SessionState s, String connectionId) {
        byte[] row = rows.get(Table.ATTENDANCES, SessionRows.connectionKey(s.id(), connectionId));
        return row == null ? null : AttendanceRows.attendance(row);
    }

    /** Whether a connection has members in the session, or outcomes of requests are kept for it. */
    boolean hasTraces(SessionState s, String connectionId) {
        return presence.isAny(s, connectionId) || remembered.isAny(s, connectionId);
    }

    /** Replaces an attendance; null stands for none. */
    void attend(SessionState s, String connectionId, @Nullable Attendance before, @Nullable Attendance after) {
        byte[] key = SessionRows.connectionKey(s.id(), connectionId);
        if (before != null) {
            unlist(s, connectionId, before);
        }
        if (after == null) {
            rows.remove(Table.ATTENDANCES, key);
            return;
        }
        rows.put(Table.ATTENDANCES, key, AttendanceRows.attendance(after));
        rows.put(
                Table.ARRIVALS,
                AttendanceRows.arrivalKey(after.epoch(), s.id(), connectionId),
                AttendanceRows.arrival(new Membership(s.name(), connectionId)));
        if (after.isLost()) {
            rows.put(
                    Table.DEPARTURES,
                    AttendanceRows.departureKey(after.due(), s.id(), connectionId),
                    AttendanceRows.departure(s.name(), connectionId, after.epoch()));
        }
    }

    /** Takes all attendances of a session off the lists of what is due and of arrivals; their own rows stay. */
    public void unlist(SessionState s) {
        byte[] from = SessionRows.idKey(s.id());
        byte[] to = SessionRows.idKey(s.id() + 1);
        try (Rows attendances = rows.scan(Table.ATTENDANCES, from, to)) {
            for (Row row = attendances.next(); row != null; row = attendances.next()) {
                unlist(s, SessionRows.connection(row.key()), AttendanceRows.attendance(row.value()));
            }
        }
    }

    private void unlist(SessionState s, String connectionId, Attendance attendance) {
        rows.remove(Table.ARRIVALS, AttendanceRows.arrivalKey(attendance.epoch(), s.id(), connectionId));
        if (attendance.isLost()) {
            rows.remove(Table.DEPARTURES, AttendanceRows.departureKey(attendance.due(), s.id(), connectionId));
        }
    }
}
