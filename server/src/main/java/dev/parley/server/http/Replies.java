package dev.parley.server.http;

import dev.parley.server.auth.Access;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.json.JsonMapper;

/** Small whole answers. Errors look like {@code {"error": {"code": "...", "message": "..."}}}. */
public final class Replies {

    private Replies() {}

    public static void error(HttpServerRequest request, int status, String code, String message) {
        var body = JsonMapper.shared().createObjectNode();
        body.putObject("error").put("code", code).put("message", message);
        json(request, status, body.toString());
    }

    public static void refused(HttpServerRequest request, Access.Refused refused) {
        if (refused.status() == 401) {
            request.response().putHeader("WWW-Authenticate", Access.Refused.CHALLENGE);
        } else if (refused.status() == 503) {
            request.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
        }
        error(request, refused.status(), refused.code(), refused.message());
    }

    /** For requests that come too early or too late in a server's life. */
    public static void notReady(HttpServerRequest request, String message) {
        request.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
        error(request, 503, "NOT_READY", message);
    }

    public static void json(HttpServerRequest request, int status, String body) {
        send(request, status, "application/json", body);
    }

    /** Begins an answer that nobody keeps. */
    public static HttpServerResponse head(HttpServerRequest request, int status, String contentType) {
        return request.response()
                .setStatusCode(status)
                .putHeader(HttpHeaders.CONTENT_TYPE, contentType)
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-store")
                .putHeader("X-Content-Type-Options", "nosniff");
    }

    public static void send(HttpServerRequest request, int status, String contentType, String body) {
        var response = request.response();
        if (response.ended() || response.closed()) {
            return;
        }
        head(request, status, contentType);
        if (request.method().equals(HttpMethod.HEAD)) {
            response.putHeader(
                    HttpHeaders.CONTENT_LENGTH, Integer.toString(body.getBytes(StandardCharsets.UTF_8).length));
            response.end();
        } else {
            response.end(body);
        }
    }
}
