package dev.parley.server.streams;

import dev.parley.engine.Engine;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.server.http.RefusedException;
import dev.parley.server.time.NodeClock;

/** DELETE: deletes a stream. A stream with forks is hidden until the last fork is deleted (5.4). */
final class DeleteStream {
    private final Engine engine;
    private final NodeClock clock;
    private final Lifetimes lifetimes;

    DeleteStream(Engine engine, NodeClock clock, Lifetimes lifetimes) {
        this.engine = engine;
        this.clock = clock;
        this.lifetimes = lifetimes;
    }

    void handle(Exchange exchange) throws RefusedException {
        lifetimes.whenCertain(
                exchange,
                () -> engine.submit(
                        new StreamCommand.Delete(exchange.path(), clock.millis()),
                        exchange.then(outcome -> answer(exchange, outcome))));
    }

    private static void answer(Exchange exchange, StreamOutcome.OfDelete outcome) {
        switch (outcome) {
            case StreamOutcome.Done done ->
                exchange.response().setStatusCode(204).end();
            case StreamOutcome.NotFound none -> exchange.notFound();
            case StreamOutcome.Gone gone -> exchange.gone();
        }
    }
}
