package dev.parley.server.rest;

import dev.parley.engine.Engine;
import dev.parley.engine.command.Command;
import dev.parley.server.channel.Refusals;
import dev.parley.server.wire.WireException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Submits commands and waits until they are durable. */
record Commands(Engine engine) {
    <O> CompletableFuture<O> submit(Command<O> command) {
        return engine.submit(command);
    }

    static <O> O await(CompletableFuture<O> outcome) throws WireException {
        try {
            return outcome.get();
        } catch (ExecutionException e) {
            throw new WireException(Refusals.because(e.getCause()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new WireException(Refusals.because(e));
        }
    }
}
