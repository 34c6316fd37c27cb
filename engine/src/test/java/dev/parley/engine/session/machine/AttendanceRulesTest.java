package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.life.Lives;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.Back;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.RunTimes;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.attendance.Attendances;
import dev.parley.engine.session.log.Membership;
import dev.parley.engine.store.Store.Table;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What becomes of that which a lost connection has left: its members, its requests, and the runs of its agent. */
class AttendanceRulesTest extends SessionFixture {
    @Test
    void membersOfALostConnectionLeaveAndItsRequestsAreForgottenLater() {
        apply(enter("c1", 0, "ann", "c1:0:0"));
        apply(new Lost(NAME, now, "c1", 1, now + 10, now + 20, null));
        assertThat(sessions.attendances().departures(now + 9, 10)).isEmpty();
        departAt(now + 10);
        assertThat(state().members()).isZero();
        assertThat(List.of(rows(Table.REMEMBERED), rows(Table.ATTENDANCES), rows(Table.DEPARTURES)))
                .containsExactly(1, 1, 1);
        departAt(now + 20);
        assertThat(List.of(rows(Table.REMEMBERED), rows(Table.ATTENDANCES), rows(Table.DEPARTURES)))
                .containsExactly(0, 0, 0);
    }

    @Test
    void whoIsBackInTimeStays() {
        apply(enter("c1", 0, "ann", "c1:0:0"));
        apply(new Lost(NAME, now, "c1", 1, now + 10, now + 20, null));
        List<Depart> due = sessions.attendances().departures(now + 20, 10);
        apply(new Back(NAME, now + 20, "c1", 2));
        due.forEach(this::apply);
        assertThat(state().members()).isEqualTo(1);
        assertThat(rows(Table.DEPARTURES)).isZero();
        // What was refused before for lack of room comes too late.
        apply(new Lost(NAME, now, "c1", 1, now + 10, now + 20, null));
        assertThat(rows(Table.DEPARTURES)).isZero();
        apply(new Lost(NAME, now, "c1", 2, now + 30, now + 40, null));
        apply(new Back(NAME, now, "c1", 2));
        departAt(now + 40);
        assertThat(state().members()).isZero();
        assertThat(rows(Table.ATTENDANCES)).isZero();
    }

    @Test
    void nothingIsKnownOfAConnectionThatHasLeftNothing() {
        publish(create(null, text("a")));
        apply(new Lost(NAME, now, "c1", 1, now + 10, now + 20, null));
        apply(new Back(NAME, now, "c1", 2));
        assertThat(rows(Table.ATTENDANCES)).isZero();
        apply(enter("c1", 0, "ann", "c1:0:0"));
        apply(new Lost(NAME, now, "c1", 1, now + 10, now + 20, null));
        apply(new Remove(NAME, now));
        assertThat(List.of(rows(Table.ATTENDANCES), rows(Table.DEPARTURES))).containsExactly(0, 0);
    }

    private static final RunTexts TEXTS = new RunTexts(
            text("over"),
            new RunTexts.Notice("away", "(", ",", ")", null),
            new RunTexts.Notice("back", "(", ",", ")", null),
            null);

    /** A run with a message that is being streamed. */
    private long stream(String connectionId) {
        List<RunNote> notes = List.of(
                new RunNote.Active("run", null, true),
                new RunNote.Described("run", TEXTS),
                new RunNote.Streaming(0, 0, "run", "{\"closed\":1}"));
        var message = new Create(null, false, "ann", connectionId, text("half"), false);
        var outcome = apply(new Publish(NAME, now, new Sender(connectionId, 0, 0), List.of(message), notes));
        return ((Accepted) outcome).positions().getFirst();
    }

    private Lost lostAgent(long epoch) {
        return new Lost(NAME, now, "c1", epoch, now + 10, now + 100, new RunTimes(now + 5, now + 50, now + 20));
    }

    private List<String> texts() {
        return stored().stream()
                .map(message -> Objects.requireNonNull(message.body().data()).asText())
                .toList();
    }

    private List<MessageEntry> stored() {
        return sessions.messages().list(state(), ALL, 100, PAGE_BYTES);
    }

    @Test
    void theRunOfALostAgentEndsAndItsMessagesAreClosed() {
        long serial = stream("c1");
        apply(lostAgent(1));
        departAt(now + 5);
        departAt(now + 49);
        assertThat(texts()).containsExactly("half", "(c1," + (now + 5) + ")");
        assertThat(sessions.runs().of(state())).hasSize(1);
        departAt(now + 50);
        assertThat(texts()).endsWith("over").startsWith("half");
        assertThat(Objects.requireNonNull(sessions.messages().find(state(), serial))
                        .body()
                        .extras())
                .isEqualTo("{\"closed\":1}");
        assertThat(rows(Table.RUNS)).isZero();
        departAt(now + 100);
        assertThat(List.of(rows(Table.REMEMBERED), rows(Table.ATTENDANCES), rows(Table.DEPARTURES)))
                .containsExactly(0, 0, 0);
    }

    @Test
    void anAgentThatIsBackWhileItsRunIsToEndKeepsIt() {
        stream("c1");
        apply(lostAgent(1));
        departAt(now + 5);
        List<Depart> due = sessions.attendances().departures(now + 50, 10);
        apply(new Back(NAME, now + 50, "c1", 2));
        due.forEach(this::apply);
        assertThat(sessions.runs().of(state())).hasSize(1);
        assertThat(texts()).endsWith("(c1," + (now + 50) + ")").hasSize(3);
        // The loss that was refused before comes late; the next one counts.
        apply(lostAgent(1));
        assertThat(rows(Table.DEPARTURES)).isZero();
        apply(lostAgent(2));
        departAt(now + 50);
        assertThat(sessions.runs().of(state())).isEmpty();
    }

    /** As after a start, which loses all connections again. */
    @Test
    void nobodyIsToldTwiceThatAnAgentIsAway() {
        stream("c1");
        apply(lostAgent(1));
        departAt(now + 5);
        apply(lostAgent(2));
        departAt(now + 49);
        assertThat(texts()).hasSize(2);
        apply(new Back(NAME, now + 49, "c1", 3));
        assertThat(texts()).endsWith("(c1," + (now + 49) + ")").hasSize(3);
        apply(lostAgent(3));
        departAt(now + 5);
        assertThat(texts()).hasSize(4);
    }

    @Test
    void theRunEndsSoonerWhenItsAgentsMembersLeave() {
        apply(enter("c1", 1, "ann", "c1:1:0"));
        stream("c1");
        apply(lostAgent(1));
        departAt(now + 19);
        assertThat(sessions.runs().of(state())).hasSize(1);
        departAt(now + 20);
        assertThat(sessions.runs().of(state())).isEmpty();
    }

    @Test
    void whatTheAgentHasSettledOrSomebodyHasDeletedIsNotClosed() {
        long settled = stream("c1");
        long deleted = stream("c1 ");
        apply(new Publish(NAME, now, null, List.of(), List.of(new RunNote.Settled(settled))));
        apply(new Publish(
                NAME,
                now,
                new Sender("c1", 0, 7),
                List.of(new Change(Action.DELETE, deleted, text(null), BY_ANN, true, false, LIMIT)),
                List.of(new RunNote.Active("run", null, false))));
        apply(lostAgent(1));
        departAt(now + 50);
        assertThat(sessions.runs().of(state())).isEmpty();
        assertThat(stored()).extracting(message -> message.body().extras()).containsOnlyNulls();
    }

    @Test
    void aRunThatAnotherAgentHasTakenOverGoesOn() {
        stream("c1");
        apply(lostAgent(1));
        apply(new Publish(
                NAME,
                now,
                new Sender("c2", 0, 0),
                List.of(create(null, text("more"))),
                List.of(new RunNote.Active("run", null, false))));
        departAt(now + 100);
        assertThat(texts()).containsExactly("half", "more");
        assertThat(sessions.runs().of(state())).extracting(Run::connectionId).containsExactly("c2");
    }

    @Test
    void whoLeavesLateLeavesNothingThatCameAfter() {
        apply(enter("c1", 0, "ann", "c1:0:0"));
        apply(new Lost(NAME, now, "c1", 5, now + 10, now + 20, null));
        apply(new Back(NAME, now, "c1", 6));
        apply(new Leave(NAME, now, "c1", true, 5, null));
        assertThat(state().members()).isOne();
        assertThat(rows(Table.REMEMBERED)).isOne();
        apply(new Leave(NAME, now, "c1", true, 6, null));
        assertThat(state().members()).isZero();
        assertThat(List.of(rows(Table.REMEMBERED), rows(Table.ATTENDANCES), rows(Table.ARRIVALS)))
                .containsExactly(0, 0, 0);
    }

    @Test
    void whoMakesARequestIsThere() {
        stream("c1");
        apply(lostAgent(5));
        departAt(now + 5);
        // The command that the connection is back was refused.
        apply(request(new Sender("c1", 6, 1), create(null, text("more"))));
        assertThat(rows(Table.DEPARTURES)).isZero();
        assertThat(texts()).contains("more").endsWith("(c1," + now + ")");
        apply(lostAgent(5));
        assertThat(rows(Table.DEPARTURES)).isZero();
        apply(lostAgent(6));
        assertThat(rows(Table.DEPARTURES)).isOne();
    }

    private Attendances.Earlier earlier(byte @Nullable [] from, int limit) {
        return sessions.attendances().ofEarlierLives(0, from, limit);
    }

    @Test
    void sessionsAreFoundWhereConnectionsOfEarlierLivesHaveLeftSomething() {
        apply(request(new Sender("c1", Lives.epoch(1, 1), 0), create(null, text("a"))));
        apply(request(new Sender("c2", Lives.epoch(2, 1), 0), create(null, text("b"))));
        boot();
        assertThat(earlier(null, 10).traces()).containsExactly(new Membership(NAME, "c2"));
        boot();
        assertThat(earlier(null, 10).traces()).containsExactly(new Membership(NAME, "c1"));
        boot();
        assertThat(earlier(null, 10).traces()).hasSize(2);
        Attendances.Earlier first = earlier(null, 1);
        assertThat(first.traces()).containsExactly(new Membership(NAME, "c1"));
        assertThat(earlier(first.next(), 1).traces()).containsExactly(new Membership(NAME, "c2"));
        apply(new Lost(NAME, now, "c1", Lives.epoch(3, 1), now + 10, now + 20, null));
        assertThat(earlier(null, 10).traces()).containsExactly(new Membership(NAME, "c2"));
        apply(new Remove(NAME, now));
        assertThat(rows(Table.ARRIVALS)).isZero();
    }
}
