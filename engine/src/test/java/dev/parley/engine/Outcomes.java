package dev.parley.engine;

import dev.parley.engine.command.Command;
import java.util.concurrent.CompletableFuture;

/** Submits commands in tests. */
final class Outcomes {
    private Outcomes() {}

    /** What became of {@code command}. */
    static <O> O of(Engine engine, Command<O> command) throws Exception {
        return submit(engine, command).get();
    }

    /** What will have become of {@code command}. */
    static <O> CompletableFuture<O> submit(Engine engine, Command<O> command) {
        return engine.submit(command);
    }
}
