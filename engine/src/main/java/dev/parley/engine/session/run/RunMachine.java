package dev.parley.engine.session.run;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunNote.Active;
import dev.parley.engine.session.RunNote.Asked;
import dev.parley.engine.session.RunNote.Called;
import dev.parley.engine.session.RunNote.Cancel;
import dev.parley.engine.session.RunNote.Decided;
import dev.parley.engine.session.RunNote.Described;
import dev.parley.engine.session.RunNote.Ended;
import dev.parley.engine.session.RunNote.Said;
import dev.parley.engine.session.RunNote.Settled;
import dev.parley.engine.session.RunNote.Spoken;
import dev.parley.engine.session.RunNote.Streaming;
import dev.parley.engine.session.RunNote.Suspended;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.EndRun;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.NotAbandoned;
import dev.parley.engine.session.SessionOutcome.OfPublish;
import dev.parley.engine.session.SessionOutcome.OfRun;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.message.Head;
import dev.parley.engine.session.message.MessageMachine;
import dev.parley.engine.session.request.RequestMachine;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What published messages do to the runs of a session, and what becomes of a run whose agent is lost or has to leave the
 * session to a person. Pure, as
 * SessionMachine, which calls it.
 */
public final class RunMachine {
    /** How many runs of one session are followed at a time; of more, nobody notices when their agents die. */
    static final int MAX_RUNS = 1_000;

    /** How many cancels of one session are kept until they have had their effect; then the oldest are dropped. */
    static final int MAX_CANCELS = 200;

    /** How many messages of one session are followed at a time that are being streamed; of more, nobody closes them. */
    static final int MAX_STREAMING = 1_000;

    /** Why a message is closed. */
    private static final String LOST = "The agent was lost.";

    private static final String TAKEN_OVER = "A person has taken over.";

    private RunMachine() {}

    /**
     * Takes note of what was published.
     *
     * @param s the session before it
     * @param positions of the messages
     */
    private static void note(SessionState s, Publish c, List<Long> positions, RunTx tx) {
        String connectionId = c.sender() == null ? null : c.sender().connectionId();
        for (RunNote note : c.runs()) {
            switch (note) {
                case Active n -> active(s, n, connectionId, positions.getFirst(), c.time(), tx);
                case Suspended n -> {
                    Run run = tx.run(s, n.runId());
                    if (run != null && !run.suspended()) {
                        tx.putRun(s, run.asSuspended());
                        SilenceMachine.over(s, n.runId(), tx);
                    }
                }
                case Described n -> {
                    if (tx.run(s, n.runId()) != null && tx.runTexts(s, n.runId()) == null) {
                        tx.putRunTexts(s, n.runId(), n.texts());
                    }
                }
                case Streaming n -> streaming(s, n, n.serial() == 0 ? positions.get(n.message()) : n.serial(), tx);
                case Settled n -> {
                    SilenceMachine.settled(s, n.serial(), c.time(), tx);
                    tx.removeOpen(s, n.serial());
                }
                // This is for the control of the session.
                case Spoken n -> {}
                // This is for the agents that the session names.
                case Said n -> {}
                case Called n -> {
                    if (tx.run(s, n.runId()) != null) {
                        RequestMachine.called(s, n, positions.get(n.message()), tx.requests());
                    }
                }
                case Asked n -> RequestMachine.asked(s, c, n, positions.get(n.message()), tx.requests());
                case Decided n -> {
                    RequestMachine.decided(s, c, n, positions.get(n.message()), tx.requests());
                    SilenceMachine.begin(s, n.runId(), c.time(), tx);
                }
                case Ended n -> {
                    Run run = tx.run(s, n.runId());
                    if (run != null) {
                        end(s, run, tx);
                        tx.finish(run, n.reason());
                    }
                    RequestMachine.runEnded(s, n.runId(), c.time(), tx.requests());
                }
                case Cancel n -> cancel(s, n, positions.get(n.message()), tx);
            }
        }
    }

    private static void active(
            SessionState s, Active n, @Nullable String connectionId, long position, long time, RunTx tx) {
        Run run = tx.run(s, n.runId());
        if (run == null) {
            if (n.opens() && tx.countRuns(s, MAX_RUNS) < MAX_RUNS) {
                var opened = new Run(s.name(), n.runId(), position, n.inputId(), connectionId, false, n.startedBy());
                tx.putRun(s, opened);
                SilenceMachine.heard(s, n.runId(), time, tx);
            }
        } else if (!run.suspended() || n.opens()) {
            Run now = run.by(connectionId);
            if (!now.equals(run)) {
                tx.putRun(s, now);
            }
            SilenceMachine.heard(s, n.runId(), time, tx);
        }
    }

    private static void streaming(SessionState s, Streaming n, long serial, RunTx tx) {
        var open = new RunRows.Open(n.runId(), n.closed());
        RunRows.Open known = tx.open(s, serial);
        if (tx.run(s, n.runId()) != null
                && !open.equals(known)
                && (known != null || tx.countOpen(s, MAX_STREAMING) < MAX_STREAMING)) {
            tx.putOpen(s, serial, open);
        }
    }

    private static void end(SessionState s, Run run, RunTx tx) {
        tx.removeRun(s, run.id());
        SilenceMachine.over(s, run.id(), tx);
        tx.openOf(s, run.id()).forEach((serial, open) -> tx.removeOpen(s, serial));
        tx.cancels(s).forEach((serial, cancel) -> {
            if (run.id().equals(cancel.runId())
                    || (run.inputId() != null && run.inputId().equals(cancel.inputId()))) {
                tx.removeCancel(s, serial);
            }
        });
    }

    private static void cancel(SessionState s, Cancel n, long serial, RunTx tx) {
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

    /** Tells the session something about the agent of each run at which a connection works. */
    public static void tell(
            SessionState s, String connectionId, long time, Function<RunTexts, RunTexts.Notice> what, RunTx tx) {
        for (Run run : tx.runsOf(s, connectionId)) {
            RunTexts texts = tx.runTexts(s, run.id());
            if (texts != null) {
                RunTexts.Notice notice = what.apply(texts);
                String id = connectionId + ":" + notice.name() + ":" + run.id() + ":" + time;
                say(s, time, id, notice.about(connectionId, time), tx);
            }
        }
    }

    /** Publishes a message of the server. */
    public static void say(SessionState s, long time, String id, Body body, RunTx tx) {
        publish(s, time, List.of(create(id, body)), List.of(), tx);
    }

    /** The agents of the runs at which a connection works have their time from now on. */
    public static void here(SessionState s, String connectionId, long time, RunTx tx) {
        for (Run run : tx.runsOf(s, connectionId)) {
            SilenceMachine.begin(s, run.id(), time, tx);
        }
    }

    /** Ends the runs at which a connection works: closes the messages that they have left streaming, and says so. */
    public static void endAll(SessionState s, String connectionId, long time, RunTx tx) {
        for (Run run : tx.runsOf(s, connectionId)) {
            RunTexts texts = tx.runTexts(s, run.id());
            MessageOp end = texts == null ? null : create(connectionId + ":end:" + run.id(), texts.end());
            endNow(s, run, time, LOST, "lost", end, tx);
        }
    }

    /** Ends a run in the same way, unless it is over or waits for somebody. */
    public static void endLost(SessionState s, String runId, long time, RunTx tx) {
        Run run = tx.run(s, runId);
        if (run != null && !run.suspended()) {
            RunTexts texts = tx.runTexts(s, runId);
            MessageOp end = texts == null ? null : create(s.id() + ":lost:" + runId, texts.end());
            endNow(s, run, time, LOST, "lost", end, tx);
        }
    }

    /** Ends the runs that their agents do not suspend when a person takes over, in the same way. */
    public static void takeOver(SessionState s, long time, RunTx tx) {
        for (Run run : tx.active(s)) {
            RunTexts texts = tx.runTexts(s, run.id());
            Body takenOver = texts == null ? null : texts.takenOver();
            if (takenOver != null) {
                MessageOp end = create("taken-over:" + run.id(), takenOver);
                endNow(s, run, time, TAKEN_OVER, "taken-over", end, tx);
            }
        }
    }

    private static void endNow(
            SessionState s, Run run, long time, String why, String reason, @Nullable MessageOp end, RunTx tx) {
        List<MessageOp> messages = new ArrayList<>();
        tx.openOf(s, run.id()).forEach((serial, open) -> {
            Head head = tx.messages().head(s, serial);
            // What was deleted, or is gone, does not need to be closed.
            if (head != null && !head.isDeleted()) {
                messages.add(close(head, open.closed(), why));
            }
        });
        if (end != null) {
            messages.add(end);
        }
        List<RunNote> ended = List.of(new Ended(run.id(), reason));
        if (!(publish(s, time, messages, ended, tx) instanceof Accepted)) {
            // Also if what is to be said about it is refused.
            publish(s, time, List.of(), ended, tx);
        }
    }

    private static MessageOp create(String id, Body body) {
        return new MessageOp.Create(id, false, null, null, body, false);
    }

    private static MessageOp close(Head head, String extras, String why) {
        return new MessageOp.Change(
                MessageEntry.Action.APPEND,
                head.serial(),
                new Body(null, head.shape().nothingToAppend(), null, extras),
                new Operation(head.clientId(), why, null),
                true,
                false,
                Integer.MAX_VALUE);
    }

    /** Ends a run whose agent is gone, unless another connection works at it. */
    public static OfRun end(SessionState s, EndRun c, RunTx tx) {
        Run run = tx.run(s, c.runId());
        if (run == null || run.suspended() || !c.connectionId().equals(run.connectionId())) {
            return new NotAbandoned(c.runId());
        }
        // What has been deleted since it was found streaming, or is gone, needs not to be closed.
        List<MessageOp> open = c.messages().stream()
                .filter(message -> !(message instanceof Change change) || isThere(s, change, tx))
                .toList();
        return publish(s, new Publish(c.session(), c.time(), null, open, List.of(new Ended(c.runId()))), tx);
    }

    private static boolean isThere(SessionState s, Change change, RunTx tx) {
        Head head = tx.messages().head(s, change.serial());
        return head != null && !head.isDeleted();
    }

    private static SessionOutcome publish(
            SessionState s, long time, List<MessageOp> messages, List<RunNote> notes, RunTx tx) {
        // Something may have been published since.
        SessionState now = Objects.requireNonNull(tx.batch().find(s.name()));
        return publish(now, new Publish(s.name(), time, null, messages, notes), tx);
    }

    /** Publishes to {@code s} what was not published before, and takes note of what it means for runs. */
    public static OfPublish publish(SessionState s, Publish c, RunTx tx) {
        OfPublish outcome = MessageMachine.publish(s, c, tx.messages());
        if (outcome instanceof Accepted accepted) {
            note(s, c, accepted.positions(), tx);
            if (s.stalled()) {
                SilenceMachine.appended(s, c, tx);
            }
        }
        return outcome;
    }
}
