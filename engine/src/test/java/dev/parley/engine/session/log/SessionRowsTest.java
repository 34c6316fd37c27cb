package dev.parley.engine.session.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.RandomValues;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionRows.Logged;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every row survives the way through the store, and keys stand in the order of what they name. */
class SessionRowsTest {
    private static final int ROUNDS = 2_000;

    private final RandomValues some = new RandomValues();

    @Test
    void sessions() {
        for (int i = 0; i < ROUNDS; i++) {
            Control control = some.yes()
                    ? Control.DEFAULT
                    : new Control(
                            some.oneOf(Control.Mode.values()),
                            some.maybe(some::text),
                            some.number(),
                            some.number(),
                            some.yes());
            SessionState state = new SessionState(
                    some.name(),
                    some.number(),
                    some.number(),
                    some.number(),
                    some.number(),
                    some.from(0, 1000),
                    control,
                    some.yes());
            assertThat(SessionRows.session(SessionRows.session(state))).isEqualTo(state);
        }
    }

    @Test
    void theLogAndOutcomes() {
        for (int i = 0; i < ROUNDS; i++) {
            long serial = some.number();
            for (Logged logged : List.of(
                    new Logged.Message(serial),
                    new Logged.Presence(),
                    new Logged.Annotation(serial),
                    new Logged.Summary(serial))) {
                assertThat(SessionRows.logged(SessionRows.logged(logged))).isEqualTo(logged);
            }
            List<Long> positions = List.of(some.number(), 0L, some.number());
            assertThat(SessionRows.positions(SessionRows.positions(positions))).isEqualTo(positions);
        }
        assertThat(SessionRows.positions(SessionRows.positions(List.of()))).isEmpty();
    }

    @Test
    void whatIsNoneIsRefused() {
        assertThatThrownBy(() -> SessionRows.logged(new byte[] {9})).isInstanceOf(MalformedBinaryException.class);
        assertThatThrownBy(() -> SessionRows.session(new byte[] {2})).isInstanceOf(MalformedBinaryException.class);
        assertThatThrownBy(() -> SessionRows.positions(new byte[] {1, 2})).isInstanceOf(MalformedBinaryException.class);
    }

    @Test
    void keysAreInOrder() {
        RandomValues.assertOrder(
                SessionRows.idKey(5),
                SessionRows.positionKey(5, 0),
                SessionRows.positionKey(5, 1L << 40),
                SessionRows.positionKey(5, (1L << 40) + 1),
                SessionRows.idKey(6));
        for (String connection : List.of("", "c", "c1", "connection", "\uffff", "x".repeat(300))) {
            RandomValues.assertOrder(
                    SessionRows.idKey(5),
                    SessionRows.connectionKey(5, connection),
                    SessionRows.connectionEnd(5, connection),
                    SessionRows.idKey(6));
        }
    }
}
