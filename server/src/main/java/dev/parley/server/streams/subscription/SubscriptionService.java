package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.server.auth.Gate;
import dev.parley.server.http.Answers;
import dev.parley.server.http.PublicAddress;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.StoreReads;
import dev.parley.server.ops.Health;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/** Subscriptions as a part of a server: routes that manage them, and a dispatcher that keeps them going. */
public final class SubscriptionService implements AutoCloseable {
    private final SubscriptionRoutes routes;
    private final Dispatcher dispatcher;
    private final Deliveries deliveries;

    private SubscriptionService(SubscriptionRoutes routes, Dispatcher dispatcher, Deliveries deliveries) {
        this.routes = routes;
        this.dispatcher = dispatcher;
        this.deliveries = deliveries;
    }

    /**
     * Starts to do what is due for the subscriptions of {@code engine}.
     *
     * @param shares what requests are counted in
     * @param answers what their answers are counted in
     * @param address where the makers of subscriptions find this server
     * @param folder where the server's own keys are kept
     * @param callbackUrl scheme, host and port at which workers find it, or null for those that the maker of a
     *     subscription used
     * @param allowLocal whether webhooks may go to this machine in plain HTTP: for development
     * @param health is told when subscriptions cannot be looked after
     */
    public static SubscriptionService start(
            Vertx vertx,
            Engine engine,
            StoreReads reads,
            Shares shares,
            Answers answers,
            Gate gate,
            PublicAddress address,
            Path folder,
            @Nullable String callbackUrl,
            boolean allowLocal,
            InstantSource clock,
            Health health,
            MeterRegistry meters)
            throws IOException {
        SubscriptionKeys keys = new SubscriptionKeys(folder);
        if (engine.subscriptions().count() > 0) {
            // Better now than when a wake is due.
            keys.load();
        }
        WakeTokens tokens = new WakeTokens(keys::tokenSecret);
        SubscriptionView view = new SubscriptionView(engine, keys, callbackUrl);
        Deliveries deliveries =
                new Deliveries(engine, view, keys, tokens, new WebhookClient(vertx), allowLocal, clock, meters);
        Dispatcher dispatcher = new Dispatcher(engine, reads, view.upkeep(), deliveries, clock, health, meters);
        Gauge.builder(
                        "parley.subscriptions",
                        engine,
                        from -> from.subscriptions().count())
                .description("Subscriptions")
                .register(meters);
        dispatcher.start();
        return new SubscriptionService(
                new SubscriptionRoutes(engine, shares, answers, gate, address, keys, view, tokens, allowLocal, clock),
                dispatcher,
                deliveries);
    }

    /** What the streams door hands requests to. */
    public SubscriptionRoutes routes() {
        return routes;
    }

    /** Stops; before the engine does. Wakes that are being delivered are delivered again after the next start. */
    @Override
    public void close() {
        routes.stop();
        dispatcher.close();
        deliveries.close();
    }
}
