package dev.parley.server.streams;

import dev.parley.engine.Engine;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.http.RefusedException;
import dev.parley.server.time.NodeClock;
import io.vertx.core.http.HttpHeaders;
import org.jspecify.annotations.Nullable;

/**
 * Refuses requests that would change a stream of which it is not certain that it still exists. While the clock is in
 * doubt, a stream past its lifetime can be read, but a command would treat it as ended, and would replace it by a new
 * one.
 */
final class Lifetimes {
    private static final String RETRY_SECONDS = "60";

    private final Engine engine;
    private final NodeClock clock;

    Lifetimes(Engine engine, NodeClock clock) {
        this.engine = engine;
        this.clock = clock;
    }

    private record Found(@Nullable StreamState state) {}

    /** Does {@code work} for the stream of {@code exchange}, or refuses it. */
    void whenCertain(Exchange exchange, Exchange.Work work) throws RefusedException {
        if (clock.deletionLagMillis() == 0) {
            work.run();
            return;
        }
        exchange.blocking(() -> new Found(engine.streams().find(exchange.path())), found -> {
            if (found.state() != null && isInDoubt(found.state())) {
                exchange.response().putHeader(HttpHeaders.RETRY_AFTER, RETRY_SECONDS);
                exchange.error(
                        503,
                        "CLOCK_IN_DOUBT",
                        "If the server's clock, which is in doubt, is right, then the stream's lifetime is over. The stream can be read;"
                                + " its operator can say what time it is.");
            } else {
                exchange.guard(work);
            }
        });
    }

    private boolean isInDoubt(StreamState state) {
        return state.visible(clock.deletionMillis()) && state.expired(clock.millis());
    }
}
