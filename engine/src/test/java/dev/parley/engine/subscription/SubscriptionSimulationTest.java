package dev.parley.engine.subscription;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many lives of subscriptions, each drawn from a seed. {@code -Dparley.sim.seed=S} runs one. */
final class SubscriptionSimulationTest {
    private static final int LIVES = 200;
    private static final int FULL_LIVES = 5_000;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    @Test
    void noCursorGoesBackAndNoWorkIsForgotten() {
        // One store for all of them: to open one takes longer than to live a life.
        try (Ledger ledger = new Ledger(folder)) {
            Long only = Long.getLong("parley.sim.seed");
            int lives = "1".equals(System.getenv("PARLEY_TEST_FULL")) ? FULL_LIVES : LIVES;
            long first = only == null ? 0 : only;
            long end = only == null ? lives : only + 1;
            for (long seed = first; seed < end; seed++) {
                run(seed, ledger);
            }
        }
    }

    private static void run(long seed, Ledger ledger) {
        try {
            new SubscriptionLife(seed, ledger).run();
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(
                    "seed " + seed + "; once more: mvn -pl engine test -Dtest=SubscriptionSimulationTest"
                            + " -Dparley.sim.seed=" + seed,
                    e);
        }
    }
}
