package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand.Compact;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.Deleted;
import dev.parley.engine.session.SessionOutcome.Done;
import dev.parley.engine.session.SessionOutcome.NotOwner;
import dev.parley.engine.session.SessionOutcome.TooLarge;
import dev.parley.engine.session.SessionOutcome.TypeDiffers;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.message.Messages;
import dev.parley.engine.store.Store.Table;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The rules for messages that change: edits, appends, deletions, and the merging of pieces. */
class MessageRulesTest extends SessionFixture {
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
        assertThat(apply(request(new Sender("c1", 0, 1), repair))).isEqualTo(refusal);
        assertThat(apply(request(new Sender("c2", 0, 1), repair))).isInstanceOf(Accepted.class);
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
}
