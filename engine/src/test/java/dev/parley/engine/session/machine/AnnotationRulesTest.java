package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.AnnotationEntry.Action;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand.Annotate;
import dev.parley.engine.session.SessionCommand.AnnotationOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.NoSuchMessage;
import dev.parley.engine.session.SessionOutcome.TooManyAnnotations;
import dev.parley.engine.session.SessionOutcome.Unidentified;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Summaries;
import dev.parley.engine.session.Summaries.Tally;
import dev.parley.engine.session.SummaryEntry;
import dev.parley.engine.session.annotation.AnnotationMachine;
import dev.parley.engine.session.annotation.Annotations;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The rules for annotations of messages, and for their summaries. */
class AnnotationRulesTest extends SessionFixture {
    private static final int MAX = 2_000;

    private long serial;

    @BeforeEach
    void aMessage() {
        serial = publish(create(null, text("text"))).getFirst();
        shown.clear();
        now += 10;
    }

    private static AnnotationOp op(
            Action action, long serial, String type, @Nullable String name, @Nullable String client, long count) {
        return new AnnotationOp(action, serial, type, count, "id", client, "c1", new Body(name, null, null, null));
    }

    private SessionOutcome annotate(AnnotationOp... ops) {
        return apply(new Annotate(NAME, now, null, List.of(ops), MAX));
    }

    private SessionOutcome create(String type, @Nullable String name, @Nullable String client) {
        return annotate(op(Action.CREATE, serial, type, name, client, 0));
    }

    private SessionOutcome delete(String type, @Nullable String name, @Nullable String client) {
        return annotate(op(Action.DELETE, serial, type, name, client, 0));
    }

    private Map<String, Map<String, Tally>> sums() {
        return sessions.annotations().summaries(state(), serial).types();
    }

    private static Tally clients(String... clients) {
        Map<String, Long> counts = new LinkedHashMap<>();
        for (String client : clients) {
            counts.put(client, 1L);
        }
        return new Tally(clients.length, 0, clients.length, counts);
    }

    @Test
    void anAnnotationIsShownAndThenWhatTheyComeTo() {
        SessionOutcome outcome = annotate(
                op(Action.CREATE, serial, "reaction:distinct.v1", "+1", "ann", 0),
                op(Action.CREATE, serial, "reaction:distinct.v1", "+1", "ben", 0));
        long at = Positions.of(now, 0);
        assertThat(outcome).isEqualTo(new Accepted(List.of(at, at + 1)));
        Summaries summaries = new Summaries(Map.of("reaction:distinct.v1", Map.of("+1", clients("ann", "ben"))));
        AnnotationEntry first = new AnnotationEntry(
                at,
                Action.CREATE,
                serial,
                "reaction:distinct.v1",
                0,
                "id",
                "ann",
                "c1",
                new Body("+1", null, null, null));
        assertThat(shown)
                .hasSize(3)
                .startsWith(first)
                .endsWith(new SummaryEntry(at + 2, serial, null, "ann", null, summaries));
        MessageEntry message = Objects.requireNonNull(sessions.messages().find(state(), serial));
        assertThat(message.summaries()).isEqualTo(summaries);
        assertThat(message.position()).as("no new version").isEqualTo(serial);
        assertThat(sessions.annotations().page(state(), serial, 0, 10, 1 << 20).entries())
                .hasSize(2)
                .startsWith(first);
        assertThat(sessions.annotations()
                        .page(state(), serial, at + 1, 10, 1 << 20)
                        .entries())
                .hasSize(1);
        assertThat(sessions.annotations().page(state(), serial, 0, 1, 1 << 20).entries())
                .containsExactly(first);
    }

    @Test
    void total() {
        create("n:total.v1", null, null);
        create("n:total.v1", "ignored", "ann");
        assertThat(sums()).isEqualTo(Map.of("n:total.v1", Map.of("", new Tally(2, 0, 0, Map.of()))));
        delete("n:total.v1", null, "ann");
        delete("n:total.v1", null, "ann");
        delete("n:total.v1", null, "ann");
        assertThat(sums()).isEmpty();
        assertThat(sessions.annotations().page(state(), serial, 0, 10, 1 << 20).entries())
                .hasSize(5);
    }

    @Test
    void flag() {
        create("n:flag.v1", "ignored", "ann");
        create("n:flag.v1", null, "ann");
        create("n:flag.v1", null, "ben");
        assertThat(sums()).isEqualTo(Map.of("n:flag.v1", Map.of("", clients("ann", "ben"))));
        delete("n:flag.v1", null, "ann");
        delete("n:flag.v1", null, "cid");
        assertThat(sums()).isEqualTo(Map.of("n:flag.v1", Map.of("", clients("ben"))));
    }

    @Test
    void distinct() {
        create("n:distinct.v1", "a", "ann");
        create("n:distinct.v1", "a", "ann");
        create("n:distinct.v1", "b", "ann");
        create("n:distinct.v1", "b", "ben");
        create("m:distinct.v1", "b", "ben");
        assertThat(sums())
                .isEqualTo(Map.of(
                        "n:distinct.v1",
                        Map.of("a", clients("ann"), "b", clients("ann", "ben")),
                        "m:distinct.v1",
                        Map.of("b", clients("ben"))));
        delete("n:distinct.v1", "b", "ann");
        delete("m:distinct.v1", "b", "ben");
        assertThat(sums()).isEqualTo(Map.of("n:distinct.v1", Map.of("a", clients("ann"), "b", clients("ben"))));
    }

    @Test
    void uniqueMovesAClientsVote() {
        create("n:unique.v1", "a", "ann");
        create("n:unique.v1", "a", "ben");
        create("n:unique.v1", "b", "ann");
        create("n:unique.v1", "b", "ann");
        assertThat(sums()).isEqualTo(Map.of("n:unique.v1", Map.of("a", clients("ben"), "b", clients("ann"))));
        delete("n:unique.v1", "a", "ann");
        assertThat(sums()).as("not the one chosen").hasSize(1);
        delete("n:unique.v1", "b", "ann");
        create("n:unique.v1", "c", "ann");
        assertThat(sums()).isEqualTo(Map.of("n:unique.v1", Map.of("a", clients("ben"), "c", clients("ann"))));
    }

    @Test
    void multipleCounts() {
        annotate(op(Action.CREATE, serial, "n:multiple.v1", "a", "ann", 3));
        create("n:multiple.v1", "a", "ann");
        create("n:multiple.v1", "a", "ben");
        annotate(op(Action.CREATE, serial, "n:multiple.v1", "a", null, 2));
        assertThat(sums())
                .isEqualTo(Map.of("n:multiple.v1", Map.of("a", new Tally(7, 2, 2, Map.of("ann", 4L, "ben", 1L)))));
        delete("n:multiple.v1", "a", "ann");
        delete("n:multiple.v1", "a", null);
        assertThat(sums()).isEqualTo(Map.of("n:multiple.v1", Map.of("a", new Tally(3, 2, 1, Map.of("ben", 1L)))));
    }

    @Test
    void otherTypesAreNotSummedUp() {
        create("comment", "a", null);
        assertThat(shown).hasSize(1);
        assertThat(sums()).isEmpty();
        assertThat(sessions.annotations().page(state(), serial, 0, 10, 1 << 20).entries())
                .hasSize(1);
    }

    @Test
    void aRefusedRequestChangesNothing() {
        SessionState before = state();
        assertThat(annotate(
                        op(Action.CREATE, serial, "n:flag.v1", null, "ann", 0),
                        op(Action.CREATE, serial + 1, "n:flag.v1", null, "ann", 0)))
                .isEqualTo(new NoSuchMessage(serial + 1));
        for (String type : List.of("n:flag.v1", "n:distinct.v1", "n:unique.v1")) {
            assertThat(create(type, "a", null)).isEqualTo(new Unidentified(type));
        }
        AnnotationOp one = op(Action.CREATE, serial, "n:total.v1", null, null, 0);
        assertThat(apply(new Annotate(NAME, now, null, List.of(one, one), 1)))
                .isEqualTo(new TooManyAnnotations(serial, 1));
        assertThat(state()).isEqualTo(before);
        assertThat(shown).isEmpty();
    }

    @Test
    void aRequestThatIsSentAgainHasItsFirstOutcome() {
        Annotate request = new Annotate(
                NAME,
                now,
                new Sender("c1", 0, 5),
                List.of(op(Action.CREATE, serial, "n:total.v1", null, null, 0)),
                MAX);
        SessionOutcome first = apply(request);
        assertThat(apply(request)).isEqualTo(first);
        assertThat(sums()).isEqualTo(Map.of("n:total.v1", Map.of("", new Tally(1, 0, 0, Map.of()))));
    }

    @Test
    void largeSumsAreClipped() {
        int clients = Annotations.LISTED_CLIENTS + 50;
        for (int i = 0; i < clients; i++) {
            create("n:flag.v1", null, "client" + (1000 + i));
        }
        Tally tally = Objects.requireNonNull(
                Objects.requireNonNull(sums().get("n:flag.v1")).get(""));
        assertThat(tally.total()).isEqualTo(clients);
        assertThat(tally.counts()).hasSize(Annotations.LISTED_CLIENTS).containsKey("client1000");
        assertThat(tally.clipped()).isTrue();
        String last = "client" + (1000 + clients - 1);
        assertThat(tally.counts()).doesNotContainKey(last);
        assertThat(sessions.annotations().summaries(state(), serial, last).types())
                .isEqualTo(Map.of("n:flag.v1", Map.of("", clients(last))));
    }

    @Test
    void soManyNamesAndNoMore() {
        AnnotationOp[] names = new AnnotationOp[AnnotationMachine.MAX_NAMES];
        for (int i = 0; i < names.length; i++) {
            names[i] = op(Action.CREATE, serial, "n:distinct.v1", "name" + i, "ann", 0);
        }
        assertThat(annotate(names)).isInstanceOf(Accepted.class);
        assertThat(create("n:distinct.v1", "one more", "ann"))
                .isEqualTo(new TooManyAnnotations(serial, AnnotationMachine.MAX_NAMES));
        assertThat(create("n:distinct.v1", "name7", "ben")).isInstanceOf(Accepted.class);
        delete("n:distinct.v1", "name8", "ann");
        assertThat(create("n:distinct.v1", "one more", "ann")).isInstanceOf(Accepted.class);
    }

    @Test
    void aChangedMessageKeepsWhatWasSaidAboutIt() {
        create("n:flag.v1", null, "ben");
        Summaries summaries = sessions.annotations().summaries(state(), serial);
        for (MessageEntry.Action action : List.of(MessageEntry.Action.APPEND, MessageEntry.Action.UPDATE)) {
            Body body = new Body(null, Data.of("!"), null, null);
            Change change = new Change(action, serial, body, new Operation("ann", null, null), false, false, 100);
            apply(new Publish(NAME, now, null, List.of(change)));
            assertThat(Objects.requireNonNull(sessions.messages().find(state(), serial))
                            .summaries())
                    .isEqualTo(summaries);
        }
        assertThat(((MessageEntry) shown.get(shown.size() - 2)).summaries()).isNull();
        assertThat(((MessageEntry) shown.getLast()).summaries()).isEqualTo(summaries);
    }

    @Test
    void fromTheStoreThereIsEveryAnnotationAndTheNewestSummary() {
        create("n:flag.v1", null, "ann");
        long other = publish(create(null, text("text"))).getFirst();
        create("n:flag.v1", null, "ben");
        Sessions.Part part = Objects.requireNonNull(sessions.since(NAME, state().id(), serial, 1 << 20));
        assertThat(part.entries())
                .extracting(entry -> entry.getClass().getSimpleName())
                .containsExactly("AnnotationEntry", "MessageEntry", "AnnotationEntry", "SummaryEntry");
        assertThat(part.entries().getLast()).isEqualTo(shown.getLast());
        apply(new Trim(NAME, now, serial));
        part = Objects.requireNonNull(sessions.since(NAME, state().id(), serial, 1 << 20));
        assertThat(part.entries()).extracting(SessionEntry::position).containsExactly(other);
        apply(new Trim(NAME, now, Long.MAX_VALUE));
        assertThat(state().bytes()).isZero();
        for (Table table : Sessions.TABLES_BY_ID) {
            try (Rows rows = store.scan(table, new byte[0], new byte[] {-1})) {
                assertThat(rows.next()).as("%s", table).isNull();
            }
        }
    }
}
