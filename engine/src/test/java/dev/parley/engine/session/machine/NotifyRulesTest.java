package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Notification;
import dev.parley.engine.session.Notification.Event;
import dev.parley.engine.session.Notification.MessageUnseen;
import dev.parley.engine.session.Notification.RequestOpened;
import dev.parley.engine.session.Notification.RunFinished;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.NotificationFate;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.RemoveEmpty;
import dev.parley.engine.session.SessionCommand.Seen;
import dev.parley.engine.session.SessionCommand.SettleNotification;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionCommand.WithAgents;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.WhenDue;
import dev.parley.engine.session.notify.NotifyMachine;
import dev.parley.engine.store.Store.Table;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the application of a session is told. */
class NotifyRulesTest extends SessionFixture {
    private static final RunTexts.Notice GAVE_UP = new RunTexts.Notice("untold", "gave up ", " at ", "", null);
    private static final NotifyRule ALL_EVENTS = new NotifyRule(List.of(Event.values()), List.of("aside"), GAVE_UP);

    private long revision;

    private <O extends SessionOutcome> SessionOutcome with(
            @Nullable NotifyRule rule, List<Agent> agents, SessionCommand<O> command) {
        return apply(new WithAgents<>(new Inherited(++revision, agents, rule), command));
    }

    private <O extends SessionOutcome> SessionOutcome told(SessionCommand<O> command) {
        return with(ALL_EVENTS, List.of(), command);
    }

    private Publish say(@Nullable String clientId, @Nullable String name, RunNote... notes) {
        var body = new Body(name, Data.of("x"), null, null);
        List<MessageOp> message = List.of(new Create(null, false, clientId, null, body, false));
        return new Publish(NAME, now, null, message, List.of(notes));
    }

    private static MessageOp grow(long serial, String text) {
        return new MessageOp.Change(
                MessageEntry.Action.APPEND, serial, text(text), new Operation("bot", null, null), false, false, LIMIT);
    }

    private Ask ask(String id) {
        var terms = new Terms(
                Kind.QUESTION, "title", null, null, null, null, null, List.of("ann"), 1, 0, WhenDue.EXPIRE, null);
        return new Ask(NAME, now, id, terms, text("asks"));
    }

    private List<Notification> pending() {
        return sessions.notifications().of(state());
    }

    private List<Notification.About> news() {
        return pending().stream().map(Notification::about).toList();
    }

    private List<String> whom() {
        return pending().stream().flatMap(each -> each.clientIds().stream()).toList();
    }

    private void settle(Notification of, NotificationFate fate) {
        apply(new SettleNotification(NAME, now, of.id(), of.attempts(), fate, now + 5));
    }

    private String lastText() {
        return data(sessions.messages().list(state(), ALL, 1000, PAGE_BYTES).getLast());
    }

    @Test
    void whoIsNotThereIsToldOnceUntilItIsThereAgain() {
        told(say("ann", null));
        told(say("ben", null));
        assertThat(whom()).containsExactly("ann");
        assertThat(news()).containsExactly(new MessageUnseen(state().last(), null, "ben"));
        settle(pending().getFirst(), NotificationFate.DELIVERED);
        told(say("ben", null));
        told(say(null, null));
        // Ann was told; Ben has not seen the last one.
        assertThat(whom()).containsExactly("ben");
        told(enter("c1", 1, "ann", "e1"));
        told(say("ben", null));
        assertThat(pending()).isEmpty();
        apply(new Leave(NAME, now, "c1", false));
        told(say("ben", null));
        assertThat(whom()).containsExactly("ann");
        // Whoever comes back before somebody was told needs not to be told.
        told(enter("c1", 2, "ann", "e2"));
        assertThat(pending()).isEmpty();
        apply(new Leave(NAME, now, "c1", false));
        told(say("ben", null));
        apply(new Seen(NAME, now, "ann"));
        assertThat(pending()).isEmpty();
        assertThat(rows(Table.NOTIFIED)).isZero();
        assertThat(rows(Table.NOTIFICATION_TIMES)).isZero();
    }

    @Test
    void whatIsStreamedCountsWhenItIsComplete() {
        told(say("ann", null));
        told(say("bot", "aside", new RunNote.Active("run", null, true)));
        assertThat(pending()).isEmpty();
        told(say("bot", "text", new RunNote.Streaming(0, 0, "run", "{}")));
        assertThat(pending()).isEmpty();
        long serial = state().last();
        told(new Publish(NAME, now, null, List.of(grow(serial, "more"))));
        assertThat(news()).isEmpty();
        told(new Publish(NAME, now, null, List.of(grow(serial, "end")), List.of(new RunNote.Settled(serial))));
        assertThat(news()).containsExactly(new MessageUnseen(serial, "text", "bot"));
        // An agent is not told of what people say.
        told(say("ann", null));
        assertThat(pending()).isEmpty();
    }

    @Test
    void whoHasBegunARunIsToldOfItsEndIfItTakesPart() {
        told(say("ann", "aside"));
        told(say("bot", "aside", new RunNote.Active("run", "input", true, "ann")));
        told(say("bot", "aside", new RunNote.Active("other", "input", true, "nobody")));
        told(say("bot", "aside", new RunNote.Ended("run", "complete"), new RunNote.Ended("other")));
        assertThat(news()).containsExactly(new RunFinished("run", "complete"));
        assertThat(whom()).containsExactly("ann");
    }

    @Test
    void whatIsNoLongerAskedIsNotTold() {
        told(ask("r1"));
        told(ask("r2"));
        assertThat(news())
                .containsExactly(
                        new RequestOpened("r1", Kind.QUESTION, "title", null, 0),
                        new RequestOpened("r2", Kind.QUESTION, "title", null, 0));
        assertThat(sessions.notifications().due(now, 10)).hasSize(2);
        var decision = new SessionRequest.Decision(
                "d", SessionRequest.Verdict.ANSWER, "ann", "k", now, null, null, null, null);
        told(new SessionCommand.Decide(NAME, now, "r1", decision, text("-"), List.of(), List.of()));
        assertThat(news()).containsExactly(new RequestOpened("r2", Kind.QUESTION, "title", null, 0));
    }

    @Test
    void whatCannotBeToldIsGivenUpInWords() {
        told(ask("r1"));
        Notification first = pending().getFirst();
        settle(first, NotificationFate.FAILED);
        // Said again of the same attempt, it counts once.
        settle(first, NotificationFate.FAILED);
        assertThat(pending()).containsExactly(first.failed(now + 5));
        assertThat(sessions.notifications().due(now + 4, 10)).isEmpty();
        assertThat(sessions.notifications().next()).isEqualTo(now + 5);
        for (int i = 1; i < Notification.MAX_ATTEMPTS; i++) {
            settle(pending().getFirst(), NotificationFate.FAILED);
        }
        assertThat(pending()).isEmpty();
        assertThat(lastText()).isEqualTo("gave up " + first.id() + " at " + now);
        told(ask("r2"));
        Notification second = pending().getFirst();
        settle(second, NotificationFate.GIVEN_UP);
        settle(second, NotificationFate.GIVEN_UP);
        assertThat(lastText()).isEqualTo("gave up " + second.id() + " at " + now);
        assertThat(rows(Table.NOTIFICATIONS)).isZero();
        assertThat(rows(Table.NOTIFICATION_TIMES)).isZero();
    }

    @Test
    void onlySoManyWait() {
        told(say("ann", "aside"));
        for (int i = 0; i <= NotifyMachine.MAX_PENDING; i++) {
            now++;
            told(say("bot", "aside", new RunNote.Active("run" + i, null, true, "ann")));
            told(say("bot", "aside", new RunNote.Ended("run" + i)));
        }
        assertThat(pending()).hasSize(NotifyMachine.MAX_PENDING);
        assertThat(news().getFirst()).isEqualTo(new RunFinished("run1", null));
        assertThat(lastText()).startsWith("gave up n");
    }

    @Test
    void inACrowdNobodyIsToldOfMessages() {
        IntStream.range(0, NotifyMachine.MAX_PEOPLE).forEach(i -> told(say("p" + i, "aside")));
        told(say("p0", null));
        assertThat(pending()).hasSize(NotifyMachine.MAX_PEOPLE - 1);
        told(say("one more", null));
        // P0 has not seen it, but there are too many.
        assertThat(pending()).hasSize(NotifyMachine.MAX_PEOPLE - 1);
    }

    @Test
    void agentsAndWhoIsThereAreNotTold() {
        told(say("ann", null));
        told(say("bot", null));
        settle(pending().getFirst(), NotificationFate.DELIVERED);
        told(presence("c9", null, 10, op(PresenceEntry.Action.ENTER, "cid", "e")));
        var bot = new Agent("bot", null, null, Agent.Trigger.INVOCATION, List.of(), 0, false, GAVE_UP, GAVE_UP);
        with(ALL_EVENTS, List.of(bot), say("ben", null));
        assertThat(pending()).isEmpty();
    }

    @Test
    void nothingIsLeftOfWhatIsNoLongerWanted() {
        told(say("ann", null));
        told(say("ben", null));
        told(ask("r1"));
        var requests = new NotifyRule(List.of(Event.REQUEST_OPENED), List.of(), GAVE_UP);
        with(requests, List.of(), say("ben", null));
        assertThat(news()).containsExactly(new RequestOpened("r1", Kind.QUESTION, "title", null, 0));
        assertThat(rows(Table.NOTIFIED)).isZero();
        with(null, List.of(), say("ben", null));
        assertThat(pending()).isEmpty();
        told(say("ben", null));
        told(ask("r2"));
        assertThat(pending()).hasSize(2);
        // Retention does not take what is still to be told, and keeps no session for who was told.
        apply(new Trim(NAME, now, Long.MAX_VALUE));
        assertThat(pending()).hasSize(2);
        apply(new Remove(NAME, now));
        for (Table table : List.of(Table.NOTIFICATIONS, Table.NOTIFICATION_TIMES, Table.NOTIFIED)) {
            assertThat(rows(table)).as("rows in %s", table).isZero();
        }
        told(say("ann", null));
        told(say("ben", null));
        settle(pending().getFirst(), NotificationFate.DELIVERED);
        apply(new Trim(NAME, now, Long.MAX_VALUE));
        apply(new RemoveEmpty(NAME, now));
        assertThat(sessions.find(NAME)).isNull();
        assertThat(rows(Table.NOTIFIED)).isZero();
    }
}
