package dev.parley.engine.session.run;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.StallRun;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.message.Head;
import dev.parley.engine.session.request.RequestMachine;

/**
 * Which agents are stalled: those that are there, work at a run and say nothing. Pure, as SessionMachine, which calls it.
 *
 * <p>An append costs nothing here, unless an agent of the session is stalled: only whoever looks at a run reads how new the messages
 * are that it streams.
 */
public final class SilenceMachine {
    private SilenceMachine() {}

    /** The agent of a run has said something: it is not stalled. */
    static void heard(SessionState s, String runId, long time, RunTx tx) {
        Silence known = tx.silences().of(s, runId);
        // If the clock was set back, the run would be looked at too late.
        Silence now =
                known == null || known.isStalled() || time < known.listedAt() ? Silence.since(time) : known.heard(time);
        if (!now.equals(known)) {
            tx.silences().put(s, runId, known, now);
        }
        if (known != null && known.isStalled()) {
            tell(s, runId, false, time, tx);
        }
    }

    /** The agent of a run has closed a message, of which nobody looks any longer how new it is. */
    static void settled(SessionState s, long serial, long time, RunTx tx) {
        RunRows.Open open = tx.open(s, serial);
        if (open != null && tx.silences().of(s, open.runId()) != null) {
            heard(s, open.runId(), time, tx);
        }
    }

    /** The agents of runs have appended to what they stream; looked at only if one of the session is stalled. */
    static void appended(SessionState s, Publish c, RunTx tx) {
        for (MessageOp message : c.messages()) {
            RunRows.Open open = message instanceof Change change ? tx.open(s, change.serial()) : null;
            Silence known = open == null ? null : tx.silences().of(s, open.runId());
            if (open != null && known != null && known.isStalled()) {
                heard(s, open.runId(), c.time(), tx);
            }
        }
    }

    /** What an agent waits for has come, or the agent is back: it has its time from now on. */
    public static void begin(SessionState s, String runId, long time, RunTx tx) {
        Silence known = tx.silences().of(s, runId);
        if (known != null && !known.isStalled()) {
            tx.silences().put(s, runId, known, known.heard(time));
        }
    }

    /** Nobody works at the run any longer. */
    static void over(SessionState s, String runId, RunTx tx) {
        Silence known = tx.silences().of(s, runId);
        if (known != null) {
            tx.silences().put(s, runId, known, null);
        }
    }

    /**
     * Notes that the agent of a run is stalled, unless it was heard since.
     *
     * @param isAway whether its connection is lost, so that the silence is no wonder
     */
    public static void stall(SessionState s, StallRun c, boolean isAway, RunTx tx) {
        Silence known = tx.silences().of(s, c.runId());
        if (known == null || known.isStalled()) {
            return;
        }
        boolean waits = isAway || RequestMachine.isAwaited(s, c.runId(), tx.requests());
        long heard = waits ? c.time() : heard(s, c.runId(), known, c.time(), tx);
        if (heard > c.since()) {
            tx.silences().put(s, c.runId(), known, Silence.since(heard));
        } else {
            tx.silences().put(s, c.runId(), known, known.stalled(heard, c.time()));
            tell(s, c.runId(), true, c.time(), tx);
        }
    }

    /** When the agent of a run was heard; not later than now, whatever clocks have shown. */
    private static long heard(SessionState s, String runId, Silence known, long time, RunTx tx) {
        long heard = known.heardAt();
        for (long serial : tx.openOf(s, runId).keySet()) {
            Head head = tx.messages().head(s, serial);
            if (head != null) {
                heard = Math.max(heard, Positions.millis(head.version()));
            }
        }
        return Math.min(heard, time);
    }

    private static void tell(SessionState s, String runId, boolean stalled, long time, RunTx tx) {
        Run run = tx.run(s, runId);
        RunTexts texts = run == null ? null : tx.runTexts(s, runId);
        RunTexts.Notice notice = texts == null ? null : texts.stalled();
        if (notice != null) {
            String id = s.id() + ":stalled:" + runId + ":" + time;
            RunMachine.say(s, time, id, notice.about(Boolean.toString(stalled), time), tx);
        }
    }
}
