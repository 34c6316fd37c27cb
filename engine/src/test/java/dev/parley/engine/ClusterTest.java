package dev.parley.engine;

import java.io.IOException;
import org.junit.jupiter.api.Test;

/**
 * Short lives of three engines on one log, each drawn from a seed.
 *
 * <p>{@code -Dparley.cluster.histories=N} or {@code PARLEY_CLUSTER_HISTORIES=N} runs N of them, {@code PARLEY_TEST_FULL=1}
 * the long form, and {@code -Dparley.cluster.seed=S} runs one and prints what happens in it.
 */
class ClusterTest {
    private static final int HISTORIES = 1_000;
    private static final int FULL_HISTORIES = 20_000;

    @Test
    void allNodesComeToTheSame() throws IOException {
        Long only = Long.getLong("parley.cluster.seed");
        if (only != null) {
            new ClusterHistory(only, System.out::println).run();
            return;
        }
        for (long seed = 0; seed < histories(); seed++) {
            try {
                new ClusterHistory(seed, line -> {}).run();
            } catch (Exception | AssertionError e) {
                throw new AssertionError(
                        "seed " + seed + "; once more, with all its steps: "
                                + "mvn -pl engine test -Dtest=ClusterTest -Dparley.cluster.seed=" + seed,
                        e);
            }
        }
    }

    private static int histories() {
        String wanted = System.getProperty("parley.cluster.histories", System.getenv("PARLEY_CLUSTER_HISTORIES"));
        if (wanted != null) {
            return Integer.parseInt(wanted);
        }
        return "1".equals(System.getenv("PARLEY_TEST_FULL")) ? FULL_HISTORIES : HISTORIES;
    }
}
