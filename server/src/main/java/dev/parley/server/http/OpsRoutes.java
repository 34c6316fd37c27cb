package dev.parley.server.http;

import dev.parley.server.ops.Health;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Answers health checks and scrapes of metrics. Unlike the doors of protocols, it does so in every state of the server.
 */
final class OpsRoutes {

    private static final String PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

    private final Health health;
    private final @Nullable PrometheusMeterRegistry metrics;

    /** @param metrics null if metrics are turned off */
    OpsRoutes(Health health, @Nullable PrometheusMeterRegistry metrics) {
        this.health = health;
        this.metrics = metrics;
    }

    /** Whether {@code request} is for these routes and not for a door. */
    static boolean areFor(HttpServerRequest request) {
        return switch (request.path()) {
            case "/health/live", "/health", "/health/ready", "/metrics" -> true;
            case null, default -> false;
        };
    }

    /** Answers the request and returns true if it is for these routes. */
    boolean handle(HttpServerRequest request) {
        switch (request.path()) {
            case "/health/live" -> Replies.json(request, 200, "{\"status\":\"live\"}");
            case "/health", "/health/ready" -> ready(request);
            case "/metrics" -> {
                if (metrics == null) {
                    return false;
                }
                Replies.send(request, 200, PROMETHEUS_TEXT, metrics.scrape());
            }
            case null, default -> {
                return false;
            }
        }
        return true;
    }

    private void ready(HttpServerRequest request) {
        if (health.isReady()) {
            List<String> failing = health.failing();
            String parts = failing.isEmpty() ? "" : ",\"failing\":[\"" + String.join("\",\"", failing) + "\"]";
            Replies.json(request, 200, "{\"status\":\"ready\"" + parts + "}");
        } else {
            Replies.notReady(request, health.state().message());
        }
    }
}
