package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.Control.Mode;
import dev.parley.engine.session.ControlTexts;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.ChangeControl;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Part;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.RemoveEmpty;
import dev.parley.engine.session.SessionCommand.Rollup;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.Held;
import dev.parley.engine.session.SessionOutcome.TakenOver;
import dev.parley.engine.store.Store.Table;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Who has the control of a session, and what an agent may say meanwhile. */
class ControlRulesTest extends SessionFixture {
    private static final ControlTexts TEXTS = new ControlTexts(
            List.of("answer", "begin"),
            new RunTexts.Notice("control", "taken by ", " at ", "", null),
            new RunTexts.Notice("control", "expired", " at ", "", null));

    private static Body named(@Nullable String name, String text) {
        return new Body(name, Data.of(text), null, null);
    }

    private SessionOutcome control(Mode mode, @Nullable String by, boolean any, long until, boolean onWrite) {
        return apply(new ChangeControl(NAME, now, mode, by, any, until, onWrite, text("control of " + by), TEXTS));
    }

    private SessionOutcome take(String by) {
        return control(Mode.PERSON, by, false, 0, false);
    }

    private SessionOutcome giveBack(String by) {
        return control(Mode.AGENT, by, false, 0, false);
    }

    /** A run whose answer is being streamed, by an agent that suspends its runs, or not. */
    private long answer(String run, boolean suspends) {
        List<RunNote> notes = List.of(
                new RunNote.Active(run, null, true),
                new RunNote.Described(
                        run,
                        new RunTexts(
                                text("lost"),
                                new RunTexts.Notice("away", "(", ",", ")", null),
                                new RunTexts.Notice("back", "(", ",", ")", null),
                                suspends ? null : text(run + " was taken over"))),
                new RunNote.Streaming(0, 0, run, "{\"closed\":1}"));
        var message = new Create(null, false, "bot", "c1", named("answer", "half"), false);
        return positions(apply(new Publish(NAME, now, null, List.of(message), notes)))
                .getFirst();
    }

    private SessionOutcome token(long serial) {
        return apply(request(null, grow(serial, " more")));
    }

    private static Change grow(long serial, String text) {
        return new Change(Action.APPEND, serial, text(text), BY_ANN, true, false, LIMIT);
    }

    /** What a person says who may take over, under an id. */
    private Publish says(String id, String text) {
        return new Publish(
                NAME,
                now,
                null,
                List.of(new Create(id, true, "ann", "c2", text(text), false)),
                List.of(new RunNote.Spoken(0, "<ann>")));
    }

    private List<String> texts() {
        return sessions.messages().list(state(), ALL, 100, PAGE_BYTES).stream()
                .map(SessionFixture::data)
                .toList();
    }

    @Test
    void whoTakesFirstHasTheControl() {
        long at = positions(take("ann")).getFirst();
        assertThat(state().control()).isEqualTo(new Control(Mode.PERSON, "ann", at, 0, false));
        assertThat(take("ben")).isEqualTo(new Held("ann"));
        assertThat(giveBack("ben")).isEqualTo(new Held("ann"));
        assertThat(control(Mode.SHARED, "ben", false, 0, false)).isEqualTo(new Held("ann"));
        assertThat(texts()).containsExactly("control of ann");
        assertThat(control(Mode.PERSON, "ben", true, 0, false)).isInstanceOf(Accepted.class);
        assertThat(state().control().holder()).isEqualTo("ben");
        assertThat(giveBack("ben")).isInstanceOf(Accepted.class);
        assertThat(state().control()).isEqualTo(Control.DEFAULT);
        assertThat(texts()).hasSize(3);
    }

    @Test
    void whatIsAsItIsAskedToBeIsNotSaidAgain() {
        assertThat(giveBack("ann")).isEqualTo(new Accepted(List.of(0L)));
        assertThat(sessions.find(NAME)).isNull();
        SessionOutcome first = take("ann");
        assertThat(take("ann")).isEqualTo(first);
        assertThat(texts()).hasSize(1);
        // With another time it is said again, and the control is still the one of the first time.
        now += 5;
        control(Mode.PERSON, "ann", false, now + 10, false);
        assertThat(state().control().since()).isEqualTo(positions(first).getFirst());
        assertThat(texts()).hasSize(2);
    }

    @Test
    void agentsSayNothingWhileAPersonHasTheControl() {
        long serial = answer("run", true);
        take("ann");
        var refused = new TakenOver("ann");
        assertThat(token(serial)).isEqualTo(refused);
        var part = new Part(9, text(" more"), BY_ANN, true, LIMIT);
        assertThat(apply(new Rollup(NAME, now, "c1", 0, serial, List.of(part)))).isEqualTo(refused);
        var update = new Change(Action.UPDATE, serial, text("whole"), BY_ANN, true, false, LIMIT);
        assertThat(apply(request(null, update))).isEqualTo(refused);
        assertThat(apply(request(null, create(null, named("begin", ""))))).isEqualTo(refused);
        assertThat(apply(request(null, create(null, text("a")), create(null, named("answer", "b")))))
                .isEqualTo(refused);
        assertThat(texts()).containsExactly("half", "control of ann");
        // What closes a message or a run, what people say, and messages of other names.
        var close = new Change(Action.APPEND, serial, new Body(null, null, null, "{}"), BY_ANN, true, false, LIMIT);
        publish(close, grow(serial, ""), create(null, named("end", "")), create(null, text("a")));
        giveBack("ann");
        assertThat(token(serial)).isInstanceOf(Accepted.class);
        control(Mode.SHARED, "ann", false, 0, false);
        assertThat(token(serial)).isInstanceOf(Accepted.class);
    }

    @Test
    void aRequestThatWasAcceptedBeforeHasItsOutcomeAgain() {
        long serial = answer("run", true);
        Publish request = request(new Sender("c1", 0, 5), grow(serial, " more"));
        SessionOutcome first = apply(request);
        take("ann");
        assertThat(apply(request)).isEqualTo(first);
    }

    /** Over REST a message has no request to be known by, but only its id. */
    @Test
    void anAgentsMessageThatWasAcceptedBeforeHasItsOutcomeAgain() {
        var first = new Create("mine:0", true, "bot", null, named("answer", "all"), false);
        var other = new Create("other:0", true, "bot", null, named("answer", "more"), false);
        SessionOutcome before = apply(new Publish(NAME, now, null, List.of(first)));
        take("ann");

        assertThat(apply(new Publish(NAME, now, null, List.of(first)))).isEqualTo(before);
        assertThat(apply(new Publish(NAME, now, null, List.of(other)))).isEqualTo(new TakenOver("ann"));
        assertThat(apply(new Publish(NAME, now, null, List.of(first, other)))).isEqualTo(new TakenOver("ann"));
    }

    @Test
    void runsEndUnlessTheirAgentsSuspendThem() {
        long closed = answer("run1", false);
        long open = answer("run2", true);
        take("ann");
        assertThat(texts()).containsExactly("half", "half", "control of ann", "run1 was taken over");
        assertThat(message(closed).body().extras()).isEqualTo("{\"closed\":1}");
        assertThat(message(open).body().extras()).isNull();
        assertThat(sessions.runs().of(state()))
                .singleElement()
                .extracting(run -> run.id())
                .isEqualTo("run2");
        // Of a run that is over, nothing follows either.
        assertThat(token(closed)).isInstanceOf(TakenOver.class);
    }

    @Test
    void aPersonTakesOverByWriting() {
        long serial = answer("run", false);
        apply(says("1", "hello"));
        assertThat(state().control()).isEqualTo(Control.DEFAULT);
        control(Mode.AGENT, "ann", false, 0, true);
        assertThat(state().control().mode()).isEqualTo(Mode.AGENT);
        long said = positions(apply(says("2", "stop"))).getFirst();
        assertThat(state().control().holder()).isEqualTo("ann");
        assertThat(texts()).endsWith("stop", "taken by <ann> at " + now, "run was taken over");
        assertThat(token(serial)).isEqualTo(new TakenOver("ann"));
        assertThat(shown)
                .filteredOn(entry -> entry.position() > said && entry instanceof MessageEntry)
                .allSatisfy(entry ->
                        assertThat(((MessageEntry) entry).body().data()).isNotEqualTo(Data.of(" more")));
        control(Mode.AGENT, "ann", false, 0, true);
        // What is published again takes over no more.
        apply(says("2", "stop"));
        assertThat(state().control().mode()).isEqualTo(Mode.AGENT);
        apply(says("3", "again"));
        assertThat(state().control().mode()).isEqualTo(Mode.PERSON);
    }

    @Test
    void theControlGoesBackWhenItsTimeIsOver() {
        control(Mode.PERSON, "ann", false, now + 10, true);
        control(Mode.PERSON, "ann", false, now + 20, true);
        assertThat(rows(Table.EXPIRIES)).isOne();
        assertThat(sessions.controls().expiries(now + 19, 10)).isEmpty();
        var due = sessions.controls().expiries(now + 20, 10);
        assertThat(due).hasSize(1);
        due.forEach(this::apply);
        // Asked twice, it happens once.
        due.forEach(this::apply);
        assertThat(texts()).endsWith("expired at " + (now + 20)).hasSize(3);
        assertThat(state().control().mode()).isEqualTo(Mode.AGENT);
        assertThat(state().control().onWrite()).isTrue();
        assertThat(rows(Table.EXPIRIES)).isZero();
        // What comes late does not end the control of the next one.
        control(Mode.PERSON, "ben", false, now + 50, false);
        due.forEach(this::apply);
        assertThat(state().control().holder()).isEqualTo("ben");
    }

    @Test
    void nothingIsLeftOfASessionThatWasRemoved() {
        control(Mode.PERSON, "ann", false, now + 10, true);
        apply(new Trim(NAME, now, Long.MAX_VALUE));
        apply(new RemoveEmpty(NAME, now));
        assertThat(state().control().holder()).isEqualTo("ann");
        apply(new Remove(NAME, now));
        assertThat(List.of(rows(Table.EXPIRIES), rows(Table.CONTROLS))).containsExactly(0, 0);
    }
}
