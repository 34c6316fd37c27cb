package dev.parley.engine.session;

import dev.parley.engine.session.SessionCommand.Back;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.SessionCommand.Lost;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of what a connection leaves in a session when it is lost and comes back. Pure, as {@link SessionMachine},
 * which calls it. A command with an older epoch than the attendance's comes too late and changes nothing.
 */
final class AttendanceMachine {
    private AttendanceMachine() {}

    static void lost(SessionState s, Lost c, SessionTx tx) {
        Attendance known = tx.attendance(s, c.connectionId());
        if (known == null ? tx.hasTraces(s, c.connectionId()) : known.epoch() <= c.epoch()) {
            var now = new Attendance(c.epoch(), c.leaveAt(), Math.max(c.leaveAt(), c.forgetAt()));
            tx.attend(s, c.connectionId(), known, now);
        }
    }

    static void back(SessionState s, Back c, SessionTx tx) {
        Attendance known = tx.attendance(s, c.connectionId());
        if (known == null ? tx.hasTraces(s, c.connectionId()) : known.epoch() < c.epoch()) {
            tx.attend(s, c.connectionId(), known, Attendance.back(c.epoch()));
        }
    }

    /** The attendance if {@code c} is about it and something is due, or null. */
    static @Nullable Attendance due(SessionState s, Depart c, SessionTx tx) {
        Attendance known = tx.attendance(s, c.connectionId());
        return known != null && known.isLost() && known.epoch() == c.epoch() && known.due() <= c.time() ? known : null;
    }

    /** After the members have left: forgets the requests if that is due, too. */
    static void left(SessionState s, Attendance known, Depart c, SessionTx tx) {
        if (known.forgetAt() <= c.time()) {
            tx.forgetRequests(s, c.connectionId());
            tx.attend(s, c.connectionId(), known, null);
        } else {
            tx.attend(s, c.connectionId(), known, known.withMembersGone());
        }
    }
}
