package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.Retain;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.Done;
import dev.parley.engine.session.SessionOutcome.NoSuchMessage;
import dev.parley.engine.session.SessionOutcome.TooLarge;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** The rules for sessions as a whole: positions, trimming, removal, and what is read of them. */
class SessionMachineTest extends SessionFixture {
    @Test
    void positionsAreTimeAndCounterAndNeverGoBack() {
        assertThat(publish(create(null, text("a")), create(null, text("b"))))
                .containsExactly(Positions.of(now, 0), Positions.of(now, 1));
        now -= 5;
        assertThat(publish(create(null, text("c")))).containsExactly(Positions.of(now + 5, 2));
        now += 6;
        assertThat(publish(create(null, text("d")))).containsExactly(Positions.of(now, 0));
        assertThat(state().last()).isEqualTo(Positions.of(now, 0));
    }

    @Test
    void allOrNothing() {
        long serial = publish(create(null, text("a"))).getFirst();
        SessionState before = state();
        assertThat(apply(request(
                        new Sender("c1", 0, 0),
                        create("x", text("b")),
                        append(serial, "c"),
                        change(Action.UPDATE, serial, text("x".repeat(LIMIT + 1))))))
                .isEqualTo(new TooLarge(serial, LIMIT + 1));
        assertThat(state()).isEqualTo(before);
        assertThat(history()).containsExactly("CREATE a");
        assertThat(publish(create("x", text("b"))).getFirst()).isNotEqualTo(serial);
    }

    @Test
    void anEphemeralMessageIsShownAndNotStored() {
        long position = publish(new Create(null, false, "ann", "c1", text("typing"), true))
                .getFirst();
        assertThat(shown).hasSize(1);
        assertThat(state().last()).isEqualTo(position);
        assertThat(history()).isEmpty();
        assertThat(apply(request(null, append(position, "!")))).isEqualTo(new NoSuchMessage(position));
    }

    @Test
    void aTrimRemovesMessagesWithAllTheyHave() {
        long one = publish(create("x", text("a"))).getFirst();
        apply(enter("c1", 0, "ann", "c1:0:0"));
        long two = publish(create("y", text("b"))).getFirst();
        publish(append(one, "!"), change(Action.UPDATE, two, text("c")));
        now += 1000;
        long three = publish(create("z", text("d"))).getFirst();
        apply(new Trim(NAME, now, two));
        assertThat(history()).containsExactly("CREATE d");
        assertThat(state().horizon()).isEqualTo(two);
        assertThat(state().members()).isEqualTo(1);
        assertThat(sessions.presence().events(state(), ALL, 10, LIMIT).entries())
                .isEmpty();
        assertThat(List.of(rows(Table.LOG), rows(Table.VERSIONS), rows(Table.GROWING), rows(Table.MESSAGE_IDS)))
                .containsExactly(1, 0, 0, 1);
        assertThat(apply(request(null, append(one, "!")))).isEqualTo(new NoSuchMessage(one));
        assertThat(publish(create("x", text("anew"))).getFirst()).isGreaterThan(three);
        apply(new Trim(NAME, now, Long.MAX_VALUE));
        assertThat(state().bytes()).isZero();
        assertThat(state().horizon()).isEqualTo(state().last());
        apply(new Trim(NAME, now, one));
        assertThat(state().horizon()).as("does not go back").isEqualTo(state().last());
    }

    @Test
    void aTrimGoesInSteps() {
        MessageOp[] many = LongStream.rangeClosed(0, SessionMachine.MAX_TRIMMED)
                .mapToObj(i -> create(null, text("m")))
                .toArray(MessageOp[]::new);
        List<Long> serials = publish(many);
        apply(new Trim(NAME, now, Long.MAX_VALUE));
        assertThat(state().horizon()).isEqualTo(serials.get(SessionMachine.MAX_TRIMMED - 1));
        assertThat(history()).hasSize(1);
        apply(new Trim(NAME, now, Long.MAX_VALUE));
        assertThat(history()).isEmpty();
        assertThat(state().bytes()).isZero();
    }

    /** Between the write of a batch and the moment at which its states are visible, readers are told of its entries. */
    @Test
    void whoIsToldOfAnEntryFindsTheSessionWithIt() {
        publish(create(null, text("a")));
        StoreTx rows = new StoreTx(store);
        SessionTx tx = new SessionTx(sessions, rows);
        SessionMachine.apply(enter("c1", 0, "ann", "c1:0:0"), journal + 64, tx);
        tx.write();
        rows.commit();
        long told = tx.added().getLast().entry().position();

        assertThat(state().members()).as("what was published before").isZero();
        SessionState found = Objects.requireNonNull(sessions.find(NAME, told));

        assertThat(found.members()).isEqualTo(1);
        assertThat(found.last()).isEqualTo(told);
    }

    @Test
    void retainsNoMoreThanTheSizeAndNoLessThanFits() {
        publish(create(null, text("a")));
        long one = state().bytes();
        long two = publish(create(null, text("b"))).getFirst();
        publish(append(two, "!"));
        publish(create(null, text("c")));
        long all = state().bytes();
        apply(new Retain(NAME, now, 0, all, 0));
        assertThat(history()).hasSize(3);
        assertThat(state().horizon()).isZero();
        apply(new Retain(NAME, now, 0, all - 1, 0));
        assertThat(history()).hasSize(2);
        assertThat(state().bytes()).isEqualTo(all - one);
        apply(new Retain(NAME, now, 0, one, 0));
        assertThat(history()).containsExactly("CREATE c");
        assertThat(state().horizon()).isEqualTo(two);
        apply(new Retain(NAME, now, 0, 0, 0));
        assertThat(history()).isEmpty();
        assertThat(state().bytes()).isZero();
    }

    @Test
    void retainsNothingThatIsTooOldHoweverSmall() {
        publish(create(null, text("old")));
        apply(enter("c1", 0, "ann", "c1:0:0"));
        now += 1000;
        publish(create(null, text("new")));
        apply(new Retain(NAME, now, now, Long.MAX_VALUE, now));
        assertThat(history()).containsExactly("CREATE new");
        assertThat(sessions.presence().events(state(), ALL, 10, LIMIT).entries())
                .isEmpty();
        assertThat(state().members()).isEqualTo(1);
        long horizon = state().horizon();
        apply(new Retain(NAME, now, now - 500, Long.MAX_VALUE, now - 500));
        assertThat(state().horizon()).as("does not go back").isEqualTo(horizon);
    }

    @Test
    void retainingGoesInSteps() {
        MessageOp[] many = LongStream.rangeClosed(0, SessionMachine.MAX_TRIMMED)
                .mapToObj(i -> create(null, text("m")))
                .toArray(MessageOp[]::new);
        List<Long> serials = publish(many);
        apply(new Retain(NAME, now, 0, 0, 0));
        assertThat(state().horizon()).isEqualTo(serials.get(SessionMachine.MAX_TRIMMED - 1));
        apply(new Retain(NAME, now, 0, 0, 0));
        assertThat(history()).isEmpty();
    }

    @Test
    void nothingIsLeftOfARemovedSession() {
        long serial = publish(create("x", text("a"))).getFirst();
        publish(append(serial, "b"));
        apply(enter("c1", 0, "ann", "c1:0:0"));
        apply(request(null, create(null, text("elsewhere"))));
        apply(new Remove(NAME, now));
        assertThat(sessions.find(NAME)).isNull();
        for (Table table : Table.values()) {
            assertThat(rows(table)).as("%s", table).isZero();
        }
        assertThat(apply(new Remove(NAME, now))).isEqualTo(new Done());
        List<SessionOutcome> again = applyTogether(List.of(
                request(null, create("x", text("old"))),
                new Remove(NAME, now),
                request(null, create("x", text("new")))));
        assertThat(again.getLast()).isInstanceOf(Accepted.class);
        assertThat(history()).containsExactly("CREATE new");
    }

    @Test
    void historyIsReadInPartsFromBothEnds() {
        List<Long> serials = publish(create(null, text("a")), create(null, text("b")), create(null, text("c")));
        publish(append(serials.getFirst(), "!"));
        assertThat(texts(new PositionRange(0, serials.get(1), false), 10, LIMIT))
                .containsExactly("a!", "b");
        assertThat(texts(new PositionRange(serials.get(1), Long.MAX_VALUE, true), 10, LIMIT))
                .containsExactly("c", "b");
        assertThat(texts(new PositionRange(0, Long.MAX_VALUE, true), 2, LIMIT)).containsExactly("c", "b");
        assertThat(texts(ALL, 10, 1)).as("at least one").containsExactly("a!");
        assertThat(texts(ALL, 10, 300)).containsExactly("a!", "b");
    }

    private List<String> texts(PositionRange range, int limit, int maxBytes) {
        return sessions.messages().list(state(), range, limit, maxBytes).stream()
                .map(SessionFixture::data)
                .toList();
    }

    @Test
    void sessionsAreListedByName() {
        for (String name : List.of("b", "a:2", "a:1", "a:10", "ab")) {
            apply(new Publish(new SessionName("app", name), now, null, List.of(create(null, text("x")))));
        }
        apply(new Publish(new SessionName("app2", "a:3"), now, null, List.of(create(null, text("x")))));
        assertThat(names("", "", 10)).containsExactly("a:1", "a:10", "a:2", "ab", "b");
        assertThat(names("a:", "", 2)).containsExactly("a:1", "a:10");
        assertThat(names("a:", "a:10", 2)).containsExactly("a:2");
        assertThat(names("a:", "b", 2)).isEmpty();
    }

    private List<String> names(String prefix, String after, int limit) {
        return sessions.list("app", prefix, after, limit).stream()
                .map(state -> state.name().name())
                .toList();
    }
}
