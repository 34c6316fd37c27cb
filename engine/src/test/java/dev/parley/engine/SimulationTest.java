package dev.parley.engine;

import dev.parley.engine.History.Storage;
import dev.parley.engine.store.Store;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Thousands of short lives of an engine, each drawn from a seed, with crashes at any instant.
 *
 * <p>{@code -Dparley.sim.histories=N} runs N of them, {@code -Dparley.sim.seed=S} runs one and prints what happens in it.
 */
class SimulationTest {
    private static final int HISTORIES = 12_000;
    private static final int FULL_HISTORIES = 200_000;

    @Test
    void everyHistoryIsOneTheProtocolAllows() {
        Long only = Long.getLong("parley.sim.seed");
        if (only != null) {
            run(only, true);
            return;
        }
        int histories = Integer.getInteger("parley.sim.histories", full() ? FULL_HISTORIES : HISTORIES);
        for (long seed = 0; seed < histories; seed++) {
            run(seed, false);
        }
    }

    private static boolean full() {
        return "1".equals(System.getenv("PARLEY_TEST_FULL"));
    }

    private static void run(long seed, boolean loud) {
        try {
            new History(seed, new InMemory(), loud ? System.out::println : line -> {}).run();
        } catch (Exception | AssertionError e) {
            throw new AssertionError(
                    "seed " + seed + "; once more, with all its steps: "
                            + "mvn -pl engine test -Dtest=SimulationTest -Dparley.sim.seed=" + seed,
                    e);
        }
    }

    private static final class InMemory implements Storage {
        private final SimulatedStore store = new SimulatedStore();

        @Override
        public Store store() {
            return store;
        }

        @Override
        public void crash(SplittableRandom random) {
            store.crash(random);
        }
    }
}
