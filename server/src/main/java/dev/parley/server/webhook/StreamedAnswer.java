package dev.parley.server.webhook;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The answer of a webhook that comes piece by piece. It comes no faster than it is read: when so much is held that nobody has asked for,
 * the connection is not read. Read by one thread.
 */
public final class StreamedAnswer implements AutoCloseable {
    /** How much of an answer is held before its connection is read no more. */
    private static final int HELD_BYTES = 32 << 10;

    /** What has come. */
    public sealed interface Next {}

    /**
     * The beginning of the answer, before everything else.
     *
     * @param contentType the media type in lower case, without parameters; empty if there is none
     */
    public record Head(int status, String contentType) implements Next {}

    /** A part of the body. */
    public record Piece(Buffer bytes) implements Next {}

    /** The body has come to its end. */
    public record End() implements Next {}

    /** Somebody has called {@link #look}. */
    public record Look() implements Next {}

    /** Nothing has come in time. */
    public record Late() implements Next {}

    @GuardedBy("this")
    private @Nullable Head head;

    @GuardedBy("this")
    private @Nullable Buffer piece;

    @GuardedBy("this")
    private boolean ended;

    @GuardedBy("this")
    private @Nullable Throwable failure;

    @GuardedBy("this")
    private boolean look;

    @GuardedBy("this")
    private boolean closed;

    /** Whether the connection is not read. */
    @GuardedBy("this")
    private boolean paused;

    @GuardedBy("this")
    private @Nullable HttpClientRequest request;

    @GuardedBy("this")
    private @Nullable HttpClientResponse response;

    /** The event loop of the connection. */
    @GuardedBy("this")
    private @Nullable Context loop;

    StreamedAnswer() {}

    /** Sends the request. */
    void send(HttpClient client, RequestOptions options, byte[] body) {
        client.request(options)
                .compose(begun -> begin(begun, body))
                .compose(this::answered)
                .onFailure(this::failed);
    }

    private Future<HttpClientResponse> begin(HttpClientRequest begun, byte[] body) {
        synchronized (this) {
            if (!closed) {
                request = begun;
                return begun.send(Buffer.buffer(body));
            }
        }
        var _ = begun.reset();
        return Future.failedFuture("given up");
    }

    private synchronized Future<Void> answered(HttpClientResponse begun) {
        begun.exceptionHandler(this::failed);
        begun.handler(this::came);
        begun.endHandler(end -> ended());
        String type = Objects.requireNonNullElse(begun.getHeader(HttpHeaders.CONTENT_TYPE), "");
        int parameters = type.indexOf(';');
        String media = parameters < 0 ? type : type.substring(0, parameters);
        response = begun;
        loop = Vertx.currentContext();
        head = new Head(begun.statusCode(), media.strip().toLowerCase(Locale.ROOT));
        notifyAll();
        return Future.succeededFuture();
    }

    private synchronized void came(Buffer bytes) {
        piece = piece == null ? bytes.copy() : piece.appendBuffer(bytes);
        if (piece.length() > HELD_BYTES && response != null) {
            response.pause();
            paused = true;
        }
        notifyAll();
    }

    private synchronized void ended() {
        ended = true;
        notifyAll();
    }

    synchronized void failed(Throwable cause) {
        if (failure == null && !ended) {
            failure = cause;
            notifyAll();
        }
    }

    /** Lets whoever waits for the answer look around. Called by any thread. */
    public synchronized void look() {
        look = true;
        notifyAll();
    }

    /**
     * Waits for what comes next.
     *
     * @throws IOException if nothing more comes, because the connection has failed or there was none
     */
    public synchronized Next next(Duration timeout) throws IOException, InterruptedException {
        long until = System.nanoTime() + timeout.toNanos();
        while (true) {
            if (look) {
                look = false;
                return new Look();
            }
            if (head != null) {
                Head first = head;
                head = null;
                return first;
            }
            if (piece != null) {
                Buffer bytes = piece;
                piece = null;
                goOn();
                return new Piece(bytes);
            }
            if (ended) {
                return new End();
            }
            if (failure != null) {
                throw new IOException(String.valueOf(failure), failure);
            }
            long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
            if (left <= 0) {
                return new Late();
            }
            wait(left);
        }
    }

    @GuardedBy("this")
    private void goOn() {
        HttpClientResponse from = response;
        Context on = loop;
        if (paused && from != null && on != null) {
            paused = false;
            on.runOnContext(now -> from.resume());
        }
    }

    /** Reads nothing more; the connection is closed. */
    @Override
    public void close() {
        HttpClientRequest sent;
        synchronized (this) {
            closed = true;
            sent = ended ? null : request;
        }
        if (sent != null) {
            var _ = sent.reset();
        }
    }
}
