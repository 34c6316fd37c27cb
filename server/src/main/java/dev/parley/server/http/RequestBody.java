package dev.parley.server.http;

import dev.parley.engine.memory.Memory;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads the body of a request, up to a limit. Its bytes are counted as they arrive; if there is no room for them, the
 * answer is 503.
 */
public final class RequestBody {
    /** Size up to which a body counts as small. */
    private static final int SMALL_BYTES = 64 << 10;

    private final HttpServerResponse response;
    private final int limit;
    private final Consumer<byte[]> whole;
    private final Runnable tooLarge;
    private final Runnable noRoom;
    private final Shares.Holder holder;
    private final List<Buffer> parts = new ArrayList<>(1);
    private long heldSmall;
    private long heldLarge;
    private long received;
    private boolean over;

    private RequestBody(
            HttpServerResponse response,
            int limit,
            Shares.Holder holder,
            Consumer<byte[]> whole,
            Runnable tooLarge,
            Runnable noRoom) {
        this.response = response;
        this.limit = limit;
        this.holder = holder;
        this.whole = whole;
        this.tooLarge = tooLarge;
        this.noRoom = noRoom;
    }

    /**
     * Reads the body on the request's event loop, and calls one of the callbacks there.
     *
     * @param holder the client that sends the body
     * @param whole receives the body
     * @param tooLarge is called as soon as the body is known to have more than {@code limit} bytes
     */
    public static void read(
            HttpServerRequest request, int limit, Shares.Holder holder, Consumer<byte[]> whole, Runnable tooLarge) {
        String length = request.headers().get(HttpHeaders.CONTENT_LENGTH);
        // Eleven digits are beyond any limit. The HTTP engine has checked that they are digits.
        if (length != null && (length.length() > 10 || Long.parseLong(length) > limit)) {
            giveUp(request);
            tooLarge.run();
            return;
        }
        RequestBody body = new RequestBody(
                request.response(),
                limit,
                holder,
                whole,
                () -> {
                    giveUp(request);
                    tooLarge.run();
                },
                () -> {
                    giveUp(request);
                    request.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
                    Replies.error(
                            request, 503, "OVERLOADED", "Too many large bodies are on their way; try again soon.");
                });
        // Called if the client leaves before its body is complete. If the client already has its answer, as one that is
        // too slow does, only the end of the answer is reported.
        request.response()
                .closeHandler(closed -> body.drop())
                .exceptionHandler(failure -> body.drop())
                .endHandler(ended -> body.drop());
        request.handler(body::part).endHandler(body::end);
    }

    /**
     * Stops reading, because the rest of the body is not needed. Only HTTP/2 can do this without ending the connection.
     */
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
            drop();
            tooLarge.run();
        } else if (!reserve(part.length())) {
            drop();
            noRoom.run();
        } else {
            parts.add(part);
        }
    }

    /**
     * Counts bytes that have arrived. Large bodies leave some room to small ones, which are by far the most frequent.
     */
    private boolean reserve(int bytes) {
        if (received > SMALL_BYTES) {
            if (!holder.tryReserveLarge(bytes)) {
                return false;
            }
            heldLarge += bytes;
        } else {
            if (!holder.of(Memory.Kind.ARRIVING).tryReserve(bytes)) {
                return false;
            }
            heldSmall += bytes;
        }
        return true;
    }

    /** Releases the body, because the rest is not wanted or will not arrive. */
    private void drop() {
        over = true;
        parts.clear();
        giveBack();
    }

    private void giveBack() {
        holder.giveBackLarge(heldLarge);
        holder.of(Memory.Kind.ARRIVING).giveBack(heldSmall);
        heldLarge = 0;
        heldSmall = 0;
    }

    private byte[] join() {
        byte[] body = new byte[(int) received];
        int at = 0;
        for (Buffer part : parts) {
            part.getBytes(body, at);
            at += part.length();
        }
        parts.clear();
        return body;
    }

    private void end(@Nullable Void ignored) {
        // A client that was told that its body came too slowly must not find its request executed.
        if (over || response.ended()) {
            drop();
            return;
        }
        over = true;
        try {
            whole.accept(join());
        } finally {
            giveBack();
        }
    }
}
