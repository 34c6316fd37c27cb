package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.NoSuchMessage;
import dev.parley.engine.session.SessionOutcome.TooLarge;
import dev.parley.engine.session.SessionOutcome.TypeDiffers;
import dev.parley.engine.session.remembered.Remembered;
import dev.parley.engine.store.Store.Table;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A request takes effect once, however often it is sent. */
class RememberedRulesTest extends SessionFixture {
    @Test
    void aClientsOwnIdMakesAMessageOnce() {
        List<Long> first = publish(create("x", text("one")), create("y", text("two")), create("x", text("three")));
        assertThat(first.get(2)).isEqualTo(first.get(0));
        now += 10;
        assertThat(publish(create("y", text("four")), create("z", text("five"))))
                .containsExactly(first.get(1), Positions.of(now, 0));
        assertThat(history()).containsExactly("CREATE one", "CREATE two", "CREATE five");
        publish(new Create("x", false, "ann", "c1", text("not the client's own"), false));
        assertThat(history()).hasSize(4);
    }

    @Test
    void aRequestThatIsSentAgainHasItsFirstOutcome() {
        Sender sender = new Sender("c1", 0, 7);
        List<Long> first = positions(apply(request(sender, create(null, text("a")))));
        now += 5;
        assertThat(positions(apply(request(sender, create(null, text("a")))))).isEqualTo(first);
        assertThat(history()).containsExactly("CREATE a");
        apply(request(new Sender("c2", 0, 7), create(null, text("another's"))));
        assertThat(history()).hasSize(2);
        List<SessionOutcome> together = applyTogether(List.of(
                request(new Sender("c1", 0, 8), create(null, text("b"))),
                request(new Sender("c1", 0, 8), create(null, text("b")))));
        assertThat(together.getLast()).isEqualTo(together.getFirst());
        assertThat(history()).hasSize(3);
    }

    @Test
    void aRefusedRequestIsJudgedAnew() {
        long later = Positions.of(now, 1);
        Publish early = request(new Sender("c1", 0, 1), append(later, "!"));
        assertThat(apply(early)).isEqualTo(new NoSuchMessage(later));
        assertThat(sessions.find(NAME)).isNull();
        publish(create(null, text("a")), create(null, text("b")));
        assertThat(apply(early)).isInstanceOf(Accepted.class);
        assertThat(data(later)).isEqualTo("b!");
    }

    @Test
    void outcomesAreKeptForSoManyRequestsWhateverTheBatches() {
        int all = 3 * Remembered.KEPT_REQUESTS;
        List<SessionCommand<?>> batch = new ArrayList<>();
        for (int i = 0; i < all; i++) {
            batch.add(request(new Sender("c1", 0, i * 3L), create(null, text("" + i))));
            if (batch.size() == 700) {
                applyTogether(batch);
                batch.clear();
            }
        }
        applyTogether(batch);
        assertThat(rows(Table.REMEMBERED)).isBetween(Remembered.KEPT_REQUESTS, 2 * Remembered.KEPT_REQUESTS);
        long last = state().last();
        for (long i = 0; i < all; i++) {
            List<Long> again = positions(apply(request(new Sender("c1", 0, i * 3), create(null, text("" + i)))));
            if (i >= all - Remembered.KEPT_REQUESTS) {
                assertThat(again).containsExactly(Positions.of(now, (int) i));
            } else {
                assertThat(again.getFirst()).isIn(0L, Positions.of(now, (int) i));
            }
        }
        assertThat(state().last()).as("nothing happened twice").isEqualTo(last);
        apply(new Leave(NAME, now, "c1", true));
        assertThat(rows(Table.REMEMBERED)).isZero();
    }

    @Test
    void aRollupIsOneVersionAndEachOfItsRequestsIsKept() {
        long serial = publish(create(null, text("one"))).getFirst();
        List<Long> positions = positions(rollup(
                serial,
                part(1, text(" two")),
                part(3, new Body(null, Data.of(" three"), null, "{\"n\":3}")),
                part(4, text(" four"))));

        assertThat(positions).hasSize(3).containsOnly(state().last());
        assertThat(data(serial)).isEqualTo("one two three four");
        assertThat(message(serial).body().extras()).isEqualTo("{\"n\":3}");
        assertThat(data((MessageEntry) shown.getLast())).isEqualTo(" two three four");
        assertThat(positions(apply(request(new Sender("c1", 0, 3), append(serial, " three")))))
                .containsExactly(positions.get(1));
        assertThat(data(serial)).isEqualTo("one two three four");
    }

    @Test
    void ofARollupOnlyWhatIsNewIsDone() {
        long serial = publish(create(null, text("1"))).getFirst();
        long two = positions(apply(request(new Sender("c1", 0, 1), append(serial, "2"))))
                .getFirst();

        List<Long> positions = positions(rollup(serial, part(1, text("2")), part(2, text("3"))));
        assertThat(positions).containsExactly(two, state().last());
        assertThat(data(serial)).isEqualTo("123");
        assertThat(positions(rollup(serial, part(2, text("3")), part(1, text("2")))))
                .containsExactly(positions.get(1), two);
        assertThat(data(serial)).isEqualTo("123");
    }

    @Test
    void aRefusedRollupChangesNothing() {
        assertThat(rollup(1, part(1, text("a")))).isEqualTo(new NoSuchMessage(1));
        long serial = publish(create(null, text("a"))).getFirst();

        long full = publish(create(null, text("x".repeat(LIMIT)))).getFirst();
        assertThat(rollup(full, part(1, text("b")), part(2, text("c")))).isEqualTo(new TooLarge(full, LIMIT + 2));
        Body bytes = new Body(null, Data.of(new byte[] {1}), null, null);
        assertThat(rollup(serial, part(1, text("b")), part(2, bytes))).isEqualTo(new TypeDiffers(serial));
        assertThat(data(serial)).isEqualTo("a");
        assertThat(positions(rollup(serial, part(1, text("b"))))).hasSize(1);
        assertThat(data(serial)).isEqualTo("ab");
    }
}
