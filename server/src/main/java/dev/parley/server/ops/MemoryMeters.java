package dev.parley.server.ops;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Purse;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.BaseUnits;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** The meters of the memory that is held for clients. */
public final class MemoryMeters {

    private MemoryMeters() {}

    public static void bind(Memory memory, MeterRegistry registry) {
        for (Purse purse : memory.purses()) {
            bind(purse.name(), purse::held, purse.capacity(), registry);
            refused(purse.name(), purse, Purse::refused, registry);
        }
    }

    private static <T> void refused(String purse, T source, ToDoubleFunction<T> count, MeterRegistry registry) {
        FunctionCounter.builder("parley.memory.refused", source, count)
                .description("How often there was no room, and a client had to wait, to try again or to come back")
                .tag("purse", purse)
                .register(registry);
    }

    /** The same for memory outside the heap that can be refused. */
    public static void bind(
            String purse, Supplier<Number> held, long capacity, LongAdder refused, MeterRegistry registry) {
        bind(purse, held, capacity, registry);
        refused(purse, refused, LongAdder::sum, registry);
    }

    /** Meters for memory outside the heap, in the form of a purse. */
    public static void bind(String purse, Supplier<Number> held, long capacity, MeterRegistry registry) {
        Gauge.builder("parley.memory.held", held)
                .description("Memory that is held for clients")
                .baseUnit(BaseUnits.BYTES)
                .tag("purse", purse)
                .register(registry);
        Gauge.builder("parley.memory.capacity", () -> capacity)
                .description("Memory that may be held for clients")
                .baseUnit(BaseUnits.BYTES)
                .tag("purse", purse)
                .register(registry);
    }
}
