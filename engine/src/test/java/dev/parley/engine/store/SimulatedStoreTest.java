package dev.parley.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.store.Store.Change;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the simulation relies on. */
class SimulatedStoreTest {
    private final SimulatedStore store = new SimulatedStore();

    private void put(int key, int value) {
        store.write(List.of(new Change.Put(Table.META, new byte[] {(byte) key}, new byte[] {(byte) value})));
    }

    private static List<Integer> values(View view) {
        List<Integer> values = new ArrayList<>();
        try (Rows rows = view.scan(Table.META, new byte[] {}, new byte[] {(byte) 0xFF})) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                values.add((int) row.value()[0]);
            }
        }
        return values;
    }

    @Test
    void aSnapshotStaysAsItWas() {
        put(1, 1);
        try (Store.Moment one = store.snapshot()) {
            put(1, 2);
            put(2, 2);
            try (Store.Moment two = store.snapshot()) {
                store.write(List.of(new Change.RemoveRange(Table.META, new byte[] {1}, new byte[] {3})));
                assertThat(values(one)).containsExactly(1);
                assertThat(one.get(Table.META, new byte[] {2})).isNull();
                assertThat(one.lastKey(Table.META, new byte[] {}, new byte[] {9}))
                        .containsExactly(1);
                assertThat(values(two)).containsExactly(2, 2);
                assertThat(values(store)).isEmpty();
            }
        }
    }

    @Test
    void aSnapshotThatIsClosedShowsNothing() {
        put(1, 1);
        Store.Moment closed = store.snapshot();
        closed.close();
        assertThatThrownBy(() -> closed.get(Table.META, new byte[] {1})).isInstanceOf(IllegalStateException.class);
    }
}
