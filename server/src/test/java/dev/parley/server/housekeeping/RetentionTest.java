package dev.parley.server.housekeeping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.command.Command;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.ControlTexts;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.server.apps.AppSpec;
import dev.parley.server.apps.Apps;
import dev.parley.server.apps.Namespace;
import dev.parley.server.apps.TestApps;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

class RetentionTest {

    private static final ApiKey KEY = ApiKey.parse("shop.key:0123456789abcdef0123456789abcdef", Capabilities.ALL);
    private static final Namespace SHORT = new Namespace("short", true, Duration.ofMinutes(10), 1L << 30, 5);
    private static final Namespace SMALL = new Namespace("small", true, Duration.ofDays(1), 5_000, 5);
    private static final Duration AUDIT = Duration.ofDays(3);
    private static final PositionRange ALL = new PositionRange(0, Long.MAX_VALUE, false);

    @TempDir
    Path folder;

    private long now = Instant.parse("2026-11-21T12:00:00Z").toEpochMilli();
    private Engine engine;
    private Apps apps;
    private Retention retention;

    @BeforeEach
    void open() throws IOException {
        engine = Engine.open(EngineOptions.in(folder));
        apps = TestApps.of(engine, KEY, List.of(KEY), List.of(SHORT, SMALL));
        retention = new Retention(engine, apps, AUDIT, () -> Instant.ofEpochMilli(now));
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private <O> O submit(Command<O> command) {
        return engine.submit(command).join();
    }

    private void publish(String app, String session, String text) {
        var body = new Body(null, Data.of(text), null, null);
        submit(new SessionCommand.Publish(
                new SessionName(app, session),
                now,
                null,
                List.of(new MessageOp.Create(text, false, null, null, body, false))));
    }

    private SessionState state(String app, String session) {
        return Objects.requireNonNull(engine.sessions().find(new SessionName(app, session)));
    }

    private List<String> texts(String session) {
        return engine.sessions().messages().list(state("shop", session), ALL, 100, 1 << 20).stream()
                .map(MessageEntry::id)
                .map(Objects::requireNonNull)
                .toList();
    }

    /** A step, and whatever it has asked the engine for: a command of ours comes after those. */
    private void step(String session) throws IOException {
        retention.step();
        submit(new SessionCommand.Trim(new SessionName("shop", session), now, 0));
    }

    @Test
    void removesWhatIsTooOld() throws IOException {
        publish("shop", "short:1", "old");
        publish("shop", "other", "old");
        now += Duration.ofMinutes(8).toMillis();
        publish("shop", "short:1", "new");

        now += Duration.ofMinutes(2).toMillis() + 1;
        step("short:1");
        // A little older than it need be, so that not each message costs a command.
        assertThat(texts("short:1")).containsExactly("old", "new");

        now += Duration.ofMinutes(1).toMillis();
        step("short:1");
        assertThat(texts("short:1")).containsExactly("new");
        assertThat(texts("other")).containsExactly("old");
    }

    @Test
    void leavesASessionAloneThatHasNothingOld() throws IOException {
        publish("shop", "short:1", "new");

        step("short:1");

        assertThat(state("shop", "short:1").horizon()).isZero();
    }

    @Test
    void removesWhatIsTooMuch() throws IOException {
        for (int i = 0; i < 10; i++) {
            now++;
            publish("shop", "small:1", "x".repeat(1_000) + i);
        }

        step("small:1");

        assertThat(texts("small:1")).hasSizeBetween(2, 5).last().asString().endsWith("9");
    }

    private static Body said(String text) {
        return new Body("said", Data.of(text), null, null);
    }

    private void ask(SessionName session, String id) {
        var terms = new Terms(
                Kind.APPROVAL,
                "refund",
                null,
                null,
                null,
                null,
                "{\"amount\":1}",
                List.of(),
                1,
                0,
                WhenDue.EXPIRE,
                new RunTexts.Notice("said", "(", ",", ")", null));
        submit(new SessionCommand.Ask(session, now, id, terms, said("asked " + id)));
    }

    private void approve(SessionName session, String id) {
        var decision = new Decision("d" + id, Verdict.APPROVE, "eve", "key", now, null, "phone", "fine", null);
        submit(new SessionCommand.Decide(session, now, id, decision, said("decided"), List.of(), List.of()));
    }

    private void control(SessionName session, Control.Mode mode, String by) {
        var notice = new RunTexts.Notice("said", "(", ",", ")", null);
        submit(new SessionCommand.ChangeControl(
                session,
                now,
                mode,
                by,
                true,
                0,
                false,
                said(by + " has " + mode),
                new ControlTexts(List.of(), notice, notice)));
    }

    /** What is kept of a session: the requests with what they came to, and the changes of control. */
    private List<String> kept(String session) {
        SessionState state = state("shop", session);
        return Stream.concat(
                        engine.sessions().requests().of(state, "", 100, 1 << 20).entries().stream()
                                .map(request -> request.id() + " " + request.status() + " "
                                        + request.decisions().stream()
                                                .map(Decision::clientId)
                                                .toList()),
                        engine.sessions().controls().changes(state, 0, 100, 1 << 20).entries().stream()
                                .map(change -> Objects.requireNonNull(
                                                change.notice().data())
                                        .asText()))
                .toList();
    }

    @Test
    void decisionsAndChangesOfControlOutliveTheMessages() throws IOException {
        // Messages of one session go by their age, those of the other by their size.
        for (String name : List.of("short:1", "small:1")) {
            SessionName session = new SessionName("shop", name);
            ask(session, "open");
            ask(session, "closed");
            approve(session, "closed");
            control(session, Control.Mode.PERSON, "eve");
            control(session, Control.Mode.AGENT, "eve");
            now++;
            publish("shop", name, "x".repeat(6_000));
            now++;
        }
        List<String> all = List.of("closed APPROVED [eve]", "open OPEN []", "eve has PERSON", "eve has AGENT");

        now += Duration.ofMinutes(12).toMillis();
        step("short:1");
        for (String name : List.of("short:1", "small:1")) {
            assertThat(texts(name)).isEmpty();
            assertThat(engine.sessions().messages().list(state("shop", name), ALL, 100, 1 << 20))
                    .as("messages that have said so")
                    .isEmpty();
            assertThat(kept(name)).isEqualTo(all);
        }

        engine.close();
        open();
        assertThat(kept("short:1")).isEqualTo(all);
        now += AUDIT.minusMinutes(12).toMillis();
        step("short:1");
        assertThat(kept("short:1")).containsExactly("open OPEN []");
        assertThat(kept("small:1")).containsExactly("open OPEN []");

        approve(new SessionName("shop", "short:1"), "open");
        now += AUDIT.toMillis();
        step("short:1");
        assertThat(kept("short:1")).containsExactly("open APPROVED [eve]");
        now += 1;
        step("short:1");
        step("short:1");
        step("short:1");
        assertThat(engine.sessions().find(new SessionName("shop", "short:1")))
                .as("a session of which nothing is kept")
                .isNull();
        assertThat(kept("small:1")).containsExactly("open OPEN []");
    }

    @Test
    void removesNoMoreThanIsTooMuchHoweverOftenTheOldestWasChanged() throws IOException {
        publish("shop", "small:1", "old");
        for (int i = 0; i < 10; i++) {
            now++;
            change("small:1", MessageEntry.Action.UPDATE, "x".repeat(400));
            now++;
            change("small:1", MessageEntry.Action.APPEND, "y");
        }
        for (int i = 0; i < 20; i++) {
            now++;
            publish("shop", "small:1", "new" + i);
        }
        assertThat(state("shop", "small:1").bytes()).isGreaterThan(SMALL.retentionBytes());

        step("small:1");

        // Its older versions are what is too much.
        assertThat(texts("small:1")).hasSize(20);
        assertThat(state("shop", "small:1").bytes()).isLessThan(SMALL.retentionBytes());
    }

    /** Changes the session's first message. */
    private void change(String session, MessageEntry.Action action, String text) {
        long serial = engine.sessions()
                .messages()
                .list(state("shop", session), ALL, 1, 1 << 20)
                .getFirst()
                .serial();
        var change = new MessageOp.Change(
                action,
                serial,
                new Body(null, Data.of(text), null, null),
                new Operation(null, null, null),
                true,
                true,
                1 << 20);
        submit(new SessionCommand.Publish(new SessionName("shop", session), now, null, List.of(change)));
    }

    @Test
    void removesASessionThatHoldsNothingAnyMore() throws IOException {
        var sender = new SessionCommand.Sender("connection", 0, 0);
        var member = new PresenceOp(PresenceEntry.Action.ENTER, "id", "alice", Body.EMPTY);
        var name = new SessionName("shop", "short:1");
        publish("shop", "short:1", "old");
        submit(new SessionCommand.ChangePresence(name, now, sender, "connection", List.of(member), 5));
        now += Duration.ofMinutes(12).toMillis();
        for (int i = 0; i < 3; i++) {
            step("short:1");
        }
        assertThat(texts("short:1")).isEmpty();
        assertThat(state("shop", "short:1").members()).isEqualTo(1);

        submit(new SessionCommand.Leave(name, now, "connection", true));
        for (int i = 0; i < 3; i++) {
            step("short:1");
        }
        assertThat(engine.sessions().find(name))
                .as("that somebody has left is still kept")
                .isNotNull();

        now += Duration.ofMinutes(12).toMillis();
        var tail = engine.delivery().tail(name, null, false, () -> {});
        for (int i = 0; i < 3; i++) {
            step("short:1");
        }
        assertThat(engine.sessions().find(name)).as("somebody is attached").isNotNull();

        tail.close();
        for (int i = 0; i < 3; i++) {
            step("short:1");
        }
        assertThat(engine.sessions().find(name)).isNull();
        assertThat(engine.sessions().list("shop", "", "", 10)).isEmpty();
    }

    @Test
    void keepsASessionThatHoldsSomethingElse() throws IOException {
        var name = new SessionName("shop", "short:1");
        var note = new RunNote.Active("run", null, true);
        var start = new MessageOp.Create("start", false, null, null, Body.EMPTY, false);
        submit(new SessionCommand.Publish(name, now, null, List.of(start), List.of(note)));
        now += Duration.ofMinutes(12).toMillis();

        for (int i = 0; i < 3; i++) {
            step("short:1");
        }

        assertThat(texts("short:1")).isEmpty();
    }

    @Test
    void looksAtAllSessionsInTurn() throws IOException {
        int sessions = Retention.SESSIONS_PER_STEP + 5;
        for (int i = 0; i < sessions; i++) {
            publish("shop", "short:%05d".formatted(i), "old");
        }
        now += Duration.ofMinutes(12).toMillis();

        step("short:00000");
        step("short:%05d".formatted(sessions - 1));

        assertThat(texts("short:00000")).isEmpty();
        assertThat(texts("short:%05d".formatted(sessions - 1))).isEmpty();
    }

    @Test
    void removesTheSessionsOfAnAppThatIsGone() throws Exception {
        var app = AppSpec.of(JsonMapper.shared().readTree("{\"keys\":[{}]}")).app();
        apps.add(app, now).join();
        publish(app.id(), "chat", "hello");
        apps.remove(app.id(), now).join();

        step("any");
        assertThat(engine.sessions().find(new SessionName(app.id(), "chat"))).isNull();
        step("any");

        assertThat(apps.removed()).isEmpty();
    }
}
