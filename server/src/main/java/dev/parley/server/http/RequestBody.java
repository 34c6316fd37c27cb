package dev.parley.server.http;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Gathers the body of a request, up to a limit. */
public final class RequestBody {
    private final HttpServerResponse response;
    private final int limit;
    private final Consumer<byte[]> whole;
    private final Runnable tooLarge;
    private @Nullable Buffer gathered;
    private boolean copied;
    private long received;
    private boolean over;

    private RequestBody(HttpServerResponse response, int limit, Consumer<byte[]> whole, Runnable tooLarge) {
        this.response = response;
        this.limit = limit;
        this.whole = whole;
        this.tooLarge = tooLarge;
    }

    /**
     * Reads the body on the request's event loop, and there calls one of these.
     *
     * @param whole gets the body
     * @param tooLarge is called as soon as it is known to have more than {@code limit} bytes
     */
    public static void read(HttpServerRequest request, int limit, Consumer<byte[]> whole, Runnable tooLarge) {
        String length = request.headers().get(HttpHeaders.CONTENT_LENGTH);
        // Eleven digits are beyond any limit; the HTTP engine has checked that they are digits.
        if (length != null && (length.length() > 10 || Long.parseLong(length) > limit)) {
            giveUp(request);
            tooLarge.run();
            return;
        }
        RequestBody body = new RequestBody(request.response(), limit, whole, () -> {
            giveUp(request);
            tooLarge.run();
        });
        request.handler(body::part).endHandler(body::end);
    }

    /** The rest of the body is not worth reading; only HTTP/2 can leave it without an end of the connection. */
    private static void giveUp(HttpServerRequest request) {
        if (request.version() != HttpVersion.HTTP_2) {
            request.response().putHeader(HttpHeaders.CONNECTION, "close");
        }
    }

    private void part(Buffer part) {
        if (over) {
            return;
        }
        received += part.length();
        if (received > limit) {
            over = true;
            gathered = null;
            tooLarge.run();
        } else if (gathered == null) {
            // Nearly always this is all there is, and then it is not copied.
            gathered = part;
        } else {
            if (!copied) {
                gathered = Buffer.buffer(gathered.length() * 2).appendBuffer(gathered);
                copied = true;
            }
            gathered.appendBuffer(part);
        }
    }

    private void end(@Nullable Void ignored) {
        // Whoever was told that it came too slowly must not find it done.
        if (!over && !response.ended()) {
            whole.accept(gathered == null ? new byte[0] : gathered.getBytes());
        }
    }
}
