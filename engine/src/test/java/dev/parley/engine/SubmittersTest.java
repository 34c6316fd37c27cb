package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.journal.SubmissionId;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store.Change;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is remembered of those who submit to a shared log. */
class SubmittersTest {
    private static final byte[] KEY = "submitters".getBytes(StandardCharsets.UTF_8);

    private final SimulatedStore store = new SimulatedStore();

    private boolean accept(long node, long life, long number) {
        return accept(store, node, life, number);
    }

    private static boolean accept(SimulatedStore store, long node, long life, long number) {
        StoreTx rows = new StoreTx(store);
        Submitters submitters = new Submitters(rows);
        boolean accepted = submitters.accept(new SubmissionId(node, life, number));
        submitters.write();
        rows.commit();
        return accepted;
    }

    @Test
    void aRecordThatComesTwiceIsAcceptedOnce() {
        assertThat(accept(1, 1, 1)).isTrue();
        assertThat(accept(1, 1, 1)).isFalse();
        assertThat(accept(1, 1, 2)).isTrue();
        assertThat(accept(1, 1, 1)).isFalse();
        assertThat(accept(2, 1, 1)).as("of another node").isTrue();
    }

    @Test
    void aRecordThatWasOvertakenIsNotAcceptedAnyMore() {
        assertThat(accept(1, 1, 3)).isTrue();
        assertThat(accept(1, 1, 2)).isFalse();
    }

    @Test
    void aLifeEndsWithTheFirstRecordOfTheNextOne() {
        assertThat(accept(1, 1, 9)).isTrue();
        assertThat(accept(1, 2, 1)).isTrue();
        assertThat(accept(1, 1, 10)).isFalse();
        assertThat(accept(1, 2, 2)).isTrue();
    }

    @Test
    void whoHasBeenSilentLongestIsForgotten() {
        for (long node = 0; node < Submitters.MAX_NODES; node++) {
            assertThat(accept(node, 1, 1)).isTrue();
        }
        assertThat(accept(0, 1, 2)).isTrue();
        assertThat(accept(99, 1, 1)).as("one too many").isTrue();
        assertThat(accept(0, 1, 2)).as("has spoken since").isFalse();
        assertThat(accept(1, 1, 1)).as("forgotten").isTrue();
    }

    @Test
    void rows() throws IOException {
        GoldenBytes golden = new GoldenBytes("submitters");
        accept(-2, 0x0102_0304_0506L, 300);
        accept(7, 1, 1);
        golden.example(
                "two nodes",
                "7 after -2",
                written -> {
                    byte[] row = store.get(Table.META, KEY);
                    assertThat(row).isNotNull();
                    return row;
                },
                SubmittersTest::read);
        golden.complete();
    }

    private static String read(byte[] row) {
        SimulatedStore other = new SimulatedStore();
        other.write(List.of(new Change.Put(Table.META, KEY, row)));
        assertThat(accept(other, 7, 1, 1)).isFalse();
        assertThat(accept(other, -2, 0x0102_0304_0506L, 300)).isFalse();
        assertThat(accept(other, 7, 1, 2)).isTrue();
        assertThat(accept(other, -2, 0x0102_0304_0506L, 301)).isTrue();
        return "7 after -2";
    }
}
