package dev.parley.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A batch reads what it has changed as the store will read it afterwards. */
class StoreTxTest {
    private static final Table TABLE = Table.MEMBERS;

    @Test
    void readsWithinTheBatchAreThoseAfterIt() {
        SplittableRandom random = new SplittableRandom(1);
        Store store = new SimulatedStore();
        for (int batch = 0; batch < 2_000; batch++) {
            StoreTx tx = new StoreTx(store);
            for (int steps = random.nextInt(8); steps > 0; steps--) {
                int at = random.nextInt(20);
                byte[] key = key(at);
                switch (random.nextInt(3)) {
                    case 0 -> tx.remove(TABLE, key);
                    case 1 -> tx.removeRange(TABLE, key, key(at + random.nextInt(21 - at)));
                    default -> tx.put(TABLE, key, key(random.nextInt(100)));
                }
            }
            int from = random.nextInt(20);
            int to = from + random.nextInt(21 - from);
            int limit = 1 + random.nextInt(20);
            List<String> within = show(tx.list(TABLE, key(from), key(to), limit));
            List<String> backwards = rows(tx.scanBackwards(TABLE, key(from), key(to)), limit);
            byte[] one = tx.get(TABLE, key(from));
            tx.commit();
            assertThat(within).isEqualTo(rows(store.scan(TABLE, key(from), key(to)), limit));
            assertThat(backwards).isEqualTo(rows(store.scanBackwards(TABLE, key(from), key(to)), limit));
            assertThat(one).isEqualTo(store.get(TABLE, key(from)));
        }
    }

    private static List<String> rows(Rows walk, int limit) {
        List<Row> found = new ArrayList<>();
        try (walk) {
            while (found.size() < limit) {
                // A look at the next row leaves it the next one.
                byte[] key = walk.nextKey();
                int length = walk.nextLength();
                Row row = walk.next();
                if (row == null) {
                    assertThat(key).isNull();
                    assertThat(length).isEqualTo(-1);
                    break;
                }
                assertThat(row.key()).isEqualTo(key);
                assertThat(row.value()).hasSize(length);
                found.add(row);
            }
        }
        return show(found);
    }

    private static List<String> show(List<Row> rows) {
        return rows.stream()
                .map(row -> text(row.key()) + "=" + text(row.value()))
                .toList();
    }

    private static byte[] key(int number) {
        return "%02d".formatted(number).getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
