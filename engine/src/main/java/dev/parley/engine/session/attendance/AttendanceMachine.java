package dev.parley.engine.session.attendance;

import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.Back;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.RunTimes;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionCommand.StallRun;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.presence.PresenceMachine;
import dev.parley.engine.session.run.RunMachine;
import dev.parley.engine.session.run.SilenceMachine;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of what a connection leaves in a session when it is lost and comes back. Pure, as SessionMachine,
 * which calls it. A command with an older epoch than the attendance's comes too late and changes nothing.
 */
public final class AttendanceMachine {
    private AttendanceMachine() {}

    /** Notes that a connection is there, as it has made a request that is remembered. */
    public static void arrive(SessionState s, Sender sender, long time, AttendanceTx tx) {
        long epoch = sender.epoch();
        if (epoch == 0) {
            return;
        }
        Attendance known = tx.attendance(s, sender.connectionId());
        if (known == null || known.epoch() < epoch) {
            here(s, sender.connectionId(), epoch, time, known, tx);
        } else if (known.isLost()) {
            // Made before the loss, and applied after it.
            tx.attend(s, sender.connectionId(), known, known.withRequests());
        }
    }

    private static void here(
            SessionState s, String connectionId, long epoch, long time, @Nullable Attendance known, AttendanceTx tx) {
        tx.attend(s, connectionId, known, Attendance.here(epoch));
        if (known != null && known.isLost()) {
            RunMachine.here(s, connectionId, time, tx.runs());
        }
        if (known != null && known.told()) {
            RunMachine.tell(s, connectionId, time, RunTexts::back, tx.runs());
        }
    }

    /** Notes until when a connection is waited for. */
    public static void lost(SessionState s, Lost c, AttendanceTx tx) {
        Attendance known = tx.attendance(s, c.connectionId());
        RunTimes runs = runs(s, c.connectionId(), c.runs(), tx);
        boolean leaves = runs != null || tx.hasTraces(s, c.connectionId());
        if (known == null ? leaves : known.epoch() <= c.epoch()) {
            long endAt = 0;
            if (runs != null) {
                boolean withMembers =
                        !tx.presence().members(s, c.connectionId()).isEmpty();
                endAt = withMembers ? Math.min(runs.endAt(), runs.endWithMembersAt()) : runs.endAt();
            }
            var now = new Attendance(
                    c.epoch(),
                    c.leaveAt(),
                    Math.max(c.leaveAt(), c.forgetAt()),
                    awayAt(known, runs),
                    endAt,
                    isTold(known, runs));
            tx.attend(s, c.connectionId(), known, now);
        }
    }

    /** The times, if the connection works at runs. */
    private static @Nullable RunTimes runs(
            SessionState s, String connectionId, @Nullable RunTimes times, AttendanceTx tx) {
        return times == null || tx.runs().runsOf(s, connectionId).isEmpty() ? null : times;
    }

    private static boolean isTold(@Nullable Attendance known, @Nullable RunTimes runs) {
        return runs != null && known != null && known.told();
    }

    /** Nobody is told twice. */
    private static long awayAt(@Nullable Attendance known, @Nullable RunTimes runs) {
        return runs == null || isTold(known, runs) ? 0 : runs.awayAt();
    }

    /** Notes that the agent of a run is stalled, unless it was heard since, or its connection is lost. */
    public static void stall(SessionState s, StallRun c, AttendanceTx tx) {
        Run run = tx.runs().run(s, c.runId());
        Attendance at = run == null || run.connectionId() == null ? null : tx.attendance(s, run.connectionId());
        SilenceMachine.stall(s, c, at != null && at.isLost(), tx.runs());
    }

    /** Waits no longer for a connection. */
    public static void back(SessionState s, Back c, AttendanceTx tx) {
        Attendance known = tx.attendance(s, c.connectionId());
        if (known == null ? tx.hasTraces(s, c.connectionId()) : known.epoch() < c.epoch()) {
            here(s, c.connectionId(), c.epoch(), c.time(), known, tx);
        }
    }

    /** Lets the members of a connection leave; forgets it, but for its runs, if it is over. */
    public static void leave(SessionState s, Leave c, AttendanceTx tx) {
        Attendance known = tx.attendance(s, c.connectionId());
        if (known == null || c.epoch() == 0 || known.epoch() <= c.epoch()) {
            PresenceMachine.letLeave(s, c.connectionId(), c.time(), tx.presence());
            if (c.forget()) {
                forget(s, c, known, tx);
            }
        }
    }

    private static void forget(SessionState s, Leave c, @Nullable Attendance known, AttendanceTx tx) {
        tx.remembered().forget(s, c.connectionId());
        RunTimes runs = runs(s, c.connectionId(), c.runs(), tx);
        Attendance now = known == null ? null : known.withRunsOnly();
        if (runs != null && (known == null || known.epoch() <= c.epoch())) {
            now = new Attendance(c.epoch(), 0, 0, awayAt(known, runs), runs.endAt(), isTold(known, runs));
        }
        if (known != null || now != null) {
            tx.attend(s, c.connectionId(), known, now != null && now.isLost() ? now : null);
        }
    }

    /** Does what is due. */
    public static void depart(SessionState s, Depart c, AttendanceTx tx) {
        Attendance due = due(s, c, tx);
        if (due != null) {
            if (due.membersLeave(c.time())) {
                PresenceMachine.letLeave(s, c.connectionId(), c.time(), tx.presence());
            }
            depart(s, due, c, tx);
        }
    }

    /** The attendance if {@code c} is about it and something is due, or null. */
    private static @Nullable Attendance due(SessionState s, Depart c, AttendanceTx tx) {
        Attendance known = tx.attendance(s, c.connectionId());
        return known != null && known.isLost() && known.epoch() == c.epoch() && known.due() <= c.time() ? known : null;
    }

    /** After the members have left, if that was due: does the rest. */
    private static void depart(SessionState s, Attendance known, Depart c, AttendanceTx tx) {
        if (known.agentIsAway(c.time())) {
            RunMachine.tell(s, c.connectionId(), c.time(), RunTexts::away, tx.runs());
        }
        if (known.runsEnd(c.time())) {
            RunMachine.endAll(s, c.connectionId(), c.time(), tx.runs());
        }
        if (known.requestsAreForgotten(c.time())) {
            tx.remembered().forget(s, c.connectionId());
        }
        Attendance now = known.after(c.time());
        tx.attend(s, c.connectionId(), known, now.isLost() ? now : null);
    }
}
