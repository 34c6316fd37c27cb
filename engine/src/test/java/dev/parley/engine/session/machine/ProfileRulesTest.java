package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Attribute;
import dev.parley.engine.session.Attribute.Labelled;
import dev.parley.engine.session.Attribute.OpenRun;
import dev.parley.engine.session.Attribute.Participant;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.Profile;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand.Describe;
import dev.parley.engine.session.SessionCommand.LabelChange;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.RemoveEmpty;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Described;
import dev.parley.engine.session.SessionOutcome.NoSuchSession;
import dev.parley.engine.session.SessionOutcome.TooManyLabels;
import dev.parley.engine.session.log.IndexTx;
import dev.parley.engine.store.Store.Table;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Sessions that are made explicitly, and what sessions are found by. */
class ProfileRulesTest extends SessionFixture {
    private static LabelChange label(String key, @Nullable String value) {
        return new LabelChange(key, value);
    }

    private SessionOutcome make(LabelChange... labels) {
        return apply(new Describe(NAME, now, "ann", true, false, List.of(labels), 3));
    }

    private SessionOutcome change(boolean replace, LabelChange... labels) {
        return apply(new Describe(NAME, now, "ben", false, replace, List.of(labels), 3));
    }

    private List<String> by(Attribute attribute) {
        return sessions.index().names(NAME.app(), attribute, "", "", 100);
    }

    private void run(RunNote... notes) {
        var message = new Create(null, false, null, null, text("run"), false);
        assertThat(apply(new Publish(NAME, now, null, List.of(message), List.of(notes))))
                .isInstanceOf(SessionOutcome.Accepted.class);
    }

    @Test
    void aSessionIsMadeOnceAndStaysWhenItIsEmpty() {
        assertThat(change(false)).isEqualTo(new NoSuchSession());
        assertThat(sessions.find(NAME)).isNull();

        assertThat(make()).isEqualTo(new Described(true));
        long made = now;
        now += 10;
        assertThat(make()).isEqualTo(new Described(false));
        apply(new RemoveEmpty(NAME, now));

        assertThat(sessions.profiles().of(state())).isEqualTo(new Profile(made, "ann", new TreeMap<>()));
        assertThat(sessions.list(NAME.app(), "", "", 10)).containsExactly(state());
    }

    @Test
    void aSessionThatThereWasStaysAsWell() {
        publish(create(null, text("said")));

        assertThat(make()).isEqualTo(new Described(false));
        apply(new Trim(NAME, now, state().last()));
        apply(new RemoveEmpty(NAME, now));

        assertThat(sessions.find(NAME)).isNotNull();
    }

    @Test
    void labelsAreChangedAndReplaced() {
        make(label("a", "1"), label("b", "2"));
        assertThat(change(false, label("b", "3"), label("a", null), label("c", "4"), label("none", null)))
                .isEqualTo(new Described(false));

        assertThat(sessions.profiles().of(state()))
                .isEqualTo(new Profile(now, "ann", new TreeMap<>(Map.of("b", "3", "c", "4"))));
        assertThat(by(new Labelled("a", "1"))).isEmpty();
        assertThat(by(new Labelled("b", "2"))).isEmpty();
        assertThat(by(new Labelled("b", "3"))).containsExactly(NAME.name());

        change(true, label("d", "5"));
        assertThat(by(new Labelled("c", "4"))).isEmpty();
        assertThat(by(new Labelled("d", "5"))).containsExactly(NAME.name());
    }

    @Test
    void tooManyLabelsAreRefusedAndChangeNothing() {
        make(label("a", "1"), label("b", "2"), label("c", "3"));

        assertThat(change(false, label("a", null), label("d", "4"), label("e", "5")))
                .isEqualTo(new TooManyLabels(3));

        assertThat(by(new Labelled("a", "1"))).containsExactly(NAME.name());
        assertThat(rows(Table.INDEX)).isEqualTo(3);
    }

    @Test
    void aSessionWithAnOpenRunIsFoundUntilItsLastRunEnds() {
        run(new RunNote.Active("one", null, true), new RunNote.Active("two", null, true));
        run(new RunNote.Suspended("one"));
        run(new RunNote.Ended("two"));
        assertThat(by(new OpenRun())).containsExactly(NAME.name());

        run(new RunNote.Ended("one"));
        assertThat(by(new OpenRun())).isEmpty();
    }

    @Test
    void whoHasSaidSomethingOrWasPresentTakesPart() {
        publish(create(null, text("said")), create("twice", text("said")));
        publish(create("twice", text("said")));
        publish(new Create(null, false, "ghost", "c1", text("gone"), true));
        apply(enter("c2", 0, "ben", "id"));
        apply(presence("c2", null, 10, op(PresenceEntry.Action.LEAVE, "ben", "id2")));

        assertThat(sessions.index().participants(state())).containsExactly("ann", "ben");
        assertThat(by(new Participant("ben"))).containsExactly(NAME.name());
        assertThat(by(new Participant("ghost"))).isEmpty();
    }

    @Test
    void onlySoManyParticipantsAreListed() {
        for (int i = 0; i <= IndexTx.MAX_PARTICIPANTS; i++) {
            publish(new Create(null, false, "client" + i, "c1", text("hello"), false));
        }

        assertThat(sessions.index().participants(state())).hasSize(IndexTx.MAX_PARTICIPANTS);
        assertThat(by(new Participant("client" + IndexTx.MAX_PARTICIPANTS))).isEmpty();
        assertThat(by(new Participant("client0"))).containsExactly(NAME.name());
    }

    @Test
    void nothingIsLeftOfASessionThatIsRemoved() {
        make(label("a", "1"));
        publish(create(null, text("said")));
        run(new RunNote.Active("one", null, true));

        apply(new Remove(NAME, now));

        assertThat(rows(Table.INDEX)).isZero();
        assertThat(rows(Table.PROFILES)).isZero();
        publish(create(null, text("said")));
        assertThat(sessions.profiles().of(state())).isNull();
        assertThat(by(new OpenRun())).isEmpty();
    }

    /** Names that sort differently as UTF-16, names that begin another one, and attributes that begin another one. */
    @Test
    void namesComeByPrefixAndPageInTheOrderOfCodePoints() {
        List<String> names = List.of("a", "a:b", "a:bc", "a:\uFFFD", "a:\uD83C\uDFE0", "b");
        for (String name : names.reversed()) {
            apply(new Describe(new SessionName("app", name), now, null, true, false, List.of(label("k", "v")), 3));
            apply(new Describe(new SessionName("app2", name), now, null, true, false, List.of(label("k", "v")), 3));
        }
        apply(new Describe(new SessionName("app", "c"), now, null, true, false, List.of(label("k", "vv")), 3));
        apply(new Describe(new SessionName("app", "d"), now, null, true, false, List.of(label("kv", "")), 3));

        assertThat(by(new Labelled("k", "v"))).isEqualTo(names);
        assertThat(sessions.index().names("app", new Labelled("k", "v"), "a:", "", 100))
                .isEqualTo(names.subList(1, 5));
        assertThat(sessions.index().names("app", new Labelled("k", "v"), "a:", "a:b", 2))
                .isEqualTo(names.subList(2, 4));
        assertThat(sessions.index().names("app", new Labelled("k", "v"), "a:", "b", 2))
                .isEmpty();
    }
}
