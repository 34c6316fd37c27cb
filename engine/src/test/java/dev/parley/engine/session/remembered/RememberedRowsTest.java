package dev.parley.engine.session.remembered;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.RandomValues;
import dev.parley.engine.session.log.SessionRows;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Keys of requests tell their numbers, and stand in their order. */
class RememberedRowsTest {
    private static final int ROUNDS = 2_000;

    private final RandomValues some = new RandomValues();

    @Test
    void keysTellTheNumber() {
        for (int i = 0; i < ROUNDS; i++) {
            long msgSerial = some.number();
            String connection = some.text();
            byte[] key = RememberedRows.requestKey(5, connection, msgSerial);
            assertThat(RememberedRows.msgSerial(key)).isEqualTo(msgSerial);
            assertThat(RememberedRows.requester(key)).isEqualTo(new Remembered.Requester(5, connection));
        }
    }

    @Test
    void keysAreInOrder() {
        for (String connection : List.of("", "c", "c1", "connection", "\uffff", "x".repeat(300))) {
            RandomValues.assertOrder(
                    SessionRows.connectionKey(5, connection),
                    RememberedRows.requestKey(5, connection, 3),
                    RememberedRows.requestKey(5, connection, 300),
                    SessionRows.connectionEnd(5, connection));
        }
    }
}
