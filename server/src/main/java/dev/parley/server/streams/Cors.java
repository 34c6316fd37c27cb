package dev.parley.server.streams;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Lets web pages of the configured origins use the streams. Requests without an Origin, as of servers, cost nothing. */
final class Cors {
    private static final CharSequence METHODS = HttpHeaders.createOptimized("GET, POST, PUT, DELETE, HEAD, OPTIONS");
    private static final CharSequence ALLOWED = HttpHeaders.createOptimized(
            "Content-Type, Authorization, If-None-Match, Stream-Seq, Stream-TTL, Stream-Expires-At, Stream-Closed, "
                    + "Producer-Id, Producer-Epoch, Producer-Seq, Stream-Forked-From, Stream-Fork-Offset, "
                    + "Stream-Fork-Sub-Offset");
    private static final CharSequence EXPOSED = HttpHeaders.createOptimized(
            "Stream-Next-Offset, Stream-Cursor, Stream-Up-To-Date, Stream-Closed, Stream-TTL, Stream-Expires-At, "
                    + "Stream-SSE-Data-Encoding, Producer-Epoch, Producer-Seq, Producer-Expected-Seq, "
                    + "Producer-Received-Seq, ETag, Location, Content-Type, Retry-After");
    private static final CharSequence MAX_AGE_SECONDS = HttpHeaders.createOptimized("86400");

    private final boolean any;
    private final Set<String> origins;

    Cors(List<String> origins) {
        this.any = origins.contains("*");
        this.origins = Set.copyOf(origins);
    }

    /** Headers for any answer to {@code request}. */
    void apply(HttpServerRequest request) {
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        HttpServerResponse response = request.response();
        if (!any) {
            response.putHeader(HttpHeaders.VARY, HttpHeaders.ORIGIN);
        }
        CharSequence allowed = allowed(origin);
        if (allowed != null) {
            response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, allowed)
                    .putHeader(HttpHeaders.ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }

    /** The answer to a preflight, or to anybody who asks what can be done here. */
    void preflight(HttpServerRequest request) {
        HttpServerResponse response = request.response();
        if (any || allowed(request.getHeader(HttpHeaders.ORIGIN)) != null) {
            response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_METHODS, METHODS)
                    .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED)
                    .putHeader(HttpHeaders.ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
        }
        response.putHeader(HttpHeaders.ALLOW, METHODS).setStatusCode(204).end();
    }

    private @Nullable CharSequence allowed(@Nullable String origin) {
        if (origin == null) {
            return null;
        }
        if (any) {
            return "*";
        }
        return origins.contains(origin) ? origin : null;
    }
}
