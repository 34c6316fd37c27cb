package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.parley.engine.delivery.SessionTail;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.SummaryEntry;
import dev.parley.engine.session.log.Membership;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sessions in the whole engine, on RocksDB and real files. */
@Timeout(60)
class SessionsTest extends SmallEngine {
    private static final SessionName NAME = new SessionName("app", "room");
    private static final PositionRange ALL = new PositionRange(0, Long.MAX_VALUE, false);

    private static Body body(String text) {
        return new Body(null, Data.of(text), null, null);
    }

    private static MessageOp.Create create(String text) {
        return new MessageOp.Create(null, false, "ann", "c1", body(text), false);
    }

    private static MessageOp.Change change(Action action, long serial, String text) {
        return new MessageOp.Change(action, serial, body(text), new Operation("ann", null, null), false, false, 65536);
    }

    private List<Long> publish(@Nullable Sender sender, MessageOp... messages) throws Exception {
        SessionOutcome outcome = submit(new Publish(NAME, TIME, sender, List.of(messages)));
        assertThat(outcome).isInstanceOf(Accepted.class);
        return ((Accepted) outcome).positions();
    }

    private SessionState state() {
        return Objects.requireNonNull(engine.sessions().find(NAME));
    }

    private SessionTail tail(@Nullable Long from) {
        return engine.delivery().tail(NAME, from, false, () -> {});
    }

    private static List<String> read(SessionTail tail) {
        List<String> read = new ArrayList<>();
        while (true) {
            SessionTail.Next next = tail.poll(1 << 20);
            if (next instanceof SessionTail.InStore) {
                next = tail.readStore(1 << 20);
            }
            if (!(next instanceof SessionTail.More more)) {
                assertThat(next).isInstanceOf(SessionTail.Nothing.class);
                return read;
            }
            more.entries().forEach(entry -> read.add(show(entry)));
        }
    }

    private static String show(SessionEntry entry) {
        return switch (entry) {
            case MessageEntry m ->
                m.action() + " " + Objects.requireNonNull(m.body().data()).asText();
            case PresenceEntry p -> p.action() + " " + p.clientId();
            case ObjectEntry o -> o.toString();
            case AnnotationEntry a -> a.action() + " " + a.type();
            case SummaryEntry s -> "SUMMARY " + s.summaries().types();
        };
    }

    private List<String> history() {
        return engine.sessions().messages().list(state(), ALL, 100, 1 << 20).stream()
                .map(SessionsTest::show)
                .toList();
    }

    @Test
    void whatIsPublishedIsSeenAndStaysAcrossARestart() throws Exception {
        SessionTail live = tail(null);
        assertThat(engine.sessions().find(NAME)).isNull();
        assertThat(live.position()).isEqualTo(Positions.START);
        List<Long> positions = publish(new Sender("c1", 0, 0), create("one"), create("two"));
        assertThat(positions).containsExactly(Positions.of(TIME, 0), Positions.of(TIME, 1));
        assertThat(publish(new Sender("c1", 0, 0), create("one"), create("two")))
                .as("sent again")
                .isEqualTo(positions);
        assertThat(read(live)).containsExactly("CREATE one", "CREATE two");
        assertThat(live.position()).isEqualTo(positions.getLast());
        live.close();
        close();
        open();
        assertThat(history()).containsExactly("CREATE one", "CREATE two");
        assertThat(publish(new Sender("c1", 0, 0), create("one"), create("two")))
                .as("sent again after the restart")
                .isEqualTo(positions);
        try (SessionTail resumed = tail(positions.getFirst());
                SessionTail late = tail(null)) {
            assertThat(resumed.resumed()).isTrue();
            publish(null, create("three"));
            assertThat(read(resumed)).containsExactly("CREATE two", "CREATE three");
            assertThat(read(late)).containsExactly("CREATE three");
        }
        assertThat(engine.delivery().topics()).isZero();
    }

    @Test
    void anAnswerGrows() throws Exception {
        SessionTail first = tail(null);
        long serial = publish(null, create("")).getFirst();
        publish(null, change(Action.APPEND, serial, "Hello"));
        SessionTail late = tail(null);
        publish(null, change(Action.APPEND, serial, ", "));
        assertThat(read(late)).as("first contact").containsExactly("UPDATE Hello, ");
        publish(null, change(Action.APPEND, serial, "world"));
        assertThat(read(late)).containsExactly("APPEND world");
        assertThat(read(first)).containsExactly("CREATE ", "APPEND Hello", "APPEND , ", "APPEND world");
        assertThat(history()).containsExactly("UPDATE Hello, world");
        long bytes = state().bytes();
        engine.sweep(TIME + 100_000);
        publish(null, create("a barrier"));
        assertThat(history()).containsExactly("UPDATE Hello, world", "CREATE a barrier");
        assertThat(state().bytes()).as("one record").isLessThan(bytes);
        publish(null, change(Action.APPEND, serial, "!"));
        assertThat(read(first)).containsExactly("CREATE a barrier", "APPEND !");
        assertThat(history()).containsExactly("UPDATE Hello, world!", "CREATE a barrier");
    }

    @Test
    void membersComeAndGo() throws Exception {
        SessionTail live = tail(null);
        submit(enter(0, "ann", "c1:0:0"));
        submit(enter(1, "ben", "c1:1:0"));
        submit(enter(2, "ben", "c1:1:0"));
        Sessions sessions = engine.sessions();
        assertThat(sessions.presence().members(state()))
                .extracting(PresenceEntry::action, PresenceEntry::id)
                .containsExactly(
                        tuple(PresenceEntry.Action.PRESENT, "c1:0:0"), tuple(PresenceEntry.Action.PRESENT, "c1:1:0"));
        assertThat(sessions.presence().memberships()).containsExactly(new Membership(NAME, "c1"));
        submit(new Leave(NAME, TIME, "c1", true));
        assertThat(state().members()).isZero();
        assertThat(sessions.presence().memberships()).isEmpty();
        assertThat(read(live)).containsExactly("ENTER ann", "ENTER ben", "LEAVE ann", "LEAVE ben");
        assertThat(sessions.presence()
                        .events(state(), new PositionRange(0, Long.MAX_VALUE, true), 3, 1 << 20)
                        .entries())
                .extracting(SessionsTest::show)
                .containsExactly("LEAVE ben", "LEAVE ann", "ENTER ben");
    }

    private static ChangePresence enter(long msgSerial, String clientId, String id) {
        PresenceOp event = new PresenceOp(PresenceEntry.Action.ENTER, id, clientId, body("here"));
        return new ChangePresence(NAME, TIME, new Sender("c1", 0, msgSerial), "c1", List.of(event), 10);
    }
}
