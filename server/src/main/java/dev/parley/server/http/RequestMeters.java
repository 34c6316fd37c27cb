package dev.parley.server.http;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Counts requests by door, method and status. Thread-safe. */
final class RequestMeters {
    /** A client can call its method what it likes, but not make a time series of each name. */
    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

    /** A client that goes before there is an answer has no status; nginx calls it so. */
    private static final int CLIENT_GONE = 499;

    private final MeterRegistry registry;
    private final Map<Kind, Counter> counters = new ConcurrentHashMap<>();

    private record Kind(String door, String method, int status) {}

    RequestMeters(MeterRegistry registry) {
        this.registry = registry;
    }

    /** Counts {@code request}, which is over. */
    void count(HttpServerRequest request, String door) {
        HttpServerResponse response = request.response();
        String method = request.method().name();
        Kind kind = new Kind(
                door,
                METHODS.contains(method) ? method : "other",
                response.headWritten() ? response.getStatusCode() : CLIENT_GONE);
        counters.computeIfAbsent(kind, this::counter).increment();
    }

    private Counter counter(Kind kind) {
        return Counter.builder("parley.http.requests")
                .description("Requests that are over; a live read is when its reader has gone")
                .tag("door", kind.door())
                .tag("method", kind.method())
                .tag("status", Integer.toString(kind.status()))
                .register(registry);
    }
}
