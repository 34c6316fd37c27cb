package dev.parley.engine.life;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store.Change;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** A node has one life at a time, and each has a greater number than all before. */
class LivesTest {
    private static final byte[] KEY = "lives".getBytes(StandardCharsets.UTF_8);

    private final SimulatedStore store = new SimulatedStore();

    private long boot(long node) {
        StoreTx rows = new StoreTx(store);
        long life = Lives.apply(new Boot(7, node), rows);
        rows.commit();
        return life;
    }

    @Test
    void aBootEndsTheLifeBefore() {
        assertThat(Lives.in(store).newest()).isZero();
        long first = boot(0);
        long others = boot(5);
        long second = boot(0);

        assertThat(List.of(first, others, second)).isSorted().doesNotHaveDuplicates();
        Lives lives = Lives.in(store);
        assertThat(lives.newest()).isEqualTo(second);
        assertThat(lives.isOver(0)).isTrue();
        assertThat(lives.isOver(first)).isTrue();
        assertThat(lives.isOver(others)).isFalse();
        assertThat(lives.isOver(second)).isFalse();
    }

    @Test
    void onlySoManyNodesAreRemembered() {
        long first = boot(0);
        long second = boot(1);
        for (long node = 2; node <= Lives.MAX_NODES; node++) {
            boot(node);
        }

        Lives lives = Lives.in(store);
        assertThat(lives.ofNodes()).hasSize(Lives.MAX_NODES);
        assertThat(lives.isOver(first)).isTrue();
        assertThat(lives.isOver(second)).isFalse();
    }

    @Test
    void whatALifeHasLeftIsLeftToItsNode() {
        long first = boot(0);
        long others = boot(5);
        boot(0);
        boot(0);
        boot(6);

        Lives lives = Lives.in(store);
        for (long node : new long[] {0, 5, 6}) {
            assertThat(lives.isLeftTo(node, first)).isEqualTo(node == 0);
            assertThat(lives.isLeftTo(node, others)).as("goes on").isFalse();
            assertThat(lives.isLeftTo(node, 0)).as("of nobody").isEqualTo(node == 6);
        }
    }

    @Test
    void whatIsLeftByANodeThatIsForgottenIsLeftToTheOneThatHasBootedLast() {
        long first = boot(100);
        for (long node = 0; node < Lives.MAX_NODES; node++) {
            boot(node);
        }

        Lives lives = Lives.in(store);
        assertThat(lives.isLeftTo(Lives.MAX_NODES - 1, first)).isTrue();
        assertThat(lives.isLeftTo(100, first)).isFalse();
    }

    @Test
    void ofSoManyLivesThatAreOverTheNodesAreRemembered() {
        long first = boot(0);
        long second = boot(0);
        boot(5);
        for (int i = 0; i < Lives.MAX_ENDED; i++) {
            boot(0);
        }
        boot(5);
        boot(6);

        Lives lives = Lives.in(store);
        assertThat(lives.ended()).hasSize(Lives.MAX_ENDED);
        assertThat(lives.isLeftTo(0, first)).isFalse();
        assertThat(lives.isLeftTo(6, first)).isTrue();
        assertThat(lives.isLeftTo(0, second)).isFalse();
        assertThat(lives.isLeftTo(0, second + 3)).isTrue();
    }

    @Test
    void epochsGrowWithinALifeAndFromLifeToLife() {
        assertThat(List.of(Lives.epoch(1, 0) - 1, Lives.epoch(1, 1), Lives.epoch(1, 2), Lives.epoch(2, 1)))
                .isSorted()
                .doesNotHaveDuplicates();
        assertThat(Lives.ofEpoch(Lives.epoch(1, 0) - 1)).isZero();
        assertThat(Lives.ofEpoch(Lives.epoch(300, 7))).isEqualTo(300);
    }

    @Test
    void livesLieInTheStoreAsTheyAlwaysDid() throws IOException {
        GoldenBytes golden = new GoldenBytes("lives");
        boot(-2);
        boot(300);
        golden.old("lives of two nodes", Lives.in(store), LivesTest::read);
        boot(-2);
        golden.example(
                "lives of two nodes, and one that is over",
                Lives.in(store),
                lives -> Objects.requireNonNull(store.get(Table.META, KEY)),
                LivesTest::read);
        golden.complete();
    }

    private static Lives read(byte[] row) {
        SimulatedStore store = new SimulatedStore();
        store.write(List.of(new Change.Put(Table.META, KEY, row)));
        return Lives.in(store);
    }
}
