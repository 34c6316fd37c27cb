package dev.parley.server.http;

import dev.parley.engine.memory.Memory;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
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

    /**
     * What the body of a request in HTTP/1.1 may take without asking: as little as the head may, because
     * a connection reads one body at a time.
     */
    static final int FREE_BYTES = 4 << 10;

    private final HttpServerRequest request;
    private final int limit;
    private final Consumer<byte[]> whole;
    private final Runnable tooLarge;
    private final Shares.Holder holder;
    private final int freeBytes;
    private @Nullable Buffer first;
    private @Nullable List<Buffer> more;
    private long heldSmall;
    private long heldLarge;
    private long received;
    private boolean holding;
    private boolean over;

    private RequestBody(
            HttpServerRequest request, int limit, Shares.Holder holder, Consumer<byte[]> whole, Runnable tooLarge) {
        this.request = request;
        this.limit = limit;
        this.holder = holder;
        this.whole = whole;
        this.tooLarge = tooLarge;
        this.freeBytes = request.version() == HttpVersion.HTTP_2 ? 0 : FREE_BYTES;
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
        RequestBody body = new RequestBody(request, limit, holder, whole, tooLarge);
        String length = request.headers().get(HttpHeaders.CONTENT_LENGTH);
        // Eleven digits are beyond any limit. The HTTP engine has checked that they are digits.
        if (length != null && (length.length() > 10 || Long.parseLong(length) > limit)) {
            body.refuse();
            return;
        }
        request.handler(body::part).endHandler(body::end);
    }

    /**
     * Stops reading, because the rest of the body is not needed. Only HTTP/2 can do this without ending the connection.
     */
    private void giveUp() {
        if (request.version() != HttpVersion.HTTP_2) {
            request.response().putHeader(HttpHeaders.CONNECTION, "close");
        }
    }

    private void refuse() {
        giveUp();
        tooLarge.run();
    }

    private void part(Buffer part) {
        if (over) {
            return;
        }
        received += part.length();
        if (received > limit) {
            drop();
            refuse();
        } else if (received > freeBytes && !reserve(received - heldSmall - heldLarge)) {
            drop();
            giveUp();
            request.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
            Replies.error(request, 503, "OVERLOADED", "Too many large bodies are arriving; try again soon.");
        } else if (first == null) {
            first = part;
        } else {
            if (more == null) {
                more = new ArrayList<>();
            }
            more.add(part);
        }
    }

    /**
     * Counts bytes that have arrived. Large bodies leave some room to small ones, which are by far the most frequent.
     */
    private boolean reserve(long bytes) {
        if (!holding) {
            holding = true;
            // Called if the client leaves before its body is complete. If the client already has its answer, as one
            // that
            // is too slow does, only the end of the answer is reported.
            request.response()
                    .closeHandler(closed -> drop())
                    .exceptionHandler(failure -> drop())
                    .endHandler(ended -> drop());
        }
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
        first = null;
        more = null;
        giveBack();
    }

    private void giveBack() {
        if (heldLarge > 0) {
            holder.giveBackLarge(heldLarge);
        }
        if (heldSmall > 0) {
            holder.of(Memory.Kind.ARRIVING).giveBack(heldSmall);
        }
        heldLarge = 0;
        heldSmall = 0;
    }

    private byte[] join() {
        byte[] body = new byte[(int) received];
        if (first != null) {
            first.getBytes(body, 0);
            int at = first.length();
            first = null;
            for (Buffer part : more == null ? List.<Buffer>of() : more) {
                part.getBytes(body, at);
                at += part.length();
            }
            more = null;
        }
        return body;
    }

    private void end(@Nullable Void ignored) {
        // A client that was told that its body came too slowly must not find its request executed.
        if (over || request.response().ended()) {
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
