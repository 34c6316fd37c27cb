package dev.parley.server.http;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Lets web pages of the allowed origins use a door. Requests without an Origin header, such as those of servers, are
 * not affected.
 */
public final class Cors {
    /** Headers that pages may send to any door. Tracers add the first three, and readers of events the other two. */
    private static final String ALLOWED_EVERYWHERE = "traceparent, tracestate, baggage, Last-Event-ID, Cache-Control";

    private static final CharSequence MAX_AGE_SECONDS = HttpHeaders.createOptimized("86400");

    private final CharSequence methods;
    private final CharSequence allowed;
    private final CharSequence exposed;
    private final boolean credentials;
    private final boolean any;
    private final Origins origins;

    /**
     * The rules of one door. Lists are separated by commas.
     *
     * @param origins the origins whose pages may use the door
     * @param methods the methods that may be requested
     * @param allowed headers that pages may send, in addition to those that every door allows
     * @param added further such headers from the configuration
     * @param exposed headers of answers that pages may read
     */
    public Cors(Origins origins, String methods, String allowed, List<String> added, String exposed) {
        this(origins, methods, allowed, added, exposed, false);
    }

    /** Rules for clients that send requests with the browser's credentials, although the server does not read these. */
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

    /** Adds the headers to the answer to {@code request}. */
    public void apply(HttpServerRequest request) {
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        HttpServerResponse response = request.response();
        if (!any || credentials) {
            response.putHeader(HttpHeaders.VARY, HttpHeaders.ORIGIN);
        }
        CharSequence granted = granted(origin);
        if (granted == null && any && !credentials && request.method().equals(HttpMethod.GET)) {
            // A cache may store this answer and give it to a page.
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

    /** Answers a preflight request, or any other request that asks which methods are allowed. */
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
     * Adds the headers to the answer to a request whose door or origin cannot be read. The answer only says what is
     * wrong with the request, so any page may read it.
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
