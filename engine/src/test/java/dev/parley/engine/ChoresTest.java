package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.life.Lives;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.Lost;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.Done;
import dev.parley.engine.session.log.Membership;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sessions are told of connections of earlier lives, a few in each round, by an engine with little room. */
@Timeout(60)
class ChoresTest {
    private static final SessionName NAME = new SessionName("app", "chat");
    private static final int CONNECTIONS = 5;
    private static final int MAX_WAITING = 8;
    /** A quarter of the room. */
    private static final int A_ROUND = 2;

    private static final long GRACE = 100;

    @TempDir
    private Path folder;

    private final List<Membership> told = new ArrayList<>();
    private long now = 1_795_000_000_000L;
    private long life;
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = Engine.open(new EngineOptions(
                folder, 1, 1 << 20, 256 << 10, 8 << 20, 8 << 20, 100, MAX_WAITING, new Memory(8 << 20, Map.of()), 0));
        boot();
        for (int i = 0; i < CONNECTIONS; i++) {
            enter("c" + i);
        }
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private void boot() {
        life = engine.boot(now, this::lost);
    }

    private SessionCommand<Done> lost(Membership trace, long time) {
        told.add(trace);
        // Whose loss is told first leaves last, so that a round finds others due than those that it tells of.
        long due = time + GRACE - told.size();
        return new Lost(trace.session(), time, trace.connectionId(), Lives.epoch(life, told.size()), due, due, null);
    }

    private void enter(String connectionId) {
        engine.submit(new ChangePresence(
                        NAME,
                        now,
                        new Sender(connectionId, Lives.epoch(life, 1), 0),
                        connectionId,
                        List.of(new PresenceOp(
                                PresenceEntry.Action.ENTER, "id", "ann", new Body(null, Data.of(""), null, null))),
                        CONNECTIONS))
                .join();
    }

    /** What was submitted before is applied after this. */
    private void settle() {
        engine.submit(new Trim(NAME, now, 0)).join();
    }

    private void round() {
        engine.depart(now);
        settle();
    }

    private int members() {
        var state = engine.sessions().find(NAME);
        assertThat(state).isNotNull();
        return state.members();
    }

    @Test
    void eachSessionIsToldOnceAndSoManyInARound() {
        round();
        boot();

        for (int most = A_ROUND; told.size() < CONNECTIONS; most += A_ROUND) {
            round();
            assertThat(told).hasSize(Math.min(most, CONNECTIONS));
        }
        for (int i = 0; i < CONNECTIONS; i++) {
            round();
        }

        assertThat(told).hasSize(CONNECTIONS).doesNotHaveDuplicates();
    }

    @Test
    void nobodyLeavesBeforeAllAreTold() {
        round();
        boot();
        for (int i = 0; i < CONNECTIONS; i++) {
            round();
        }
        now += 2 * GRACE;
        // While there was no server, nobody could come back.
        boot();

        round();
        assertThat(members()).isEqualTo(CONNECTIONS);
        for (int i = 0; i < 2 * CONNECTIONS; i++) {
            round();
        }
        assertThat(members()).isEqualTo(CONNECTIONS);
        now += GRACE;
        for (int i = 0; i < CONNECTIONS; i++) {
            round();
        }

        assertThat(members()).isZero();
    }

    @Test
    void aRoundWaitsForTheOneBefore() throws InterruptedException {
        boot();
        var stopped = new Semaphore(0);
        var goOn = new Semaphore(0);
        engine.submit(new Trim(NAME, now, 0), new Reply<>() {
            @Override
            public void done(Done done) {
                stopped.release();
                goOn.acquireUninterruptibly();
            }

            @Override
            public void failed(Exception failure) {
                throw new AssertionError(failure);
            }
        });
        stopped.acquire();
        for (int i = 0; i < CONNECTIONS; i++) {
            engine.depart(now);
        }
        assertThat(told).hasSize(A_ROUND);
        goOn.release();
        settle();

        round();

        assertThat(told).hasSize(2 * A_ROUND).doesNotHaveDuplicates();
    }

    @Test
    void aSessionForWhichThereWasNoRoomIsToldLater() throws InterruptedException {
        boot();
        var stopped = new Semaphore(0);
        var goOn = new Semaphore(0);
        var trim = new Trim(NAME, now, 0);
        engine.submit(trim, new Reply<>() {
            @Override
            public void done(Done done) {
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
            // The engine still has room.
        }
        engine.depart(now);
        goOn.release();
        while (engine.waiting() > 0) {
            Thread.onSpinWait();
        }
        now += 2 * GRACE;

        for (int i = 0; i < 2 * CONNECTIONS; i++) {
            round();
        }
        now += GRACE;
        for (int i = 0; i < CONNECTIONS; i++) {
            round();
        }

        assertThat(told).hasSize(A_ROUND + CONNECTIONS);
        assertThat(members()).isZero();
    }
}
