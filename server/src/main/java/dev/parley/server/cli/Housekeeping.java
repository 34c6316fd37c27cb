package dev.parley.server.cli;

import dev.parley.engine.Engine;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The engine reads no clock: this tells it the time, when to make a checkpoint, and what it need not keep. */
final class Housekeeping {

    private static final Duration SWEEP_INTERVAL = Duration.ofSeconds(1);
    private static final Duration RETENTION_INTERVAL = Duration.ofSeconds(5);
    private static final Duration CLOSE_TIMEOUT = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);

    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("parley-housekeeping").factory());

    private Housekeeping() {}

    static Housekeeping start(Engine engine, Retention retention, Duration checkpointInterval) {
        var housekeeping = new Housekeeping();
        engine.mend(System.currentTimeMillis());
        housekeeping.every(SWEEP_INTERVAL, () -> engine.sweep(System.currentTimeMillis()));
        housekeeping.every(checkpointInterval, engine::checkpoint);
        housekeeping.every(RETENTION_INTERVAL, retention::step);
        return housekeeping;
    }

    private interface Task {
        void run() throws IOException;
    }

    private void every(Duration interval, Task task) {
        var _ = clock.scheduleWithFixedDelay(
                () -> {
                    try {
                        task.run();
                    } catch (IOException | RuntimeException e) {
                        // Thrown on, it would end the schedule; what the engine cannot live without, it reports itself.
                        LOG.error("Housekeeping failed and will be tried again", e);
                    }
                },
                interval.toMillis(),
                interval.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    /** Lets a checkpoint that is being made end: the engine makes one at a time. */
    void stop() throws InterruptedException {
        clock.shutdown();
        if (!clock.awaitTermination(CLOSE_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
            LOG.warn("A checkpoint does not end");
        }
    }
}
