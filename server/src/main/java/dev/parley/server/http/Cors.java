package dev.parley.server.http;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Lets web pages of the allowed origins use a door. Writes without an Origin, as of servers, cost nothing. */
public final class Cors {
    /** What pages may send to any door: tracers add the first three, readers of events the other two. */
    private static final String ALLOWED_EVERYWHERE = "traceparent, tracestate, baggage, Last-Event-ID, Cache-Control";

    private static final CharSequence MAX_AGE_SECONDS = HttpHeaders.createOptimized("86400");

    private final CharSequence methods;
    private final CharSequence allowed;
    private final CharSequence exposed;
    private final boolean credentials;
    private final boolean any;
    private final Origins origins;

    /**
     * The rules of one door; lists have commas.
     *
     * @param origins whose pages may use the door
     * @param methods what can be asked for
     * @param allowed headers that pages may send beside those that every door allows
     * @param added what the configuration adds to these
     * @param exposed headers of answers that pages may read
     */
    public Cors(Origins origins, String methods, String allowed, List<String> added, String exposed) {
        this(origins, methods, allowed, added, exposed, false);
    }

    /** The same for clients whose requests come with what the browser knows of us, although we look at none of it. */
    public static Cors withCredentials(
            Origins origins, String methods, String allowed, List<String> added, String exposed) {
        return new Cors(origins, methods, allowed, added, exposed, true);
    }

    private Cors(
            Origins origins, String methods, String allowed, List<String> added, String exposed, boolean credentials) {
        this.credentials = credentials;
        this.any = origins.isAny();
        this.origins = origins;
        this.methods = HttpHeaders.createOptimized(methods);
        String more = added.isEmpty() ? "" : ", " + String.join(", ", added);
        this.allowed = HttpHeaders.createOptimized(allowed + ", " + ALLOWED_EVERYWHERE + more);
        this.exposed = HttpHeaders.createOptimized(exposed);
    }

    /** Headers for any answer to {@code request}. */
    public void apply(HttpServerRequest request) {
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        HttpServerResponse response = request.response();
        if (!any || credentials) {
            response.putHeader(HttpHeaders.VARY, HttpHeaders.ORIGIN);
        }
        CharSequence granted = granted(origin);
        if (granted == null && any && !credentials && request.method().equals(HttpMethod.GET)) {
            // A cache may keep this answer and give it to a page.
            granted = "*";
        }
        if (granted != null) {
            response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, granted)
                    .putHeader(HttpHeaders.ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
            if (credentials) {
                response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
            }
        }
    }

    /** The answer to a preflight, or to anybody who asks what can be done here. */
    public void preflight(HttpServerRequest request) {
        HttpServerResponse response = request.response();
        if (any || granted(request.getHeader(HttpHeaders.ORIGIN)) != null) {
            response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_METHODS, methods)
                    .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_HEADERS, allowed)
                    .putHeader(HttpHeaders.ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
        }
        response.putHeader(HttpHeaders.ALLOW, methods).setStatusCode(204).end();
    }

    /**
     * Headers for the answer to a request that cannot be read far enough to know its door, or its origin: whoever is told
     * what is wrong learns nothing else.
     */
    static void applyToUnreadable(HttpServerRequest request, Origins origins) {
        HttpServerResponse response = request.response().putHeader(HttpHeaders.VARY, HttpHeaders.ORIGIN);
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        if (origin == null) {
            origin = origins.only();
        }
        if (origin != null && origins.allow(origin)) {
            response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, origin)
                    .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        } else if (origin == null && origins.isAny()) {
            response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        }
    }

    private @Nullable CharSequence granted(@Nullable String origin) {
        if (origin == null) {
            return null;
        }
        if (any) {
            return credentials ? origin : "*";
        }
        return origins.allow(origin) ? origin : null;
    }
}
