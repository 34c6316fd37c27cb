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

/** Gathers the body of a request, up to a limit. Its bytes are counted as they arrive; 503 if there is no room for them. */
public final class RequestBody {
    /** A body counts as small up to this. */
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
     * Reads the body on the request's event loop, and there calls one of these.
     *
     * @param holder who sends it
     * @param whole gets the body
     * @param tooLarge is called as soon as it is known to have more than {@code limit} bytes
     */
    public static void read(
            HttpServerRequest request, int limit, Shares.Holder holder, Consumer<byte[]> whole, Runnable tooLarge) {
        String length = request.headers().get(HttpHeaders.CONTENT_LENGTH);
        // Eleven digits are beyond any limit; the HTTP engine has checked that they are digits.
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
        // Called where the client goes before its body is whole. Where it has its answer before, as one that is too
        // slow
        // does, only the end of the answer is told.
        request.response()
                .closeHandler(closed -> body.drop())
                .exceptionHandler(failure -> body.drop())
                .endHandler(ended -> body.drop());
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
            drop();
            tooLarge.run();
        } else if (!reserve(part.length())) {
            drop();
            noRoom.run();
        } else {
            parts.add(part);
        }
    }

    /** Counts bytes that have arrived. Large bodies leave some room to small ones, which are nearly all. */
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

    /** The rest is not wanted, or will not come. */
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
        // Whoever was told that it came too slowly must not find it done.
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
