package dev.parley.server.ops;

import dev.parley.engine.Engine;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToDoubleFunction;

/** The meters of the engine. */
public final class EngineMeters {

    private static final double NANOS_PER_SECOND = 1e9;

    private EngineMeters() {}

    public static void bind(Engine engine, MeterRegistry registry) {
        Gauge.builder("parley.engine.waiting", engine, Engine::waiting)
                .description("Commands that wait for their outcome")
                .register(registry);
        Gauge.builder("parley.streams.followed", engine, from -> from.delivery().topics())
                .description("Streams that have live readers")
                .register(registry);
        counter(
                engine,
                registry,
                "commands",
                "Commands made durable",
                from -> from.totals().commands());
        counter(
                engine,
                registry,
                "command.seconds",
                "Time from the acceptance of commands to their outcome",
                from -> from.totals().commandNanos() / NANOS_PER_SECOND);
        counter(
                engine,
                registry,
                "journal.syncs",
                "Syncs of the journal, each for a group of commands",
                from -> from.totals().groups());
        counter(
                engine,
                registry,
                "journal.bytes",
                "Bytes written to the journal",
                from -> from.totals().bytes());
        counter(
                engine,
                registry,
                "journal.sync.seconds",
                "Time spent writing and syncing the journal",
                from -> from.totals().syncNanos() / NANOS_PER_SECOND);
        counter(
                engine,
                registry,
                "callback.failures",
                "Exceptions thrown by callbacks for outcomes and news; each one is a bug in Parley",
                from -> from.totals().callbackFailures());
    }

    private static void counter(
            Engine engine, MeterRegistry registry, String name, String description, ToDoubleFunction<Engine> value) {
        FunctionCounter.builder("parley.engine." + name, engine, value)
                .description(description)
                .register(registry);
    }
}
