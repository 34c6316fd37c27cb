package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.engine.command.Command;
import dev.parley.engine.memory.Owner;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.subscription.Subscription;
import dev.parley.engine.subscription.SubscriptionOutcome;
import dev.parley.server.http.RefusedException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** The way from requests to the subscriptions of the engine, which blocks. */
final class SubscriptionCommands {
    private final Engine engine;

    SubscriptionCommands(Engine engine) {
        this.engine = engine;
    }

    Subscription find(String id) throws RefusedException {
        Subscription subscription = engine.subscriptions().find(id);
        if (subscription == null) {
            throw SubscriptionRefusals.notFound();
        }
        return subscription;
    }

    /**
     * Submits a command that makes links, and waits for its outcome.
     *
     * @param links the memory that is reserved for the links, or null if there was none
     * @param owner whoever the memory is counted for, or null
     */
    <O> O submit(Command<O> command, @Nullable Reservation links, @Nullable Owner owner) throws RefusedException {
        if (links == null) {
            throw SubscriptionRefusals.noRoom(engine.subscriptions().narrowest(owner));
        }
        return submit(command);
    }

    /** Submits the command and waits for its outcome. */
    <O> O submit(Command<O> command) throws RefusedException {
        try {
            return engine.submit(command).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw RefusedException.unavailable("STOPPED", "The server is stopping; try again.");
        } catch (ExecutionException e) {
            throw RefusedException.because(e.getCause());
        }
    }

    /** The answer to a request that changes a subscription. */
    static SubscriptionAnswer changed(SubscriptionOutcome.OfChange outcome) throws RefusedException {
        return switch (outcome) {
            case SubscriptionOutcome.Done d -> SubscriptionAnswer.NO_CONTENT;
            case SubscriptionOutcome.NotFound n -> throw SubscriptionRefusals.notFound();
            case SubscriptionOutcome.Fenced f -> throw SubscriptionRefusals.fenced();
            case SubscriptionOutcome.TooManyLinks(int limit) -> throw SubscriptionRefusals.tooManyLinks(limit);
        };
    }
}
