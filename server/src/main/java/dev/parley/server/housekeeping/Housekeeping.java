package dev.parley.server.housekeeping;

import dev.parley.engine.Engine;
import dev.parley.server.auth.Revocations;
import dev.parley.server.ops.Health;
import dev.parley.server.time.NodeClock;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server's periodic work. It tells the engine, which reads no clock, what time it is, when to make a checkpoint,
 * and what need not be kept.
 */
public final class Housekeeping {

    private static final Duration SWEEP_INTERVAL = Duration.ofSeconds(1);
    private static final Duration RETENTION_INTERVAL = Duration.ofSeconds(5);
    private static final Duration PURGE_INTERVAL = Duration.ofSeconds(5);
    private static final Duration CLOSE_TIMEOUT = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);

    private final ScheduledExecutorService schedule = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("parley-housekeeping").factory());

    private final Health health;
    private final MeterRegistry meters;

    Housekeeping(Health health, MeterRegistry meters) {
        this.health = health;
        this.meters = meters;
    }

    /** Starts the work, on one thread, which runs until {@link #stop}. */
    public static Housekeeping start(
            Engine engine,
            Retention retention,
            Revocations revocations,
            NodeClock clock,
            Duration checkpointInterval,
            Health health,
            MeterRegistry meters) {
        var housekeeping = new Housekeeping(health, meters);
        engine.mend(clock.millis());
        housekeeping.every("sweep", SWEEP_INTERVAL, () -> {
            clock.look();
            engine.sweep(clock.deletionMillis());
        });
        housekeeping.every("checkpoint", checkpointInterval, () -> {
            engine.noteTime(clock.deletionMillis());
            engine.checkpoint();
        });
        housekeeping.every("erasure", PURGE_INTERVAL, () -> engine.purge(clock.millis()));
        housekeeping.every("retention", RETENTION_INTERVAL, retention::step);
        housekeeping.every(
                "revocations",
                RETENTION_INTERVAL,
                () -> revocations.forget(clock.forDeletion().instant()));
        return housekeeping;
    }

    interface Chore {
        void run() throws IOException;
    }

    /** Does {@code chore} again and again. A chore that fails is tried again, and stops no other. */
    void every(String name, Duration interval, Chore chore) {
        Counter failures = Counter.builder("parley.housekeeping.failures")
                .description("Chores of housekeeping that failed and were tried again")
                .tag("chore", name)
                .register(meters);
        var _ = schedule.scheduleWithFixedDelay(
                () -> {
                    try {
                        chore.run();
                        health.report(name, true);
                    } catch (IOException | RuntimeException | Error e) {
                        // If it were thrown on, it would end the schedule. The engine reports failures after which it
                        // cannot continue by itself.
                        failures.increment();
                        health.report(name, false);
                        LOG.atError()
                                .setCause(e)
                                .addKeyValue("chore", name)
                                .log("Housekeeping failed and will be tried again");
                    }
                },
                interval.toMillis(),
                interval.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    /** Stops, and waits for a checkpoint in progress, because the engine makes one at a time. */
    public void stop() throws InterruptedException {
        schedule.shutdown();
        if (!schedule.awaitTermination(CLOSE_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
            LOG.warn("A checkpoint does not end");
        }
    }
}
