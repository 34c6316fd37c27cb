package dev.parley.server.realtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.Reply;
import dev.parley.engine.command.Command;
import dev.parley.engine.life.Boot;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.server.apps.TestApps;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import dev.parley.server.channel.RunNotes;
import dev.parley.server.wire.InboundMessage;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Agents that go, come back in the wrong moment, and go again. Time passes when told. */
@Timeout(60)
class FootprintsTest {
    private static final SessionName NAME = new SessionName("app", "chat");
    private static final ApiKey KEY = ApiKey.parse("app.key:0123456789abcdef0123456789abcdef", Capabilities.ALL);
    private static final long GRACE = 60_000;
    private static final long LONG_GRACE = 10 * GRACE;
    private static final long PRESENCE_GRACE = 15_000;
    private static final long AFTER_LEAVE = 5_000;

    @TempDir
    private Path folder;

    private long now = Instant.parse("2026-11-26T12:00:00Z").toEpochMilli();
    private long msgSerial;
    private Engine engine;
    private Footprints footprints;

    @BeforeEach
    void open() throws IOException {
        engine = Engine.open(EngineOptions.in(folder));
        footprints = start(GRACE);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    /** As a server does that finds data of an earlier one. */
    private void start() throws IOException {
        footprints = start(GRACE);
    }

    private Footprints start(long runGrace) throws IOException {
        return new Footprints(
                engine,
                TestApps.of(engine, KEY, List.of(KEY), List.of()),
                () -> Instant.ofEpochMilli(now),
                new Footprints.Times(
                        Duration.ofMillis(PRESENCE_GRACE),
                        Duration.ofMillis(4 * PRESENCE_GRACE),
                        Duration.ofMillis(runGrace),
                        Duration.ofMillis(AFTER_LEAVE)));
    }

    private <O> O submit(Command<O> command) {
        return engine.submit(command).join();
    }

    private void startRun(Footprints.Footprint agent, String connectionId, String run) {
        publish(agent, connectionId, "ai-run-start", "{\"ai\":{\"transport\":{\"run-id\":\"" + run + "\"}}}");
    }

    private void publish(Footprints.Footprint agent, String connectionId, @Nullable String name, String extras) {
        agent.requests(NAME);
        var body = new Body(name, Data.of(""), null, extras);
        var message = new InboundMessage(
                InboundMessage.Action.CREATE,
                null,
                null,
                null,
                null,
                null,
                body,
                false,
                new Operation(null, null, null));
        submit(new SessionCommand.Publish(
                NAME,
                now,
                new Sender(connectionId, agent.epoch(), msgSerial++),
                List.of(new MessageOp.Create(null, false, null, connectionId, body, false)),
                new RunNotes().of("chat", List.of(message))));
    }

    private void enter(Footprints.Footprint agent, String connectionId) {
        agent.enters(NAME);
        submit(new SessionCommand.ChangePresence(
                NAME,
                now,
                new Sender(connectionId, agent.epoch(), msgSerial++),
                connectionId,
                List.of(new PresenceOp(PresenceEntry.Action.ENTER, "id", "agent", Body.EMPTY)),
                10));
    }

    /** What was asked of the engine is done before this. */
    private void settle() {
        submit(new SessionCommand.Trim(NAME, now, 0));
    }

    private void pass(long millis) {
        now += millis;
        settle();
        footprints.tick(now);
        settle();
    }

    private SessionState state() {
        return Objects.requireNonNull(engine.sessions().find(NAME));
    }

    private List<String> openRuns() {
        return engine.sessions().runs().of(state()).stream().map(Run::id).toList();
    }

    private List<String> messages() {
        return ofMessages(Body::name);
    }

    private List<String> extras() {
        return ofMessages(Body::extras);
    }

    private List<String> ofMessages(Function<Body, @Nullable String> part) {
        return engine
                .sessions()
                .messages()
                .list(state(), new PositionRange(0, Long.MAX_VALUE, false), 100, 1 << 20)
                .stream()
                .map(message -> String.valueOf(part.apply(message.body())))
                .toList();
    }

    @Test
    void aRunEndsWhenItsAgentStaysAway() {
        var agent = footprints.arrived("c", -1);
        startRun(agent, "c", "run");
        footprints.lost(agent, now);

        pass(GRACE - 1);
        assertThat(openRuns()).containsExactly("run");
        pass(1);

        assertThat(openRuns()).isEmpty();
    }

    @Test
    void aRunEndsAlsoIfItsAgentIsLostAgainBeforeItHasDoneAnything() throws IOException {
        startRun(footprints.arrived("c", -1), "c", "run");
        start();
        var agent = footprints.arrived("c", -1);
        footprints.lost(agent, now);

        pass(GRACE);

        assertThat(openRuns()).isEmpty();
    }

    @Test
    void aRunEndsAlsoIfItsAgentIsLostAgainLongAfterItsRequestsWereForgotten() throws IOException {
        footprints = start(LONG_GRACE);
        var agent = footprints.arrived("c", -1);
        startRun(agent, "c", "run");
        footprints.lost(agent, now);
        pass(LONG_GRACE / 2);
        assertThat(engine.sessions().remembered().requesters(10)).isEmpty();
        start();
        agent = footprints.arrived("c", -1);
        footprints.lost(agent, now);

        pass(GRACE);

        assertThat(openRuns()).isEmpty();
    }

    @Test
    void anAgentThatReturnsJustInTimeKeepsItsRuns() {
        var agent = footprints.arrived("c", -1);
        startRun(agent, "c", "run");
        footprints.lost(agent, now);
        now += GRACE;
        footprints.arrived("c", -1);

        pass(GRACE);

        assertThat(openRuns()).containsExactly("run");
    }

    @Test
    void anAgentThatReturnsAfterItsRequestsWereForgottenKeepsItsRuns() throws IOException {
        footprints = start(LONG_GRACE);
        var agent = footprints.arrived("c", -1);
        startRun(agent, "c", "run");
        footprints.lost(agent, now);
        pass(LONG_GRACE / 2);
        assertThat(engine.sessions().remembered().requesters(10)).isEmpty();
        footprints.arrived("c", -1);

        pass(LONG_GRACE);

        assertThat(openRuns()).containsExactly("run");
    }

    /** The engine has no room for the command about the loss, and then the connection is back before it is tried again. */
    @Test
    void aLossThatWasRefusedIsNotToldAfterTheReturn() throws InterruptedException {
        var agent = footprints.arrived("c", -1);
        // Of a request that was refused, the session knows nothing.
        agent.requests(NAME);
        var stopped = new Semaphore(0);
        var goOn = new Semaphore(0);
        var trim = new SessionCommand.Trim(NAME, now, 0);
        engine.submit(trim, new Reply<>() {
            @Override
            public void done(SessionOutcome.Done done) {
                stopped.release();
                goOn.acquireUninterruptibly();
            }

            @Override
            public void failed(Exception failure) {
                throw new AssertionError(failure);
            }
        });
        stopped.acquire();
        while (!engine.submit(trim).isCompletedExceptionally()) {
            // The engine has still room.
        }
        footprints.lost(agent, now);
        goOn.release();
        await().until(() -> !engine.isBusy());
        footprints.arrived("c", -1);
        enter(agent, "c");

        pass(0);
        pass(PRESENCE_GRACE);

        assertThat(state().members()).isEqualTo(1);
    }

    @Test
    void whatALostAgentHasLeftStreamingIsClosed() {
        var agent = footprints.arrived("c", -1);
        startRun(agent, "c", "run");
        publish(agent, "c", null, "{\"ai\":{\"transport\":{\"run-id\":\"run\",\"status\":\"streaming\"}}}");
        footprints.lost(agent, now);

        pass(GRACE);

        assertThat(messages()).containsExactly("ai-run-start", "null", "ai-run-end");
        assertThat(extras())
                .element(1)
                .isEqualTo("{\"ai\":{\"transport\":{\"run-id\":\"run\",\"status\":\"cancelled\"}}}");
    }

    /** As a program left them that knew nothing of what is to be said about a run. */
    @Test
    void runsOfBeforeAnUpgradeEndInTheSameWay() throws IOException {
        engine.close();
        engine = Engine.open(EngineOptions.in(folder.resolve("old")));
        submit(new SessionCommand.Publish(
                NAME,
                now,
                new Sender("c", 0, msgSerial++),
                List.of(
                        new MessageOp.Create(null, false, null, "c", earlier("ai-run-start", "started"), false),
                        new MessageOp.Create(null, false, null, "c", earlier("ai-output", "streaming"), false)),
                List.of(new RunNote.Active("run", null, true))));
        start();

        pass(GRACE);

        assertThat(openRuns()).isEmpty();
        assertThat(messages()).containsExactly("ai-run-start", "ai-output", "ai-run-end");
        assertThat(extras()).element(1).asString().contains("\"cancelled\"");
    }

    private static Body earlier(String name, String status) {
        return new Body(
                name, null, null, "{\"ai\":{\"transport\":{\"run-id\":\"run\",\"status\":\"%s\"}}}".formatted(status));
    }

    @Test
    void anAgentThatClosesItsConnectionHasTheGraceTimeToHandItsRunOver() {
        var agent = footprints.arrived("c", -1);
        startRun(agent, "c", "run");
        footprints.ended(agent, now, () -> {});

        pass(GRACE - 1);
        assertThat(openRuns()).containsExactly("run");
        assertThat(engine.sessions().remembered().requesters(10)).isEmpty();
        pass(1);

        assertThat(openRuns()).isEmpty();
        assertThat(engine.sessions().attendances().departures(Long.MAX_VALUE - 1, 10))
                .isEmpty();
    }

    @Test
    void anAgentThatRecoversAConnectionThatItHadClosedKeepsItsRuns() {
        var agent = footprints.arrived("c", -1);
        startRun(agent, "c", "run");
        footprints.ended(agent, now, () -> {});
        agent = footprints.arrived("c", -1);
        enter(agent, "c");

        pass(GRACE);

        assertThat(openRuns()).containsExactly("run");
    }

    /** The server ends before it can tell any session that its connections are lost. */
    @Test
    void aCrashInTheMiddleOfAStartLosesNobody() throws IOException {
        startRun(footprints.arrived("c", -1), "c", "run");
        enter(footprints.arrived("d", -1), "d");
        submit(new Boot(now, 0));
        start();

        pass(GRACE);

        assertThat(openRuns()).isEmpty();
        assertThat(state().members()).isZero();
    }

    /** An engine with little room tells one session in a round. */
    @Test
    void aConnectionThatIsBackBeforeItsSessionsAreToldIsNotLost() throws IOException {
        engine.close();
        engine = Engine.open(new EngineOptions(
                folder, 1, 1 << 20, 256 << 10, 8 << 20, 8 << 20, 100, 4, new Memory(8 << 20, Map.of()), 0));
        start();
        enter(footprints.arrived("c", -1), "c");
        enter(footprints.arrived("d", -1), "d");
        enter(footprints.arrived("e", -1), "e");
        start();
        // One of the sessions is told by now, and all three connections are back.
        for (String connectionId : List.of("c", "d", "e")) {
            footprints.arrived(connectionId, -1);
        }
        for (int round = 0; round < 10; round++) {
            pass(0);
        }

        pass(PRESENCE_GRACE);
        for (int round = 0; round < 10; round++) {
            pass(0);
        }

        assertThat(state().members()).isEqualTo(3);
    }

    @Test
    void othersAreToldThatAnAgentIsAwayAndBack() {
        var agent = footprints.arrived("c", -1);
        startRun(agent, "c", "run");
        footprints.lost(agent, now);
        pass(Footprints.AWAY_AFTER_MILLIS - 1);
        assertThat(messages()).containsExactly("ai-run-start");

        pass(1);
        assertThat(messages()).containsExactly("ai-run-start", "parley.agent-away");
        agent = footprints.arrived("c", -1);
        settle();

        assertThat(messages()).containsExactly("ai-run-start", "parley.agent-away", "parley.agent-back");
        assertThat(engine.sessions()
                        .messages()
                        .list(state(), new PositionRange(0, Long.MAX_VALUE, true), 1, 1 << 20)
                        .getFirst()
                        .body()
                        .data())
                .isEqualTo(Data.of("{\"runId\":\"run\",\"connectionId\":\"c\",\"at\":" + now + "}"));
        // Nobody is told twice.
        footprints.lost(agent, now);
        footprints.arrived("c", -1);
        pass(GRACE);
        assertThat(messages()).hasSize(3);
    }

    @Test
    void aConnectionThatOnlyBreaksIsNoNews() {
        var agent = footprints.arrived("c", -1);
        startRun(agent, "c", "run");
        footprints.lost(agent, now);
        pass(Footprints.AWAY_AFTER_MILLIS - 1);
        footprints.arrived("c", -1);

        pass(GRACE);

        assertThat(messages()).containsExactly("ai-run-start");
        assertThat(openRuns()).containsExactly("run");
    }

    @Test
    void aRunEndsSoonAfterThePresenceOfItsAgent() {
        var agent = footprints.arrived("c", -1);
        enter(agent, "c");
        startRun(agent, "c", "run");
        footprints.lost(agent, now);

        pass(PRESENCE_GRACE);
        assertThat(state().members()).isZero();
        pass(AFTER_LEAVE - 1);
        assertThat(openRuns()).containsExactly("run");
        pass(1);

        assertThat(openRuns()).isEmpty();
    }

    @Test
    void membersRemainForAsLongAsTheirConnectionHasAskedFor() {
        var brief = footprints.arrived("brief", 0);
        enter(brief, "brief");
        var patient = footprints.arrived("patient", 2 * PRESENCE_GRACE);
        enter(patient, "patient");
        footprints.lost(patient, now);
        footprints.lost(brief, now);

        pass(0);
        assertThat(state().members()).isEqualTo(1);
        pass(2 * PRESENCE_GRACE - 1);
        assertThat(state().members()).isEqualTo(1);
        pass(1);

        assertThat(state().members()).isZero();
    }

    @Test
    void requestsOfConnectionsThatDoNotComeBackAreForgottenAfterAnyNumberOfStarts() throws IOException {
        for (int boot = 0; boot < 3; boot++) {
            for (int i = 0; i < 10; i++) {
                startRun(footprints.arrived("c" + boot + i, -1), "c" + boot + i, "run");
            }
            engine.close();
            engine = Engine.open(EngineOptions.in(folder));
            start();
        }
        assertThat(engine.sessions().remembered().requesters(100)).hasSize(30);
        assertThat(engine.sessions().remembered().requesters(5)).hasSize(5);
        start();

        pass(4 * PRESENCE_GRACE);

        assertThat(engine.sessions().remembered().requesters(100)).isEmpty();
    }
}
