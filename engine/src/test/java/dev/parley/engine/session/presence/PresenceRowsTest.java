package dev.parley.engine.session.presence;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.RandomValues;
import dev.parley.engine.session.log.SessionRows;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Presence events survive the way through the store, and keys of members stand in order. */
class PresenceRowsTest {
    private static final int ROUNDS = 2_000;

    private final RandomValues some = new RandomValues();

    @Test
    void presence() {
        for (int i = 0; i < ROUNDS; i++) {
            PresenceEntry entry = new PresenceEntry(
                    some.number(),
                    some.oneOf(PresenceEntry.Action.values()),
                    some.text(),
                    some.text(),
                    some.text(),
                    some.body());
            assertThat(PresenceRows.presence(PresenceRows.presence(entry))).isEqualTo(entry);
        }
    }

    @Test
    void keysAreInOrder() {
        for (String connection : List.of("", "c", "c1", "connection", "\uffff", "x".repeat(300))) {
            RandomValues.assertOrder(
                    SessionRows.connectionKey(5, connection),
                    PresenceRows.memberKey(5, connection, "a"),
                    PresenceRows.memberKey(5, connection, "\uffff"),
                    SessionRows.connectionEnd(5, connection));
        }
    }
}
