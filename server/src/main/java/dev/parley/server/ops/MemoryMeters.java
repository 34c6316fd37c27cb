package dev.parley.server.ops;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Purse;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.BaseUnits;

/** What the account of memory says, as meters. */
public final class MemoryMeters {

    private MemoryMeters() {}

    public static void bind(Memory memory, MeterRegistry registry) {
        for (Purse purse : memory.purses()) {
            Gauge.builder("parley.memory.held", purse, Purse::held)
                    .description("Memory that is held for clients")
                    .baseUnit(BaseUnits.BYTES)
                    .tag("purse", purse.name())
                    .register(registry);
            Gauge.builder("parley.memory.capacity", purse, Purse::capacity)
                    .description("Memory that may be held for clients")
                    .baseUnit(BaseUnits.BYTES)
                    .tag("purse", purse.name())
                    .register(registry);
            FunctionCounter.builder("parley.memory.refused", purse, Purse::refused)
                    .description("How often there was no room, and a client had to wait, to try again or to come back")
                    .tag("purse", purse.name())
                    .register(registry);
        }
    }
}
