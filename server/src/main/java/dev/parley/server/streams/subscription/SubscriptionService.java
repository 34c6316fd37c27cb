package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.server.auth.Gate;
import dev.parley.server.http.Answers;
import dev.parley.server.http.PublicAddress;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.StoreReads;
import dev.parley.server.ops.Health;
import dev.parley.server.webhook.WebhookClient;
import dev.parley.server.webhook.WebhookKeys;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/** Subscriptions, as a part of a server: the routes that manage them, and the dispatcher that does what is due. */
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
     * @param shares where the memory of requests is reserved
     * @param answers sends large answers, and counts their memory
     * @param address the address at which clients find this server
     * @param keys the server's own keys
     * @param callbackUrl scheme, host and port at which workers find this server; null for those that the creator of a
     *     subscription used
     * @param allowLocal whether webhooks may use plain HTTP to this machine, for development
     * @param health is told when work for subscriptions fails
     */
    public static SubscriptionService start(
            Vertx vertx,
            Engine engine,
            StoreReads reads,
            Shares shares,
            Answers answers,
            Gate gate,
            PublicAddress address,
            WebhookKeys keys,
            @Nullable String callbackUrl,
            boolean allowLocal,
            InstantSource clock,
            Health health,
            MeterRegistry meters)
            throws IOException {
        if (engine.subscriptions().count() > 0) {
            // An unreadable file should be noticed now, and not when a wake is due.
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

    /** The routes to which the streams door passes requests. */
    public SubscriptionRoutes routes() {
        return routes;
    }

    /**
     * Stops. To be called before the engine stops. Wakes that are being delivered are delivered again after the next
     * start.
     */
    @Override
    public void close() {
        routes.stop();
        dispatcher.close();
        deliveries.close();
    }
}
