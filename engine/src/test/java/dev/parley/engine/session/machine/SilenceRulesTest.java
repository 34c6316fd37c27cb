package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Attribute.StalledRun;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.Back;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.Erase;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.RunTimes;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import dev.parley.engine.store.Store.Table;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Agents that say nothing in the middle of a run. */
class SilenceRulesTest extends SessionFixture {
    /** An agent that says nothing for this time is stalled. */
    private static final long AFTER = 100;

    private long requests = 10;

    /** A run of which nothing is left to be heard but the rest of a message. */
    private long start(String run, Sender sender) {
        List<RunNote> notes = List.of(
                new RunNote.Active(run, null, true),
                new RunNote.Described(
                        run,
                        new RunTexts(
                                text("over"),
                                new RunTexts.Notice("away", "(", ",", ")", null),
                                new RunTexts.Notice("back", "(", ",", ")", null),
                                null,
                                new RunTexts.Notice("stall", run + " ", " ", "", null))),
                new RunNote.Streaming(0, 0, run, "{}"));
        return positions(apply(new Publish(NAME, now, sender, List.of(create(null, text("half"))), notes)))
                .getFirst();
    }

    private void at(long time) {
        now = time;
        sessions.silences().due(now, now - AFTER, 10).forEach(this::apply);
    }

    private void note(RunNote note, MessageOp... messages) {
        apply(new Publish(NAME, now, new Sender("c1", 1, ++requests), List.of(messages), List.of(note)));
    }

    private List<String> said() {
        return sessions.messages().list(state(), ALL, 100, PAGE_BYTES).stream()
                .filter(message -> "stall".equals(message.body().name()))
                .map(message -> data(message))
                .toList();
    }

    private boolean isStalled() {
        boolean stalled = state().stalled();
        assertThat(sessions.index().has(NAME, new StalledRun())).isEqualTo(stalled);
        return stalled;
    }

    @Test
    void anAgentThatSaysNothingIsStalledUntilItAppends() {
        long begun = now;
        long serial = start("run", new Sender("c1", 1, 1));
        at(begun + AFTER - 1);
        assertThat(isStalled()).isFalse();
        at(begun + AFTER);
        assertThat(isStalled()).isTrue();
        at(begun + 2 * AFTER);
        assertThat(said()).as("told once").containsExactly("run true " + (begun + AFTER));
        rollup(serial, part(2, text(" more")));
        assertThat(isStalled()).isFalse();
        assertThat(said()).containsExactly("run true " + (begun + AFTER), "run false " + now);
        at(begun + 3 * AFTER - 1);
        assertThat(isStalled()).isFalse();
        at(begun + 3 * AFTER);
        assertThat(isStalled()).isTrue();
    }

    @Test
    void whatIsAppendedIsHeardAndSoIsTheEndOfAMessage() {
        long begun = now;
        long serial = start("run", new Sender("c1", 1, 1));
        now = begun + AFTER - 1;
        rollup(serial, part(2, text(" more")));
        at(begun + 2 * AFTER - 2);
        assertThat(isStalled()).isFalse();
        note(new RunNote.Settled(serial), append(serial, " all"));
        at(begun + 3 * AFTER - 3);
        assertThat(isStalled()).isFalse();
        at(begun + 3 * AFTER - 2);
        assertThat(isStalled()).isTrue();
        note(new RunNote.Active("run", null, false), create(null, text("next")));
        assertThat(isStalled()).isFalse();
    }

    @Test
    void aRunThatIsSuspendedOrOverHasNobodyWhoIsStalled() {
        start("run", new Sender("c1", 1, 1));
        start("other", new Sender("c1", 1, 2));
        at(now + AFTER);
        note(new RunNote.Suspended("run"));
        assertThat(isStalled()).as("the other one is").isTrue();
        note(new RunNote.Ended("other"));
        assertThat(isStalled()).isFalse();
        at(now + 10 * AFTER);
        assertThat(isStalled()).isFalse();
        assertThat(rows(Table.SILENCES)).isZero();
        note(new RunNote.Active("run", null, true), create(null, text("resumed")));
        at(now + AFTER);
        assertThat(isStalled()).isTrue();
        assertThat(said()).hasSize(3);
    }

    @Test
    void anAgentWhoseConnectionIsLostIsAwayAndNotStalled() {
        start("run", new Sender("c1", 1, 1));
        long lost = now + 10;
        RunTimes times = new RunTimes(lost + 20 * AFTER, lost + 20 * AFTER, lost + 20 * AFTER);
        apply(new Lost(NAME, lost, "c1", 2, lost + 20 * AFTER, lost + 20 * AFTER, times));
        at(lost + 5 * AFTER);
        assertThat(isStalled()).isFalse();
        long back = now + AFTER - 1;
        apply(new Back(NAME, back, "c1", 3));
        at(back + AFTER - 1);
        assertThat(isStalled()).isFalse();
        at(back + AFTER);
        assertThat(isStalled()).isTrue();
    }

    @Test
    void anAgentThatWaitsForAnAnswerIsNotStalled() {
        start("run", new Sender("c1", 1, 1));
        var notice = new RunTexts.Notice("asked", "(", ",", ")", null);
        Terms terms =
                new Terms(Kind.QUESTION, "", null, "run", null, null, null, List.of(), 1, 0, WhenDue.EXPIRE, notice);
        apply(new Ask(NAME, now, "r1", terms, text("asked")));
        at(now + 5 * AFTER);
        assertThat(isStalled()).isFalse();
        now += AFTER - 1;
        Decision answer = new Decision("d", Verdict.ANSWER, "ann", "key", now, null, null, null, null);
        apply(new Decide(NAME, now, "r1", answer, text("answered"), List.of(), List.of()));
        at(now + AFTER - 1);
        assertThat(isStalled()).isFalse();
        at(now + 1);
        assertThat(isStalled()).isTrue();
    }

    @Test
    void aClockThatIsSetBackDelaysNothingForLong() {
        long begun = now;
        start("run", new Sender("c1", 1, 1));
        now = begun - 100 * AFTER;
        note(new RunNote.Active("run", null, false), create(null, text("next")));
        at(begun - 99 * AFTER);
        // The positions are still those of the clock before; an agent that streams is believed to be heard until then.
        assertThat(isStalled()).isFalse();
        at(begun + AFTER);
        assertThat(isStalled()).isTrue();
    }

    @Test
    void nothingIsLeftOfASessionThatIsErased() {
        start("run", new Sender("c1", 1, 1));
        start("other", new Sender("c1", 1, 2));
        at(now + AFTER);
        note(new RunNote.Active("run", null, false), create(null, text("next")));
        apply(new Erase(NAME, now, null, null));
        assertThat(rows(Table.SILENCES)).isZero();
        assertThat(sessions.index().has(NAME, new StalledRun())).isFalse();
        publish(new Create(null, false, null, null, new Body(null, Data.of("again"), null, null), false));
        assertThat(isStalled()).isFalse();
    }
}
