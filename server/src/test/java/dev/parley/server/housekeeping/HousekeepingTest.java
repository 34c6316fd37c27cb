package dev.parley.server.housekeeping;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.server.ops.Health;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class HousekeepingTest {

    private static final Duration OFTEN = Duration.ofMillis(1);
    private static final int FAILURES = 3;

    @Test
    void aChoreThatThrowsAnErrorIsTriedAgainAndStopsNoOther() throws Exception {
        var health = new Health();
        var meters = new SimpleMeterRegistry();
        var housekeeping = new Housekeeping(health, meters);
        var tries = new AtomicInteger();
        var others = new AtomicInteger();
        housekeeping.every("sweep", OFTEN, () -> {
            if (tries.incrementAndGet() <= FAILURES) {
                throw new StackOverflowError("we pretend that a chore has a fault");
            }
        });
        housekeeping.every("checkpoint", OFTEN, () -> {
            if (health.failing().contains("sweep")) {
                others.incrementAndGet();
            }
        });
        await().until(() -> tries.get() > FAILURES);
        await().until(() -> health.failing().isEmpty());
        assertThat(meters.get("parley.housekeeping.failures")
                        .tag("chore", "sweep")
                        .counter()
                        .count())
                .isEqualTo(FAILURES);
        housekeeping.stop();
        assertThat(others).as("others went on meanwhile").hasPositiveValue();
    }
}
