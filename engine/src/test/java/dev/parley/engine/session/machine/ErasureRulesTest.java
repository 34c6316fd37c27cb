package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts.Notice;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.Describe;
import dev.parley.engine.session.SessionCommand.Erase;
import dev.parley.engine.session.SessionCommand.InvokeAgent;
import dev.parley.engine.session.SessionCommand.LabelChange;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.NotePurge;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.Settlement;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Claimed;
import dev.parley.engine.session.SessionOutcome.Erased;
import dev.parley.engine.session.SessionOutcome.NoSuchAgent;
import dev.parley.engine.session.SessionOutcome.NoSuchSession;
import dev.parley.engine.session.SessionOutcome.NotHeld;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Tombstone;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.erasure.Erasures.Pending;
import dev.parley.engine.store.Store.Table;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What remains of a session that is erased, and how the next one of its name begins. */
class ErasureRulesTest extends SessionFixture {
    private SessionOutcome erase(@Nullable String txid) {
        return apply(new Erase(NAME, now, "boss", txid));
    }

    private Tombstone erased(SessionOutcome outcome) {
        assertThat(outcome).isInstanceOf(Erased.class);
        return ((Erased) outcome).tombstone();
    }

    /** Lets the session name agents: one is called, one comes itself. */
    private void nameAgents() {
        Notice notice = new Notice("wake", "gave up ", " at ", "", null);
        apply(new NameAgents(
                NAME,
                now,
                List.of(
                        new Agent(
                                "called",
                                null,
                                new Agent.Endpoint("https://called", Data.of(new byte[] {1})),
                                Agent.Trigger.ALL,
                                List.of(),
                                0,
                                false,
                                notice,
                                notice),
                        new Agent("comes", null, null, Agent.Trigger.ALL, List.of(), 0, false, notice, notice)),
                List.of()));
    }

    private void say(String author) {
        apply(new Publish(
                NAME,
                now,
                null,
                List.of(new Create(null, false, author, null, text("said"), false)),
                List.of(new RunNote.Said(0, "event", null, false, List.of()))));
    }

    private Wake claimed(String agent) {
        return ((Claimed) apply(new ClaimWake(NAME, now, agent, "worker", now + 1000))).wake();
    }

    private Terms terms() {
        return new Terms(
                Kind.QUESTION,
                "title",
                null,
                null,
                null,
                null,
                "arguments",
                List.of(),
                1,
                now + 100,
                WhenDue.EXPIRE,
                new Notice("asked", "", ",", "", null));
    }

    @Test
    void onlyATombstoneRemains() {
        boot();
        apply(new Describe(NAME, now, null, true, false, List.of(new LabelChange("k", "v")), 10));
        long serial = publish(create("id", text("said"))).getFirst();
        publish(append(serial, " and more"));
        apply(enter("c1", 0, "ann", "id"));
        apply(new Publish(
                NAME,
                now,
                null,
                List.of(new Create(null, false, "bot", null, text("run"), false)),
                List.of(new RunNote.Active("run", null, true))));
        // One wake is due, one is claimed, and another one waits behind it.
        nameAgents();
        say("ann");
        claimed("comes");
        say("called");
        assertThat(List.of(rows(Table.AGENTS), rows(Table.WAKES), rows(Table.WAKE_TIMES)))
                .as("agents, wakes and turns, times")
                .containsExactly(2, 3, 4);
        for (String id : List.of("open", "decided")) {
            apply(new Ask(NAME, now, id, terms(), text("asks")));
        }
        Decision decision = new Decision("d", Verdict.ANSWER, "ann", "app.key", now, null, null, null, "yes");
        apply(new Decide(NAME, now, "decided", decision, text("answers"), List.of(), List.of()));
        assertThat(List.of(rows(Table.ASKED), rows(Table.INBOX), rows(Table.DUE)))
                .containsExactly(3, 2, 1);
        SessionState before = state();
        now += 5;

        Tombstone tombstone = erased(erase(null));

        assertThat(tombstone).isEqualTo(new Tombstone(NAME, before.id(), now, "boss", null, before.last() + 1, 0));
        assertThat(sessions.find(NAME)).isNull();
        assertThat(sessions.erasures().of(NAME)).isEqualTo(tombstone);
        for (Table table : Table.values()) {
            assertThat(rows(table))
                    .as("rows of %s", table)
                    .isEqualTo(table == Table.TOMBSTONES ? 2 : table == Table.META ? rows(Table.META) : 0);
        }
    }

    @Test
    void whatNeverWasOrIsGoneIsNotErased() {
        assertThat(erase(null)).isEqualTo(new NoSuchSession());
        publish(create(null, text("said")));
        Tombstone first = erased(erase(null));
        now += 5;
        assertThat(erase(null)).isEqualTo(new Erased(first));
        assertThat(erase("later")).isEqualTo(new Erased(first));
    }

    @Test
    void aRepeatedRequestDoesNotEraseTheNextSession() {
        publish(create(null, text("first")));
        Tombstone first = erased(erase("request"));
        publish(create(null, text("second")));

        assertThat(erase("request")).isEqualTo(new Erased(first));
        assertThat(history()).containsExactly("CREATE second");

        Tombstone second = erased(erase("other request"));
        assertThat(second.id()).isGreaterThan(first.id());
        assertThat(sessions.find(NAME)).isNull();
    }

    /** Also if the clock has gone back, and for a reader that had everything. */
    @Test
    void noPlaceOfTheErasedSessionIsOneOfTheNext() {
        long last = publish(create(null, text("first"))).getFirst();
        erase(null);
        now -= 100;

        long serial = publish(create(null, text("second"))).getFirst();

        assertThat(serial).isGreaterThan(last);
        assertThat(state().goesOnFrom(last)).isFalse();
        assertThat(sessions.since(NAME, state().id(), last, 1000)).isNull();
        // Who was there before it began has missed nothing.
        assertThat(Objects.requireNonNull(sessions.since(NAME, state().id(), 0, 1000))
                        .entries())
                .hasSize(1);
        assertThat(apply(request(null, append(last, "more")))).isEqualTo(new SessionOutcome.NoSuchMessage(last));
    }

    @Test
    void purgesAreNotedForTheSessionThatTheyAreOf() {
        publish(create(null, text("first")));
        Tombstone first = erased(erase(null));
        publish(create(null, text("second")));
        Tombstone second = erased(erase(null));
        assertThat(sessions.erasures().pending(10))
                .containsExactly(new Pending(NAME, first.id()), new Pending(NAME, second.id()));

        apply(new NotePurge(NAME, now + 7, first.id(), false));
        assertThat(sessions.erasures().pending(10)).hasSize(2);
        apply(new NotePurge(NAME, now + 7, first.id(), true));
        assertThat(sessions.erasures().pending(10)).containsExactly(new Pending(NAME, second.id()));
        assertThat(sessions.erasures().of(NAME)).isEqualTo(second);

        apply(new NotePurge(NAME, now + 8, second.id(), true));
        apply(new NotePurge(NAME, now + 9, second.id(), true));
        assertThat(sessions.erasures().of(NAME)).isEqualTo(second.withPurged(now + 8));
    }

    @Test
    void wakesOfTheErasedSessionAreNotOfTheNext() {
        nameAgents();
        say("ann");
        Wake old = claimed("comes");
        erase(null);
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10)).isEmpty();
        assertThat(sessions.wakes().expiries(Long.MAX_VALUE - 1, 10)).isEmpty();
        now -= 100;
        say("ben");
        assertThat(apply(new InvokeAgent(NAME, now, "comes", "event"))).isEqualTo(new NoSuchAgent("comes"));

        nameAgents();
        say("ben");
        Wake next = claimed("comes");
        assertThat(next.epoch()).isEqualTo(old.epoch());
        assertThat(apply(new SettleWake(NAME, now, "comes", old.id(), old.epoch(), Settlement.DONE, 0)))
                .isEqualTo(new NotHeld(old.id()));
        assertThat(sessions.wakes().of(state(), "comes")).isEqualTo(next);
    }

    @Test
    void membersOfTheErasedSessionAreNotInTheNext() {
        apply(enter("c1", 0, "ann", "id"));
        erase(null);
        apply(presence("c2", null, 10, op(PresenceEntry.Action.ENTER, "ben", "id")));

        assertThat(sessions.presence().members(state())).hasSize(1);
        assertThat(sessions.index().participants(state())).containsExactly("ben");
    }
}
