package dev.parley.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.server.http.Permits.Permit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PermitsTest {
    private static final int TURNS = 20_000;

    @Test
    void aPermitIsGivenBackOnce() throws Exception {
        Permits permits = new Permits(2);
        Permit first = Objects.requireNonNull(permits.take());
        Permit second = Objects.requireNonNull(permits.take());
        assertThat(permits.take()).isNull();
        assertThat(permits.taken()).isEqualTo(2);
        first.close();
        first.close();
        assertThat(permits.taken()).isOne();
        assertThat(permits.takeAll(Duration.ZERO)).isFalse();
        second.close();
        assertThat(permits.takeAll(Duration.ZERO)).isTrue();
        assertThat(permits.take()).as("nothing begins any more").isNull();
    }

    /** All close each of their permits twice. */
    @Test
    void thereAreNeverMoreThanThereMayBe() throws Exception {
        Permits permits = new Permits(3);
        AtomicInteger holders = new AtomicInteger();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<?>> working = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                working.add(threads.submit(() -> {
                    for (int turns = TURNS; turns > 0; turns--) {
                        Permit permit = permits.take();
                        if (permit != null) {
                            assertThat(holders.incrementAndGet()).isLessThanOrEqualTo(3);
                            holders.decrementAndGet();
                            permit.close();
                            permit.close();
                        }
                    }
                }));
            }
            for (Future<?> worker : working) {
                worker.get();
            }
        }
        assertThat(permits.taken()).isZero();
    }
}
