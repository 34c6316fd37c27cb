package dev.parley.engine.session.control;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.Control.Mode;
import dev.parley.engine.session.ControlTexts;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunNote.Spoken;
import dev.parley.engine.session.SessionCommand.ChangeControl;
import dev.parley.engine.session.SessionCommand.ExpireControl;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.Held;
import dev.parley.engine.session.SessionOutcome.OfControl;
import dev.parley.engine.session.SessionOutcome.OfPublish;
import dev.parley.engine.session.SessionOutcome.TakenOver;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.message.Head;
import dev.parley.engine.session.request.RequestMachine;
import dev.parley.engine.session.run.RunMachine;
import java.util.List;
import java.util.Objects;
import java.util.function.LongFunction;

/**
 * Who has the control of a session, and what agents may not say meanwhile. Pure, as SessionMachine, which calls it.
 *
 * <p>While the control is the default one, which is in the state, nothing of this reads the store.
 */
public final class ControlMachine {
    /** How many changes of the control of one session are kept; then the oldest are forgotten. */
    public static final int MAX_CHANGES = 1_000;

    private ControlMachine() {}

    /** Gives the control to somebody. If it is as asked already, nothing happens. */
    public static OfControl change(SessionState s, ChangeControl c, ControlTx tx) {
        Control known = s.control();
        if (known.mode() == Mode.PERSON && !Objects.equals(known.holder(), c.by()) && !c.any()) {
            return new Held(known.holder());
        }
        Control wanted = c.mode() == Mode.AGENT
                ? new Control(Mode.AGENT, null, 0, 0, c.onWrite())
                : new Control(c.mode(), c.by(), 0, c.until(), c.onWrite());
        if (wanted.equals(since(known, 0))) {
            return new Accepted(List.of(known.since()));
        }
        boolean goesOn = wanted.mode() == known.mode() && Objects.equals(wanted.holder(), known.holder());
        return new Accepted(List.of(become(
                s,
                at -> wanted.equals(Control.DEFAULT)
                        ? wanted
                        : since(wanted, goesOn && known.since() != 0 ? known.since() : at),
                c.notice(),
                c.time(),
                c.texts(),
                tx)));
    }

    private static Control since(Control control, long at) {
        return new Control(control.mode(), control.holder(), at, control.until(), control.onWrite());
    }

    /** Gives the control back to the agent if its time is over. */
    public static void expire(SessionState s, ExpireControl c, ControlTx tx) {
        Control known = s.control();
        if (known.until() != 0 && known.until() <= c.time()) {
            ControlTexts texts = tx.texts(s);
            become(s, known::givenBack, texts.expired().about("", c.time()), c.time(), texts, tx);
        }
    }

    /**
     * Publishes messages, unless they are an agent's and a person has the control, or they answer what is no longer open. A
     * person may take over by that: then nothing of an agent follows.
     */
    public static OfPublish publish(SessionState s, Publish c, ControlTx tx) {
        Control control = s.control();
        if (control.mode() == Mode.PERSON && isAgents(s, c, tx)) {
            return new TakenOver(control.holder());
        }
        OfPublish late = RequestMachine.refusal(s, c, tx.runs().requests());
        if (late != null) {
            return late;
        }
        OfPublish outcome = RunMachine.publish(s, c, tx.runs());
        if (outcome instanceof Accepted accepted && control.mode() == Mode.AGENT && control.onWrite()) {
            takeOver(s, c, accepted.positions(), tx);
        }
        return outcome;
    }

    /** Whether something is said that only agents say. What ends something of theirs says nothing. */
    private static boolean isAgents(SessionState s, Publish c, ControlTx tx) {
        List<String> names = tx.texts(s).agentMessages();
        for (MessageOp message : c.messages()) {
            boolean isAgents = switch (message) {
                // What was said before and is said again gets its first answer.
                case Create m ->
                    m.body().name() != null
                            && names.contains(m.body().name())
                            && !(m.unique() && tx.messages().isKnown(s, m.id()));
                case Change m -> {
                    Head head = saysSomething(m) ? tx.messages().head(s, m.serial()) : null;
                    String name = head == null ? null : head.shape().name();
                    yield name != null && names.contains(name);
                }
            };
            if (isAgents) {
                return true;
            }
        }
        return false;
    }

    private static boolean saysSomething(Change change) {
        Data data = change.body().data();
        return data != null && (change.action() != Action.APPEND || data.bytes().length > 0);
    }

    private static void takeOver(SessionState before, Publish c, List<Long> positions, ControlTx tx) {
        for (RunNote note : c.runs()) {
            if (note instanceof Spoken spoken
                    && c.messages().get(spoken.message()) instanceof Create message
                    && message.clientId() != null
                    // A message that is published again has taken over before.
                    && positions.get(spoken.message()) > before.last()) {
                String holder = message.clientId();
                ControlTexts texts = tx.texts(before);
                Body notice = texts.written().about(spoken.clientId(), c.time());
                become(tx.now(before), at -> before.control().takenBy(holder, at), notice, c.time(), texts, tx);
                return;
            }
        }
    }

    /** Publishes what says so, and changes the control; {@code now} gives it for the position of what was published. */
    private static long become(
            SessionState s, LongFunction<Control> now, Body notice, long time, ControlTexts texts, ControlTx tx) {
        String id = s.id() + ":control:" + time;
        var message = new Create(id, false, null, null, notice, false);
        OfPublish outcome = RunMachine.publish(s, new Publish(s.name(), time, null, List.of(message)), tx.runs());
        if (!(outcome instanceof Accepted accepted)) {
            throw new IllegalStateException("a new message was refused: " + outcome);
        }
        long at = accepted.positions().getFirst();
        tx.keep(s, at, notice);
        SessionState after = tx.put(tx.now(s), now.apply(at), texts);
        if (after.control().mode() == Mode.PERSON) {
            RunMachine.takeOver(after, time, tx.runs());
        }
        return at;
    }
}
