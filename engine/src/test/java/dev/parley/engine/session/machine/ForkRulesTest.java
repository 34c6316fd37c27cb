package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Attribute.ForkOf;
import dev.parley.engine.session.Origin;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand.Erase;
import dev.parley.engine.session.SessionCommand.Fork;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.RemoveEmpty;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Forked;
import dev.parley.engine.session.SessionOutcome.NoSuchSession;
import dev.parley.engine.session.SessionOutcome.NotNew;
import dev.parley.engine.session.log.Inheritance;
import dev.parley.engine.store.Store.Table;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Sessions that go on from others. */
class ForkRulesTest extends SessionFixture {
    private static final Origin ORIGIN = new Origin("source", 77, List.of(7L, 5L));
    private static final Origin OTHER = new Origin("other", 77, List.of(8L));

    private SessionOutcome begin(Origin origin) {
        return apply(new Fork(NAME, now, "boss", origin, false, List.of(), List.of()));
    }

    private SessionOutcome fill(Origin origin, List<Long> serials, Create... messages) {
        return apply(new Fork(NAME, now, "boss", origin, true, serials, List.of(messages)));
    }

    private List<String> forksOf(long id) {
        return sessions.index().names(NAME.app(), new ForkOf(id), "", "", 10);
    }

    @Test
    void hasWhatWasSaidAtItsOldPositionsAndGoesOn() {
        long first = Positions.startOf(now - 1_000);
        long second = first + 3;
        assertThat(begin(ORIGIN)).isEqualTo(new Forked());
        assertThat(state().last()).isEqualTo(Positions.START);
        assertThat(apply(new RemoveEmpty(NAME, now))).isEqualTo(new SessionOutcome.Done());

        assertThat(fill(
                        ORIGIN,
                        List.of(first, second),
                        create("one", text("first")),
                        create(null, text("second")),
                        create(null, text("the end"))))
                .isEqualTo(new Forked());

        assertThat(history()).containsExactly("CREATE first", "CREATE second", "CREATE the end");
        assertThat(List.of(data(first), data(second))).containsExactly("first", "second");
        assertThat(sessions.index().inheritance(state())).isEqualTo(new Inheritance(ORIGIN, true));
        assertThat(sessions.index().participants(state())).containsExactly("ann");
        // What was said under an id before is known, and what is said now comes after it.
        assertThat(publish(create("one", text("again")))).containsExactly(first);
        assertThat(publish(create(null, text("new"))).getFirst()).isGreaterThan(second);
        publish(append(second, " grows"));
        assertThat(data(second)).isEqualTo("second grows");
        assertThat(forksOf(7)).containsExactly(NAME.name());
        assertThat(forksOf(5)).containsExactly(NAME.name());
    }

    @Test
    void isMadeOnce() {
        assertThat(fill(ORIGIN, List.of())).isEqualTo(new NoSuchSession());
        assertThat(sessions.find(NAME)).isNull();
        begin(ORIGIN);
        assertThat(begin(ORIGIN)).isEqualTo(new Forked());
        // Nobody has given it anything yet, so it may go on from something else.
        assertThat(begin(OTHER)).isEqualTo(new Forked());
        assertThat(forksOf(7)).isEmpty();
        assertThat(fill(ORIGIN, List.of(), create(null, text("of the first")))).isEqualTo(new NoSuchSession());
        fill(OTHER, List.of(), create(null, text("of the other")));
        assertThat(fill(OTHER, List.of(), create(null, text("again")))).isEqualTo(new Forked());
        assertThat(begin(OTHER)).isEqualTo(new Forked());
        assertThat(begin(ORIGIN)).isEqualTo(new NotNew());
        assertThat(history()).containsExactly("CREATE of the other");
    }

    @Test
    void hasNothingIfSomethingHasHappenedInIt() {
        publish(create(null, text("said")));
        assertThat(begin(ORIGIN)).isEqualTo(new NotNew());
        assertThat(fill(ORIGIN, List.of())).isEqualTo(new NoSuchSession());

        apply(new Erase(NAME, now, null, null));
        assertThat(begin(ORIGIN)).isEqualTo(new NotNew());
        assertThat(sessions.find(NAME)).isNull();
    }

    @Test
    void losesNobodysWords() {
        begin(ORIGIN);
        publish(create(null, text("said in between")));
        assertThat(fill(ORIGIN, List.of(1L), create(null, text("inherited")))).isEqualTo(new NotNew());
        assertThat(begin(OTHER)).isEqualTo(new NotNew());
        assertThat(history()).containsExactly("CREATE said in between");
    }

    @Test
    void isErasedLikeAnyOther() {
        begin(ORIGIN);
        fill(ORIGIN, List.of(1L), create("id", text("inherited")));
        long id = state().id();
        apply(new Erase(NAME, now, "boss", null));
        assertThat(forksOf(7)).isEmpty();
        assertThat(rows(Table.INDEX)).isZero();
        assertThat(rows(Table.MESSAGES)).isZero();
        assertThat(Objects.requireNonNull(sessions.erasures().of(NAME)).id()).isEqualTo(id);
        // What was to be given to it comes too late.
        assertThat(fill(ORIGIN, List.of(1L), create("id", text("inherited")))).isEqualTo(new NoSuchSession());
    }
}
