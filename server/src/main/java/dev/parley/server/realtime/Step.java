package dev.parley.server.realtime;

import dev.parley.server.wire.WireException;

/** The reaction to a frame, or the rest of it, which is to be done later. */
@FunctionalInterface
interface Step {
    void run() throws WireException;

    /** Runs steps. If a step fails, its connection fails as well. */
    @FunctionalInterface
    interface Runner {
        void run(Step step);
    }
}
