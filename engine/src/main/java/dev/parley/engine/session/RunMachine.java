package dev.parley.engine.session;

import dev.parley.engine.session.RunNote.Active;
import dev.parley.engine.session.RunNote.Cancel;
import dev.parley.engine.session.RunNote.Ended;
import dev.parley.engine.session.RunNote.Suspended;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What published messages do to the runs of a session. Pure, as {@link SessionMachine}, which calls it. */
final class RunMachine {
    /** How many runs of one session are followed at a time; of more, nobody notices when their agents die. */
    static final int MAX_RUNS = 1_000;

    /** How many cancels of one session are kept until they have had their effect; then the oldest are dropped. */
    static final int MAX_CANCELS = 200;

    private RunMachine() {}

    /**
     * Takes note of what was published.
     *
     * @param connectionId who published it, or null
     * @param positions of the messages
     */
    static void note(
            SessionState s, List<RunNote> notes, @Nullable String connectionId, List<Long> positions, SessionTx tx) {
        for (RunNote note : notes) {
            switch (note) {
                case Active n -> active(s, n, connectionId, positions.getFirst(), tx);
                case Suspended n -> {
                    Run run = tx.run(s, n.runId());
                    if (run != null && !run.suspended()) {
                        tx.putRun(s, run.asSuspended());
                    }
                }
                case Ended n -> {
                    Run run = tx.run(s, n.runId());
                    if (run != null) {
                        end(s, run, tx);
                    }
                }
                case Cancel n -> cancel(s, n, positions.get(n.message()), tx);
            }
        }
    }

    private static void active(SessionState s, Active n, @Nullable String connectionId, long position, SessionTx tx) {
        Run run = tx.run(s, n.runId());
        if (run == null) {
            if (n.opens() && tx.countRuns(s, MAX_RUNS) < MAX_RUNS) {
                tx.putRun(s, new Run(s.name(), n.runId(), position, n.inputId(), connectionId, false));
            }
        } else if (!run.suspended() || n.opens()) {
            Run now = run.by(connectionId);
            if (!now.equals(run)) {
                tx.putRun(s, now);
            }
        }
    }

    static void end(SessionState s, Run run, SessionTx tx) {
        tx.removeRun(s, run.id());
        tx.cancels(s).forEach((serial, cancel) -> {
            if (run.id().equals(cancel.runId())
                    || (run.inputId() != null && run.inputId().equals(cancel.inputId()))) {
                tx.removeCancel(s, serial);
            }
        });
    }

    private static void cancel(SessionState s, Cancel n, long serial, SessionTx tx) {
        if (n.runId() != null && tx.run(s, n.runId()) == null) {
            // It has ended: nobody needs to hear of this again.
            return;
        }
        var kept = tx.cancels(s);
        if (kept.size() >= MAX_CANCELS) {
            tx.removeCancel(s, Objects.requireNonNull(kept.firstEntry()).getKey());
        }
        tx.putCancel(s, serial, n);
    }
}
