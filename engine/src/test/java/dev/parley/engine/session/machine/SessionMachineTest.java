package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.Back;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.Compact;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Part;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.Retain;
import dev.parley.engine.session.SessionCommand.Rollup;
import dev.parley.engine.session.SessionCommand.RunTimes;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.Deleted;
import dev.parley.engine.session.SessionOutcome.Done;
import dev.parley.engine.session.SessionOutcome.NoSuchMessage;
import dev.parley.engine.session.SessionOutcome.NotOwner;
import dev.parley.engine.session.SessionOutcome.TooLarge;
import dev.parley.engine.session.SessionOutcome.TooManyMembers;
import dev.parley.engine.session.SessionOutcome.TypeDiffers;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Membership;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.message.Messages;
import dev.parley.engine.session.request.Requests;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The rules of sessions, one by one. */
class SessionMachineTest {
    private static final SessionName NAME = new SessionName("app", "room");
    private static final PositionRange ALL = new PositionRange(0, Long.MAX_VALUE, false);
    private static final Operation BY_ANN = new Operation("ann", null, null);
    private static final int LIMIT = 1000;

    /** More than the pages of these tests. */
    private static final int PAGE_BYTES = 1 << 20;

    private final Store store = new SimulatedStore();
    private final Sessions sessions = new Sessions(store, 3);
    private final List<SessionEntry> shown = new ArrayList<>();
    private long journal = 64;
    private long now = 1_000_000;

    private SessionOutcome apply(SessionCommand<?> command) {
        return applyTogether(List.of(command)).getFirst();
    }

    /** Applies the commands in one batch. */
    private List<SessionOutcome> applyTogether(List<SessionCommand<?>> commands) {
        StoreTx rows = new StoreTx(store);
        SessionTx tx = new SessionTx(sessions, rows);
        List<SessionOutcome> outcomes = new ArrayList<>();
        for (SessionCommand<?> command : commands) {
            journal += 64;
            outcomes.add(SessionMachine.apply(command, journal, tx));
        }
        tx.write();
        rows.commit();
        tx.show();
        tx.added().forEach(added -> shown.add(added.entry()));
        return outcomes;
    }

    private static Body text(@Nullable String text) {
        return new Body(null, text == null ? null : Data.of(text), null, null);
    }

    private static Create create(@Nullable String id, Body body) {
        return new Create(id, id != null, "ann", "c1", body, false);
    }

    private static Change change(Action action, long serial, Body body) {
        return new Change(action, serial, body, BY_ANN, false, false, LIMIT);
    }

    private static Change append(long serial, String text) {
        return change(Action.APPEND, serial, text(text));
    }

    private Publish request(@Nullable Sender sender, MessageOp... messages) {
        return new Publish(NAME, now, sender, List.of(messages));
    }

    private List<Long> publish(MessageOp... messages) {
        return positions(apply(request(null, messages)));
    }

    private static List<Long> positions(SessionOutcome outcome) {
        assertThat(outcome).isInstanceOf(Accepted.class);
        return ((Accepted) outcome).positions();
    }

    private SessionState state() {
        return Objects.requireNonNull(sessions.find(NAME));
    }

    private MessageEntry message(long serial) {
        return Objects.requireNonNull(sessions.messages().find(state(), serial));
    }

    private String data(long serial) {
        return data(message(serial));
    }

    private static String data(MessageEntry message) {
        return Objects.requireNonNull(message.body().data()).asText();
    }

    private List<String> history() {
        return sessions.messages().list(state(), ALL, 100, PAGE_BYTES).stream()
                .map(message -> message.action() + " " + data(message))
                .toList();
    }

    private List<String> versions(long serial) {
        return sessions.messages().versions(state(), serial, 0, 100, PAGE_BYTES).entries().stream()
                .map(message -> message.action() + " " + data(message))
                .toList();
    }

    private int rows(Table table) {
        int count = 0;
        try (Rows rows = store.scan(table, new byte[0], new byte[] {-1})) {
            while (rows.next() != null) {
                count++;
            }
        }
        return count;
    }

    // Publishing.

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
        Sender sender = new Sender("c1", 7);
        List<Long> first = positions(apply(request(sender, create(null, text("a")))));
        now += 5;
        assertThat(positions(apply(request(sender, create(null, text("a")))))).isEqualTo(first);
        assertThat(history()).containsExactly("CREATE a");
        apply(request(new Sender("c2", 7), create(null, text("another's"))));
        assertThat(history()).hasSize(2);
        List<SessionOutcome> together = applyTogether(List.of(
                request(new Sender("c1", 8), create(null, text("b"))),
                request(new Sender("c1", 8), create(null, text("b")))));
        assertThat(together.getLast()).isEqualTo(together.getFirst());
        assertThat(history()).hasSize(3);
    }

    @Test
    void aRefusedRequestIsJudgedAnew() {
        long later = Positions.of(now, 1);
        Publish early = request(new Sender("c1", 1), append(later, "!"));
        assertThat(apply(early)).isEqualTo(new NoSuchMessage(later));
        assertThat(sessions.find(NAME)).isNull();
        publish(create(null, text("a")), create(null, text("b")));
        assertThat(apply(early)).isInstanceOf(Accepted.class);
        assertThat(data(later)).isEqualTo("b!");
    }

    @Test
    void outcomesAreKeptForSoManyRequestsWhateverTheBatches() {
        int all = 3 * Requests.KEPT_REQUESTS;
        List<SessionCommand<?>> batch = new ArrayList<>();
        for (int i = 0; i < all; i++) {
            batch.add(request(new Sender("c1", i * 3L), create(null, text("" + i))));
            if (batch.size() == 700) {
                applyTogether(batch);
                batch.clear();
            }
        }
        applyTogether(batch);
        assertThat(rows(Table.REQUESTS)).isBetween(Requests.KEPT_REQUESTS, 2 * Requests.KEPT_REQUESTS);
        long last = state().last();
        for (long i = 0; i < all; i++) {
            List<Long> again = positions(apply(request(new Sender("c1", i * 3), create(null, text("" + i)))));
            if (i >= all - Requests.KEPT_REQUESTS) {
                assertThat(again).containsExactly(Positions.of(now, (int) i));
            } else {
                assertThat(again.getFirst()).isIn(0L, Positions.of(now, (int) i));
            }
        }
        assertThat(state().last()).as("nothing happened twice").isEqualTo(last);
        apply(new Leave(NAME, now, "c1", true));
        assertThat(rows(Table.REQUESTS)).isZero();
    }

    @Test
    void allOrNothing() {
        long serial = publish(create(null, text("a"))).getFirst();
        SessionState before = state();
        assertThat(apply(request(
                        new Sender("c1", 0),
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

    // Changing.

    @Test
    void aChangeReplacesWhatIsGiven() {
        Body first = new Body("answer", Data.of("data"), "utf-8", "{\"a\":1}");
        long serial = publish(create("id", first)).getFirst();
        Operation operation = new Operation("ann", "why", "{}");
        long version = publish(new Change(
                        Action.UPDATE, serial, new Body(null, null, null, "{}"), operation, false, false, LIMIT))
                .getFirst();
        Body changed = new Body("answer", Data.of("data"), "utf-8", "{}");
        MessageEntry expected =
                new MessageEntry(version, Action.UPDATE, serial, serial, "id", "ann", "c1", changed, operation);
        assertThat(message(serial)).isEqualTo(expected);
        assertThat(shown.getLast()).isEqualTo(expected);
        publish(change(Action.DELETE, serial, Body.EMPTY));
        assertThat(message(serial).action()).isEqualTo(Action.DELETE);
        assertThat(message(serial).body()).as("a delete keeps the data").isEqualTo(changed);
        publish(change(Action.DELETE, serial, text("")));
        assertThat(data(serial)).isEmpty();
        assertThat(versions(serial)).containsExactly("CREATE data", "UPDATE data", "DELETE data", "DELETE ");
        assertThat(sessions.messages()
                        .versions(state(), serial, version, 2, PAGE_BYTES)
                        .entries())
                .extracting(MessageEntry::action)
                .containsExactly(Action.UPDATE, Action.DELETE);
    }

    @Test
    void aChangeIsLaterThanTheCreation() {
        long serial = publish(create(null, text("a"))).getFirst();
        assertThat(publish(append(serial, "b"), append(serial, "c"), create(null, text("d"))))
                .containsExactly(Positions.of(now + 1, 0), Positions.of(now + 1, 1), Positions.of(now + 1, 2));
    }

    @Test
    void anAppendJoinsAndIsShownAlone() {
        Body first = new Body("answer", Data.of("one"), null, "{\"a\":1}");
        long serial = publish(create(null, first)).getFirst();
        long version = publish(append(serial, " two")).getFirst();
        assertThat(shown.getLast())
                .isEqualTo(new MessageEntry(
                        version,
                        Action.APPEND,
                        serial,
                        serial,
                        null,
                        "ann",
                        "c1",
                        new Body("answer", Data.of(" two"), null, null),
                        BY_ANN));
        publish(change(Action.APPEND, serial, new Body("renamed", null, null, "{\"b\":2}")));
        MessageEntry whole = message(serial);
        assertThat(whole.body()).isEqualTo(new Body("renamed", Data.of("one two"), null, "{\"b\":2}"));
        assertThat(whole.action()).isEqualTo(Action.UPDATE);
        assertThat(whole.previous()).isEqualTo(version);
    }

    private static Part part(long msgSerial, Body fragment) {
        return new Part(msgSerial, fragment, BY_ANN, false, LIMIT);
    }

    private SessionOutcome rollup(long serial, Part... parts) {
        return apply(new Rollup(NAME, now, "c1", serial, List.of(parts)));
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
        assertThat(positions(apply(request(new Sender("c1", 3), append(serial, " three")))))
                .containsExactly(positions.get(1));
        assertThat(data(serial)).isEqualTo("one two three four");
    }

    @Test
    void ofARollupOnlyWhatIsNewIsDone() {
        long serial = publish(create(null, text("1"))).getFirst();
        long two = positions(apply(request(new Sender("c1", 1), append(serial, "2"))))
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

    @Test
    void anAppendTakesDataOfTheSameTypeOnly() {
        long text = publish(create(null, text("a"))).getFirst();
        long none = publish(create(null, Body.EMPTY)).getFirst();
        Body bytes = new Body(null, Data.of(new byte[] {1, 2}), null, null);
        assertThat(apply(request(null, change(Action.APPEND, text, bytes)))).isEqualTo(new TypeDiffers(text));
        publish(change(Action.APPEND, none, Body.EMPTY));
        assertThat(message(none).body().data()).isNull();
        publish(change(Action.APPEND, none, bytes), change(Action.APPEND, none, bytes));
        assertThat(message(none).body().data()).isEqualTo(Data.of(new byte[] {1, 2, 1, 2}));
        assertThat(apply(request(null, append(none, "x")))).isEqualTo(new TypeDiffers(none));
        assertThat(apply(request(null, change(Action.UPDATE, none, text("now a text")))))
                .isInstanceOf(Accepted.class);
    }

    private static Change by(@Nullable String clientId, boolean restores, Action action, long serial, Body body) {
        return new Change(action, serial, body, new Operation(clientId, null, null), true, restores, LIMIT);
    }

    private SessionOutcome deleted(long serial) {
        publish(by("moderator", true, Action.DELETE, serial, text("")));
        return new Deleted(serial);
    }

    @Test
    void aDeletedMessageDoesNotGrow() {
        long serial = publish(create(null, text("a"))).getFirst();
        publish(append(serial, "b"));
        SessionOutcome refusal = deleted(serial);
        SessionState before = state();

        assertThat(apply(request(null, append(serial, "c")))).isEqualTo(refusal);
        assertThat(apply(request(null, by("admin", true, Action.APPEND, serial, text("c")))))
                .as("whatever one may do")
                .isEqualTo(refusal);
        assertThat(rollup(serial, part(1, text("c")), part(2, text("d")))).isEqualTo(refusal);
        assertThat(state()).isEqualTo(before);
        assertThat(versions(serial)).containsExactly("CREATE a", "UPDATE ab", "DELETE ");
    }

    @Test
    void appendsThatCameBeforeADeletionKeepTheirOutcome() {
        long serial = publish(create(null, text("a"))).getFirst();
        List<Long> one = positions(rollup(serial, part(1, text("b"))));
        SessionOutcome refusal = deleted(serial);
        assertThat(positions(rollup(serial, part(1, text("b"))))).isEqualTo(one);
        assertThat(rollup(serial, part(1, text("b")), part(2, text("c")))).isEqualTo(refusal);
    }

    @Test
    void aDeletionIsUndoneByWhomItIsAndByOthersWhoMayButNotByTheAuthor() {
        long serial = publish(create(null, text("a"))).getFirst();
        SessionOutcome refusal = deleted(serial);
        for (Action action : List.of(Action.UPDATE, Action.DELETE)) {
            assertThat(apply(request(null, change(action, serial, text("all of it")))))
                    .isEqualTo(refusal);
            assertThat(apply(request(null, by("ann", true, action, serial, text("all of it")))))
                    .as("the author, whatever they may do")
                    .isEqualTo(refusal);
            assertThat(apply(request(null, by("ben", false, action, serial, text("all of it")))))
                    .isEqualTo(refusal);
        }
        publish(by("admin", true, Action.UPDATE, serial, text("restored")));
        deleted(serial);
        publish(by("moderator", false, Action.UPDATE, serial, text("back")));
        publish(append(serial, "!"));
        publish(change(Action.DELETE, serial, Body.EMPTY), change(Action.UPDATE, serial, text("an own deletion")));
        assertThat(versions(serial))
                .containsExactly(
                        "CREATE a",
                        "DELETE ",
                        "UPDATE restored",
                        "DELETE ",
                        "UPDATE back",
                        "UPDATE back!",
                        "DELETE back!",
                        "UPDATE an own deletion");
    }

    @Test
    void whoHasNoNameIsTheAuthorByTheirConnection() {
        long serial =
                publish(new Create(null, false, null, "c1", text("a"), false)).getFirst();
        SessionOutcome refusal = deleted(serial);
        Change repair = by(null, true, Action.UPDATE, serial, text("all of it"));
        assertThat(apply(request(new Sender("c1", 1), repair))).isEqualTo(refusal);
        assertThat(apply(request(new Sender("c2", 1), repair))).isInstanceOf(Accepted.class);
    }

    @Test
    void anAppendBuildsOnAnEditAndBothStay() {
        long serial = publish(create(null, text("a"))).getFirst();
        publish(append(serial, "b"));
        publish(by("moderator", false, Action.UPDATE, serial, text("edited")));
        rollup(serial, part(1, text("c")), part(2, text("d")));
        assertThat(data(serial)).isEqualTo("editedcd");
        assertThat(versions(serial)).containsExactly("CREATE a", "UPDATE ab", "UPDATE edited", "UPDATE editedcd");
        apply(new Compact(NAME, now, serial, message(serial).position()));
        assertThat(versions(serial)).containsExactly("CREATE a", "UPDATE ab", "UPDATE edited", "UPDATE editedcd");
    }

    @Test
    void dataWithAnEncodingDoesNotGrow() {
        Body json = new Body(null, Data.of("{}"), "json", null);
        long encoded = publish(create(null, json)).getFirst();
        long plain = publish(create(null, text("a"))).getFirst();
        long none = publish(create(null, Body.EMPTY)).getFirst();
        assertThat(apply(request(null, append(encoded, "b")))).isEqualTo(new TypeDiffers(encoded));
        assertThat(apply(request(null, change(Action.APPEND, encoded, json)))).isEqualTo(new TypeDiffers(encoded));
        assertThat(apply(request(null, change(Action.APPEND, plain, json)))).isEqualTo(new TypeDiffers(plain));
        Body encodingAlone = new Body(null, null, "json", null);
        assertThat(apply(request(null, change(Action.APPEND, plain, encodingAlone))))
                .isEqualTo(new TypeDiffers(plain));
        assertThat(rollup(none, part(1, json), part(2, text("b")))).isEqualTo(new TypeDiffers(none));
        assertThat(rollup(plain, part(1, encodingAlone), part(2, text("b")))).isEqualTo(new TypeDiffers(plain));

        publish(change(Action.APPEND, encoded, new Body(null, null, null, "{}")), change(Action.APPEND, none, json));
        assertThat(message(encoded).body()).isEqualTo(new Body(null, Data.of("{}"), "json", "{}"));
        assertThat(message(none).body()).isEqualTo(json);
        publish(change(Action.UPDATE, encoded, text("plain again")));
        assertThat(message(encoded).body().encoding()).as("goes with its data").isNull();
        publish(append(encoded, "!"));
    }

    @Test
    void onlyTheOwnMessageUnlessAny() {
        long serial = publish(create(null, text("a"))).getFirst();
        long nobodys =
                publish(new Create(null, false, null, null, text("b"), false)).getFirst();
        Operation byBen = new Operation("ben", null, null);
        Operation byNobody = new Operation(null, null, null);
        for (Action action : List.of(Action.UPDATE, Action.DELETE, Action.APPEND)) {
            assertThat(apply(request(null, new Change(action, serial, text("!"), byBen, false, false, LIMIT))))
                    .isEqualTo(new NotOwner(serial));
            assertThat(apply(request(null, new Change(action, nobodys, text("!"), byNobody, false, false, LIMIT))))
                    .isEqualTo(new NotOwner(nobodys));
        }
        publish(new Change(Action.APPEND, serial, text("!"), byBen, true, false, LIMIT));
        assertThat(message(serial).operation()).isEqualTo(byBen);
        assertThat(message(serial).clientId()).isEqualTo("ann");
    }

    @Test
    void aMessageGrowsToItsLimitAndIsClosedThere() {
        long serial = publish(create(null, new Body("name", Data.of("x".repeat(LIMIT - 1)), null, "{}")))
                .getFirst();
        publish(append(serial, "1234"));
        assertThat(apply(request(null, append(serial, "5")))).isEqualTo(new TooLarge(serial, LIMIT + 10));
        publish(change(Action.APPEND, serial, new Body(null, Data.of(""), null, "{\"closed\":true}")));
        publish(change(Action.APPEND, serial, new Body(null, null, null, "{}")));
        assertThat(data(serial)).endsWith("x1234");
        assertThat(apply(request(null, change(Action.UPDATE, serial, text("y".repeat(LIMIT - 5))))))
                .isEqualTo(new TooLarge(serial, LIMIT + 1));
    }

    // Storage.

    @Test
    void anAppendDoesNotTouchWhatThereIs() {
        long serial = publish(create(null, text("x".repeat(900)))).getFirst();
        publish(append(serial, "1"));
        assertThat(rows(Table.GROWING)).isEqualTo(1);
        assertThat(store.get(Table.MESSAGES, SessionRows.positionKey(state().id(), serial)))
                .as("the head alone")
                .hasSizeLessThan(64);
        for (int i = 0; i < 50; i++) {
            publish(append(serial, "" + i % 10));
        }
        assertThat(rows(Table.LOG)).as("one row for each message").isEqualTo(1);
        assertThat(rows(Table.VERSIONS)).isEqualTo(52);
    }

    @Test
    void compactionChangesNothingButTheRoom() {
        long serial =
                publish(create(null, new Body("n", Data.of("a"), null, "{1}"))).getFirst();
        publish(append(serial, "b"), append(serial, "c"));
        publish(change(Action.UPDATE, serial, new Body(null, null, null, "{2}")));
        publish(append(serial, "d"));
        long version = publish(change(Action.APPEND, serial, new Body(null, Data.of("e"), null, "{3}")))
                .getFirst();
        MessageEntry whole = message(serial);
        List<String> versions = versions(serial);
        long bytes = state().bytes();
        assertThat(versions).containsExactly("CREATE a", "UPDATE abc", "UPDATE abc", "UPDATE abcde");
        assertThat(apply(new Compact(NAME, now, serial, version - 1))).isEqualTo(new Done());
        assertThat(rows(Table.GROWING)).as("not the newest version").isEqualTo(1);
        apply(new Compact(NAME, now, serial, version));
        apply(new Compact(NAME, now, serial, version));
        assertThat(message(serial)).isEqualTo(whole);
        assertThat(versions(serial)).isEqualTo(versions);
        assertThat(rows(Table.GROWING)).isZero();
        assertThat(rows(Table.VERSIONS)).isEqualTo(3);
        assertThat(state().bytes()).isLessThan(bytes);
        publish(append(serial, "f"));
        assertThat(data(serial)).isEqualTo("abcdef");
        assertThat(versions(serial))
                .as("what goes on growing is no other version")
                .containsExactly("CREATE a", "UPDATE abc", "UPDATE abc", "UPDATE abcdef");
        bytes = state().bytes();
        apply(new Compact(NAME, now, serial, message(serial).position()));
        assertThat(rows(Table.VERSIONS)).isEqualTo(3);
        assertThat(state().bytes()).isLessThan(bytes);
        publish(change(Action.UPDATE, serial, text("g")));
        assertThat(versions(serial))
                .containsExactly("CREATE a", "UPDATE abc", "UPDATE abc", "UPDATE abcdef", "UPDATE g");
    }

    @Test
    void messagesThatHaveCeasedToGrowAreFound() {
        long one = publish(create(null, text("a"))).getFirst();
        long two = publish(create(null, text("b"))).getFirst();
        publish(append(one, "1"));
        long newest = publish(append(two, "2")).getFirst();
        Messages.Growing first = sessions.messages().idle(null, now + 100, now, 1);
        assertThat(first.idle()).extracting(Compact::serial).containsExactly(one);
        Messages.Growing second = sessions.messages().idle(first.next(), now + 100, now, 1);
        assertThat(second.idle()).containsExactly(new Compact(NAME, now, two, newest));
        assertThat(second.next()).isNull();
        assertThat(sessions.messages().idle(null, now, now, 10).idle()).isEmpty();
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

    @Test
    void membersOfALostConnectionLeaveAndItsRequestsAreForgottenLater() {
        apply(enter("c1", 0, "ann", "c1:0:0"));
        apply(new Lost(NAME, now, "c1", 1, now + 10, now + 20, null));
        assertThat(sessions.attendances().departures(now + 9, 10)).isEmpty();
        departAt(now + 10);
        assertThat(state().members()).isZero();
        assertThat(List.of(rows(Table.REQUESTS), rows(Table.ATTENDANCES), rows(Table.DEPARTURES)))
                .containsExactly(1, 1, 1);
        departAt(now + 20);
        assertThat(List.of(rows(Table.REQUESTS), rows(Table.ATTENDANCES), rows(Table.DEPARTURES)))
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
            new RunTexts.Notice("back", "(", ",", ")", null));

    /** A run with a message that is being streamed. */
    private long stream(String connectionId) {
        List<RunNote> notes = List.of(
                new RunNote.Active("run", null, true),
                new RunNote.Described("run", TEXTS),
                new RunNote.Streaming(0, 0, "run", "{\"closed\":1}"));
        var message = new Create(null, false, "ann", connectionId, text("half"), false);
        var outcome = apply(new Publish(NAME, now, new Sender(connectionId, 0), List.of(message), notes));
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
        assertThat(List.of(rows(Table.REQUESTS), rows(Table.ATTENDANCES), rows(Table.DEPARTURES)))
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
                new Sender("c1", 7),
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
                new Sender("c2", 0),
                List.of(create(null, text("more"))),
                List.of(new RunNote.Active("run", null, false))));
        departAt(now + 100);
        assertThat(texts()).containsExactly("half", "more");
        assertThat(sessions.runs().of(state())).extracting(Run::connectionId).containsExactly("c2");
    }

    private void departAt(long time) {
        sessions.attendances().departures(time, 10).forEach(this::apply);
    }

    @Test
    void retainsNoMoreThanTheSizeAndNoLessThanFits() {
        publish(create(null, text("a")));
        long one = state().bytes();
        long two = publish(create(null, text("b"))).getFirst();
        publish(append(two, "!"));
        publish(create(null, text("c")));
        long all = state().bytes();
        apply(new Retain(NAME, now, 0, all));
        assertThat(history()).hasSize(3);
        assertThat(state().horizon()).isZero();
        apply(new Retain(NAME, now, 0, all - 1));
        assertThat(history()).hasSize(2);
        assertThat(state().bytes()).isEqualTo(all - one);
        apply(new Retain(NAME, now, 0, one));
        assertThat(history()).containsExactly("CREATE c");
        assertThat(state().horizon()).isEqualTo(two);
        apply(new Retain(NAME, now, 0, 0));
        assertThat(history()).isEmpty();
        assertThat(state().bytes()).isZero();
    }

    @Test
    void retainsNothingThatIsTooOldHoweverSmall() {
        publish(create(null, text("old")));
        apply(enter("c1", 0, "ann", "c1:0:0"));
        now += 1000;
        publish(create(null, text("new")));
        apply(new Retain(NAME, now, now, Long.MAX_VALUE));
        assertThat(history()).containsExactly("CREATE new");
        assertThat(sessions.presence().events(state(), ALL, 10, LIMIT).entries())
                .isEmpty();
        assertThat(state().members()).isEqualTo(1);
        long horizon = state().horizon();
        apply(new Retain(NAME, now, now - 500, Long.MAX_VALUE));
        assertThat(state().horizon()).as("does not go back").isEqualTo(horizon);
    }

    @Test
    void retainingGoesInSteps() {
        MessageOp[] many = LongStream.rangeClosed(0, SessionMachine.MAX_TRIMMED)
                .mapToObj(i -> create(null, text("m")))
                .toArray(MessageOp[]::new);
        List<Long> serials = publish(many);
        apply(new Retain(NAME, now, 0, 0));
        assertThat(state().horizon()).isEqualTo(serials.get(SessionMachine.MAX_TRIMMED - 1));
        apply(new Retain(NAME, now, 0, 0));
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

    // Reading.

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
                .map(SessionMachineTest::data)
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

    // Presence.

    private ChangePresence presence(String connectionId, @Nullable Sender sender, int max, PresenceOp... events) {
        return new ChangePresence(NAME, now, sender, connectionId, List.of(events), max);
    }

    private static PresenceOp op(PresenceEntry.Action action, String clientId, String id) {
        return new PresenceOp(action, id, clientId, text(id));
    }

    private ChangePresence enter(String connectionId, long msgSerial, String clientId, String id) {
        return presence(
                connectionId, new Sender(connectionId, msgSerial), 10, op(PresenceEntry.Action.ENTER, clientId, id));
    }

    private List<String> members() {
        return sessions.presence().members(state()).stream()
                .map(member -> member.connectionId() + " " + member.clientId() + " " + member.id())
                .toList();
    }

    private List<String> events() {
        return shown.stream()
                .map(entry -> (PresenceEntry) entry)
                .map(event -> event.action() + " " + event.clientId() + " " + event.id())
                .toList();
    }

    @Test
    void aMemberIsAClientOfAConnection() {
        apply(enter("c1", 0, "ann", "c1:0:0"));
        apply(enter("c2", 0, "ann", "c2:0:0"));
        apply(presence("c1", null, 10, op(PresenceEntry.Action.UPDATE, "ann", "c1:1:0")));
        assertThat(members()).containsExactly("c1 ann c1:1:0", "c2 ann c2:0:0");
        apply(presence("c1", null, 10, op(PresenceEntry.Action.LEAVE, "ann", "c1:2:0")));
        assertThat(members()).containsExactly("c2 ann c2:0:0");
        assertThat(events())
                .containsExactly("ENTER ann c1:0:0", "ENTER ann c2:0:0", "UPDATE ann c1:1:0", "LEAVE ann c1:2:0");
        assertThat(state().members()).isEqualTo(1);
    }

    @Test
    void toEnterAgainWithTheSameIdIsNothingNew() {
        List<Long> first = positions(apply(enter("c1", 0, "ann", "c1:0:0")));
        assertThat(positions(apply(enter("c1", 5, "ann", "c1:0:0")))).isEqualTo(first);
        assertThat(shown).hasSize(1);
    }

    @Test
    void whoUpdatesEntersAndWhoIsNotThereCannotLeave() {
        assertThat(positions(apply(presence(
                        "c1",
                        null,
                        10,
                        op(PresenceEntry.Action.LEAVE, "ann", "1"),
                        op(PresenceEntry.Action.UPDATE, "ann", "2"),
                        op(PresenceEntry.Action.PRESENT, "ben", "3")))))
                .containsExactly(0L, Positions.of(now, 0), Positions.of(now, 1));
        assertThat(events()).containsExactly("ENTER ann 2", "ENTER ben 3");
    }

    @Test
    void aSessionHasSoManyMembers() {
        PresenceOp ann = op(PresenceEntry.Action.ENTER, "ann", "1");
        PresenceOp ben = op(PresenceEntry.Action.ENTER, "ben", "2");
        assertThat(apply(presence("c1", null, 1, ann, ben))).isEqualTo(new TooManyMembers(1));
        assertThat(sessions.find(NAME)).isNull();
        apply(presence("c1", null, 2, ann, ben));
        PresenceOp newer = op(PresenceEntry.Action.UPDATE, "ann", "3");
        assertThat(apply(presence("c1", null, 1, newer)))
                .as("no more than before")
                .isInstanceOf(Accepted.class);
        PresenceOp leave = op(PresenceEntry.Action.LEAVE, "ann", "4");
        PresenceOp cid = op(PresenceEntry.Action.ENTER, "cid", "5");
        assertThat(apply(presence("c1", null, 2, leave, cid))).isInstanceOf(Accepted.class);
        assertThat(members()).containsExactly("c1 ben 2", "c1 cid 5");
    }

    @Test
    void aConnectionThatIsOverLeavesWithAllItsMembers() {
        apply(enter("c1", 0, "ann", "c1:0:0"));
        apply(enter("c1", 1, "ben", "c1:1:0"));
        apply(enter("c11", 0, "cid", "c11:0:0"));
        now += 1;
        apply(new Leave(NAME, now, "c1", false));
        assertThat(members()).containsExactly("c11 cid c11:0:0");
        PresenceEntry left = (PresenceEntry) shown.get(3);
        assertThat(left.id()).isEqualTo(left.position() + ":leave").doesNotStartWith("c1");
        assertThat(left.body()).isEqualTo(text("c1:0:0"));
        assertThat(positions(apply(enter("c1", 1, "ben", "c1:1:0"))))
                .as("not forgotten")
                .containsExactly(Positions.of(now - 1, 1));
        assertThat(state().members()).isEqualTo(1);
        apply(new Leave(NAME, now, "c1", true));
        apply(enter("c1", 1, "ben", "c1:1:0"));
        assertThat(state().members()).isEqualTo(2);
        assertThat(apply(new Leave(new SessionName("app", "nowhere"), now, "c1", true)))
                .isEqualTo(new Done());
        assertThat(sessions.presence().memberships())
                .containsExactly(new Membership(NAME, "c1"), new Membership(NAME, "c11"));
    }
}
