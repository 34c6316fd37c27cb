package dev.parley.server;

import io.vertx.core.Future;
import java.util.concurrent.TimeUnit;

/** Waits for futures of Vert.x in tests. */
public final class Futures {
    private static final int SECONDS = 20;

    private Futures() {}

    /** The result of {@code future}. Fails if it takes too long. */
    public static <T> T await(Future<T> future) {
        return future.toCompletionStage()
                .toCompletableFuture()
                .orTimeout(SECONDS, TimeUnit.SECONDS)
                .join();
    }
}
