package dev.parley.server.realtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.Reply;
import dev.parley.engine.command.Command;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Sessions.Range;
import dev.parley.server.apps.Apps;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Agents that go, come back in the wrong moment, and go again. Time passes, and looks at the disk are done, when told. */
@Timeout(60)
class RunWatchTest {
    private static final SessionName NAME = new SessionName("app", "chat");
    private static final ApiKey KEY = ApiKey.parse("app.key:0123456789abcdef0123456789abcdef", Capabilities.ALL);
    private static final long GRACE = 60_000;
    private static final long PRESENCE_GRACE = 15_000;
    private static final long AFTER_LEAVE = 5_000;

    @TempDir
    private Path folder;

    private final Queue<Runnable> looks = new ArrayDeque<>();
    private long now = Instant.parse("2026-11-26T12:00:00Z").toEpochMilli();
    private long msgSerial;
    private Engine engine;
    private RunWatch watch;
    private PresenceGrace grace;

    @BeforeEach
    void open() throws IOException {
        engine = Engine.open(EngineOptions.in(folder));
        start();
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    /** As a server does that finds data of an earlier one. */
    private void start() throws IOException {
        InstantSource clock = () -> Instant.ofEpochMilli(now);
        watch = new RunWatch(
                engine,
                Apps.open(folder, List.of(KEY), List.of()),
                looks::add,
                clock,
                Duration.ofMillis(GRACE),
                Duration.ofMillis(AFTER_LEAVE));
        grace = new PresenceGrace(
                engine, watch, clock, Duration.ofMillis(PRESENCE_GRACE), Duration.ofMillis(4 * PRESENCE_GRACE));
        grace.recover(engine.sessions().memberships(), engine.sessions().requesters(10), now);
        watch.recover(now);
    }

    private <O> O submit(Command<O> command) {
        var outcome = new CompletableFuture<O>();
        engine.submit(command, new Reply<>() {
            @Override
            public void done(O result) {
                outcome.complete(result);
            }

            @Override
            public void failed(Exception failure) {
                outcome.completeExceptionally(failure);
            }
        });
        return outcome.join();
    }

    private void startRun(PresenceGrace.Footprint agent, String connectionId, String run) {
        agent.requests(NAME);
        var body = new Body("ai-run-start", null, null, "{\"ai\":{\"transport\":{\"run-id\":\"" + run + "\"}}}");
        submit(new SessionCommand.Publish(
                NAME,
                now,
                new Sender(connectionId, msgSerial++),
                List.of(new MessageOp.Create(null, false, null, connectionId, body, false)),
                List.of(new RunNote.Active(run, null, true))));
    }

    private void enter(PresenceGrace.Footprint agent, String connectionId) {
        agent.enters(NAME);
        submit(new SessionCommand.ChangePresence(
                NAME,
                now,
                new Sender(connectionId, msgSerial++),
                connectionId,
                List.of(new PresenceOp(PresenceEntry.Action.ENTER, "id", "agent", Body.EMPTY)),
                10));
    }

    private void look() {
        for (Runnable look = looks.poll(); look != null; look = looks.poll()) {
            look.run();
        }
        settle();
    }

    /** What was asked of the engine is done before this. */
    private void settle() {
        submit(new SessionCommand.Trim(NAME, now, 0));
    }

    private void pass(long millis) {
        now += millis;
        settle();
        grace.tick(now);
        look();
    }

    private SessionState state() {
        return Objects.requireNonNull(engine.sessions().find(NAME));
    }

    private List<String> openRuns() {
        return engine.sessions().runs(state()).stream().map(Run::id).toList();
    }

    private List<String> messages() {
        return engine.sessions().messages(state(), new Range(0, Long.MAX_VALUE, false), 100, 1 << 20).stream()
                .map(message -> String.valueOf(message.body().name()))
                .toList();
    }

    @Test
    void aRunEndsWhenItsAgentStaysAway() {
        var agent = grace.arrived("c", -1);
        startRun(agent, "c", "run");
        grace.lost(agent, now);

        pass(GRACE - 1);
        assertThat(openRuns()).containsExactly("run");
        pass(1);

        assertThat(openRuns()).isEmpty();
    }

    @Test
    void aRunEndsAlsoIfItsAgentIsLostAgainBeforeItHasDoneAnything() throws IOException {
        startRun(grace.arrived("c", -1), "c", "run");
        start();
        var agent = grace.arrived("c", -1);
        grace.lost(agent, now);

        pass(GRACE);

        assertThat(openRuns()).isEmpty();
    }

    @Test
    void aRunEndsAlsoIfItsAgentIsLostAgainLongAfterItsRequestsWereForgotten() throws IOException {
        startRun(grace.arrived("c", -1), "c", "run");
        submit(new SessionCommand.Leave(NAME, now, "c", true));
        start();
        var agent = grace.arrived("c", -1);
        grace.lost(agent, now);

        pass(GRACE);

        assertThat(openRuns()).isEmpty();
    }

    @Test
    void anAgentThatReturnsWhileItsRunsAreLookedForKeepsThem() {
        var agent = grace.arrived("c", -1);
        startRun(agent, "c", "run");
        grace.lost(agent, now);
        now += GRACE;
        grace.tick(now);
        assertThat(looks).isNotEmpty();

        grace.arrived("c", -1);
        look();

        assertThat(openRuns()).containsExactly("run");
    }

    @Test
    void othersAreToldThatAnAgentIsAwayAndBack() {
        var agent = grace.arrived("c", -1);
        startRun(agent, "c", "run");
        grace.lost(agent, now);
        pass(RunWatch.AWAY_AFTER_MILLIS - 1);
        assertThat(messages()).containsExactly("ai-run-start");

        pass(1);
        assertThat(messages()).containsExactly("ai-run-start", "parley.agent-away");
        agent = grace.arrived("c", -1);
        look();

        assertThat(messages()).containsExactly("ai-run-start", "parley.agent-away", "parley.agent-back");
        assertThat(engine.sessions()
                        .messages(state(), new Range(0, Long.MAX_VALUE, true), 1, 1 << 20)
                        .getFirst()
                        .body()
                        .data())
                .isEqualTo(Data.of("{\"runId\":\"run\",\"connectionId\":\"c\",\"at\":" + now + "}"));
        // Nobody is told twice.
        grace.lost(agent, now);
        grace.arrived("c", -1);
        pass(GRACE);
        assertThat(messages()).hasSize(3);
    }

    @Test
    void aConnectionThatOnlyBreaksIsNoNews() {
        var agent = grace.arrived("c", -1);
        startRun(agent, "c", "run");
        grace.lost(agent, now);
        pass(RunWatch.AWAY_AFTER_MILLIS - 1);
        grace.arrived("c", -1);

        pass(GRACE);

        assertThat(messages()).containsExactly("ai-run-start");
        assertThat(openRuns()).containsExactly("run");
    }

    @Test
    void aRunEndsSoonAfterThePresenceOfItsAgent() {
        var agent = grace.arrived("c", -1);
        enter(agent, "c");
        startRun(agent, "c", "run");
        grace.lost(agent, now);

        pass(PRESENCE_GRACE);
        assertThat(state().members()).isZero();
        pass(AFTER_LEAVE - 1);
        assertThat(openRuns()).containsExactly("run");
        pass(1);

        assertThat(openRuns()).isEmpty();
    }

    @Test
    void membersRemainForAsLongAsTheirConnectionHasAskedFor() {
        var brief = grace.arrived("brief", 0);
        enter(brief, "brief");
        var patient = grace.arrived("patient", 2 * PRESENCE_GRACE);
        enter(patient, "patient");
        grace.lost(patient, now);
        grace.lost(brief, now);

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
                startRun(grace.arrived("c" + boot + i, -1), "c" + boot + i, "run");
            }
            engine.close();
            engine = Engine.open(EngineOptions.in(folder));
            start();
        }
        assertThat(engine.sessions().requesters(100)).hasSize(30);
        assertThat(engine.sessions().requesters(5)).hasSize(5);
        start();
        grace.recover(List.of(), engine.sessions().requesters(100), now);

        pass(4 * PRESENCE_GRACE);

        assertThat(engine.sessions().requesters(100)).isEmpty();
    }
}
