package dev.parley.engine;

import java.util.concurrent.CompletableFuture;

/**
 * Receives the result of a command, once, on an engine thread. An implementation must hand the work over to another
 * thread and return.
 *
 * @param <O> the type of the outcome
 */
public interface Reply<O> {
    /** The command is durable and applied, and this is its outcome. */
    void done(O outcome);

    /**
     * The command was not accepted. With {@link OverloadedException}, {@link StorageFullException} and
     * {@link CommandTooLargeException} nothing happened; after any other failure the command may or may not survive a
     * restart, and a retry must be idempotent.
     */
    void failed(Exception failure);

    /** A reply that completes {@code outcome}, on an engine thread. */
    static <O> Reply<O> to(CompletableFuture<O> outcome) {
        return new Reply<>() {
            @Override
            public void done(O done) {
                outcome.complete(done);
            }

            @Override
            public void failed(Exception failure) {
                outcome.completeExceptionally(failure);
            }
        };
    }
}
