package dev.parley.engine;

import dev.parley.engine.command.Command;
import java.util.concurrent.CompletableFuture;

/** Submits commands in tests that wait for what becomes of them. */
final class Outcomes {
    private Outcomes() {}

    /** What became of {@code command}. */
    static <O> O of(Engine engine, Command<O> command) throws Exception {
        CompletableFuture<O> answer = new CompletableFuture<>();
        engine.submit(command, new Reply<>() {
            @Override
            public void done(O outcome) {
                answer.complete(outcome);
            }

            @Override
            public void failed(Exception failure) {
                answer.completeExceptionally(failure);
            }
        });
        return answer.get();
    }
}
