package dev.parley.server.request;

import dev.parley.server.channel.Refusals;
import dev.parley.server.wire.WireException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Waits until commands are durable. */
public final class Commands {
    private Commands() {}

    public static <O> O await(CompletableFuture<O> outcome) throws WireException {
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
