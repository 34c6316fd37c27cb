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
    /**
     * Other methods are counted together: clients can invent names of methods, but must not be able to create a time
     * series for each of them.
     */
    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

    /** The status that is counted if the client left before there was an answer. nginx uses the same number. */
    private static final int CLIENT_GONE = 499;

    private final MeterRegistry registry;
    private final Map<Kind, Counter> counters = new ConcurrentHashMap<>();

    private record Kind(String door, String method, int status) {}

    RequestMeters(MeterRegistry registry) {
        this.registry = registry;
    }

    /** Counts {@code request}, which is completed. */
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
                .description("Completed requests; a live read is complete when its reader has left")
                .tag("door", kind.door())
                .tag("method", kind.method())
                .tag("status", Integer.toString(kind.status()))
                .register(registry);
    }
}
