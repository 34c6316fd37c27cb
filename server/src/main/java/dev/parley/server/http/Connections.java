package dev.parley.server.http;

import dev.parley.server.loop.Netty;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The connections of one event loop, which alone uses this object. It closes connections that are idle for too long,
 * and connections whose request stops arriving. A request that has arrived completely may take any time to answer,
 * because it may be a live read.
 */
final class Connections {
    /** The estimated memory of an open request in HTTP/2, which needs as much as a connection without its socket. */
    static final int STREAM_BYTES = 8 << 10;

    /** The size up to which the head of a request is not counted. */
    static final int FREE_HEAD_BYTES = 8 << 10;

    private final long requestTimeoutNanos;
    private final long idleTimeoutNanos;

    /** What the open connections of all event loops hold. */
    private final Permits open;

    /** Number of bytes of a body that must arrive within the timeout. */
    private final long leastBytes;

    private final Consumer<HttpServerRequest> onOver;
    private final Consumer<HttpServerRequest> onLate;
    private final Consumer<HttpServerRequest> onCrowded;
    private final OpenRequests requests;
    private final Map<HttpConnection, Connection> connections = new HashMap<>();

    /**
     * Starts without connections.
     *
     * @param open limits the connections of all event loops
     * @param bodyRate bytes per second that the body of a request must bring
     * @param onOver is told of each completed request, a little later
     * @param onLate answers a request that has stopped arriving, and closes its connection
     * @param requests holds the requests that are open
     * @param onCrowded answers a request for which there was no room there
     */
    Connections(
            Permits open,
            Duration requestTimeout,
            int bodyRate,
            Duration idleTimeout,
            Consumer<HttpServerRequest> onOver,
            Consumer<HttpServerRequest> onLate,
            OpenRequests requests,
            Consumer<HttpServerRequest> onCrowded) {
        this.onOver = onOver;
        this.onLate = onLate;
        this.requests = requests;
        this.onCrowded = onCrowded;
        this.leastBytes = bodyRate * requestTimeout.toMillis() / 1_000;
        this.requestTimeoutNanos = requestTimeout.toNanos();
        this.idleTimeoutNanos = idleTimeout.toNanos();
        this.open = open;
    }

    /**
     * A request whose body may still be arriving. A body of tokens takes as long as its writer needs to produce them.
     */
    private static final class Arriving {
        private final HttpServerRequest request;

        /** The memory of {@link #requests} that is held for the request. */
        private long held;

        /**
         * Whether the head has been counted. In HTTP/1.1, only the head of a request that is not completed soon is
         * counted.
         */
        private boolean weighed;

        /** How many bytes had arrived when a check last found more than the one before, and when that was. */
        private long seenBytes;

        private long seenNanos;

        /** The same values at the beginning of the period over which the rate is measured. */
        private long rateFromBytes;

        private long rateFromNanos;

        /** Whether a check has found the answer complete, and when. */
        private boolean answered;

        private long answeredNanos;

        private Arriving(HttpServerRequest request, long now) {
            this.request = request;
            this.seenNanos = now;
            this.rateFromNanos = now;
        }

        HttpServerRequest request() {
            return request;
        }

        /** In HTTP/2, an answer that the client gives no window keeps the request open, and with it its memory. */
        boolean isDone() {
            return (request.version() != HttpVersion.HTTP_2 && isAnswered())
                    || request.response().closed();
        }

        private boolean isAnswered() {
            return request.response().ended() && request.isEnded();
        }

        /** Whether the answer has been complete for longer than the timeout and the client has not taken it. */
        boolean isLeft(long now, long timeoutNanos) {
            if (!isAnswered()) {
                return false;
            }
            if (!answered) {
                answered = true;
                answeredNanos = now;
            }
            return now - answeredNanos > timeoutNanos;
        }

        /** Whether nothing has arrived during the timeout, or less than the required rate over the last such period. */
        boolean isLate(long now, long timeoutNanos, long leastBytes) {
            if (request.isEnded()) {
                return false;
            }
            long bytes = request.bytesRead();
            if (bytes > seenBytes) {
                seenBytes = bytes;
                seenNanos = now;
            }
            boolean tooSlow = false;
            if (now - rateFromNanos > timeoutNanos) {
                tooSlow = bytes - rateFromBytes < leastBytes;
                if (!tooSlow) {
                    rateFromBytes = bytes;
                    rateFromNanos = now;
                }
            }
            return tooSlow || now - seenNanos > timeoutNanos;
        }
    }

    private final class Connection {
        private final List<Arriving> inProgress = new ArrayList<>(1);
        private int pruneAt = 1;
        private boolean hadRequest;
        private boolean upgraded;

        /** The memory of {@link #requests} that a WebSocket holds for the head of its handshake. */
        private long handshakeBytes;

        /** True if nothing that arrives after the current request is treated as a request. */
        private boolean ending;

        private long idleSinceNanos;

        private Connection(long now) {
            idleSinceNanos = now;
        }

        private void prune() {
            inProgress.removeIf(arriving -> {
                boolean done = arriving.isDone();
                if (done) {
                    over(arriving);
                }
                return done;
            });
            pruneAt = Math.max(1, 2 * inProgress.size());
        }
    }

    void opened(HttpConnection connection) {
        // Vert.x has limited the time until now (see HttpFront). From now on it would close silent live reads as well,
        // so its handlers are removed.
        var pipeline = Netty.channel(connection).pipeline();
        if (pipeline.get("idle") != null) {
            pipeline.remove("idle");
        }
        Permits.Permit permit = open.take();
        if (permit == null) {
            connection.close();
            return;
        }
        connections.put(connection, new Connection(System.nanoTime()));
        // Registered with Netty, because for Vert.x a connection ends when it becomes a WebSocket.
        Netty.channel(connection).closeFuture().addListener(closed -> {
            Connection gone = connections.remove(connection);
            if (gone != null) {
                gone.inProgress.forEach(this::over);
                if (gone.handshakeBytes > 0) {
                    requests.giveBack(connection, gone.handshakeBytes);
                }
            }
            permit.close();
        });
    }

    /**
     * Returns false if the request is to be ignored, because the connection has already had its last one, or because it has
     * been answered.
     */
    boolean requested(HttpServerRequest request) {
        Connection connection = connections.get(request.connection());
        if (connection == null) {
            // False if an answer or the client has closed the connection. Requests that had been read by then are still
            // passed on.
            return Netty.channel(request.connection()).isActive();
        }
        if (connection.ending) {
            return false;
        }
        connection.ending = isLast(request);
        long now = System.nanoTime();
        connection.hadRequest = true;
        // A request may arrive and be completed between two sweeps.
        connection.idleSinceNanos = now;
        if (connection.inProgress.size() >= connection.pruneAt) {
            connection.prune();
        }
        Arriving arriving = new Arriving(request, now);
        if (request.version() == HttpVersion.HTTP_2 && !hold(arriving, connection)) {
            onCrowded.accept(request);
            onOver.accept(request);
            return false;
        }
        connection.inProgress.add(arriving);
        return true;
    }

    /** Counts a request in HTTP/2. The only one of its connection has room, as it would have in HTTP/1.1. */
    private boolean hold(Arriving arriving, Connection connection) {
        long head = headBytes(arriving.request());
        arriving.weighed = true;
        boolean reserved = requests.tryReserve(arriving.request().connection(), STREAM_BYTES + head);
        if (!reserved) {
            // Requests that have ended since the last look may have held the room.
            connection.prune();
            reserved = requests.tryReserve(arriving.request().connection(), STREAM_BYTES + head);
        }
        if (reserved) {
            arriving.held = STREAM_BYTES + head;
        }
        return reserved || (head <= FREE_HEAD_BYTES && connection.inProgress.isEmpty());
    }

    /** Counts the head of a request in HTTP/1.1 that is kept, if it is large. Returns false if there is no room. */
    private boolean holdHead(Arriving arriving) {
        if (arriving.weighed) {
            return true;
        }
        arriving.weighed = true;
        long head = headBytes(arriving.request());
        if (head <= FREE_HEAD_BYTES) {
            return true;
        }
        if (!requests.tryReserve(arriving.request().connection(), head)) {
            return false;
        }
        arriving.held = head;
        return true;
    }

    private static long headBytes(HttpServerRequest request) {
        return ArrivingHead.weight(request.uri(), request.headers());
    }

    private void giveBack(Arriving arriving) {
        if (arriving.held > 0) {
            requests.giveBack(arriving.request().connection(), arriving.held);
            arriving.held = 0;
        }
    }

    private void over(Arriving arriving) {
        giveBack(arriving);
        onOver.accept(arriving.request());
    }

    /**
     * Whether the client has said that no request follows, or the decoder has because the framing is ambiguous (RFC
     * 9112, 9.6).
     */
    private static boolean isLast(HttpServerRequest request) {
        if (request.version() == HttpVersion.HTTP_2) {
            return false;
        }
        boolean stays = request.version() == HttpVersion.HTTP_1_1;
        if (stays && !request.headers().contains(HttpHeaders.CONNECTION)) {
            return false;
        }
        String options = String.join(",", request.headers().getAll(HttpHeaders.CONNECTION))
                .toLowerCase(Locale.ROOT);
        return options.contains("close") || (!stays && !options.contains("keep-alive"));
    }

    /** Notes that the request is the last one of its connection, because nobody can tell where it ends. */
    void ending(HttpServerRequest request) {
        Connection connection = connections.get(request.connection());
        if (connection != null && request.version() != HttpVersion.HTTP_2) {
            connection.ending = true;
        }
    }

    /**
     * Notes that the request turns its connection into a WebSocket, which keeps the head of the request. From now on the
     * WebSocket's door decides when it is idle for too long. Returns false if there is no room for the head.
     */
    boolean upgraded(HttpServerRequest request) {
        Connection connection = connections.get(request.connection());
        if (connection == null) {
            return true;
        }
        for (Arriving arriving : connection.inProgress) {
            if (!arriving.request().equals(request)) {
                continue;
            }
            if (!holdHead(arriving)) {
                return false;
            }
            connection.handshakeBytes = arriving.held;
            arriving.held = 0;
        }
        connection.inProgress.forEach(this::giveBack);
        connection.inProgress.clear();
        connection.upgraded = true;
        return true;
    }

    /** Checks all connections. Called from time to time. */
    void sweep() {
        long now = System.nanoTime();
        // A copy, because closing a connection changes the map.
        for (var entry : List.copyOf(connections.entrySet())) {
            sweep(entry.getKey(), entry.getValue(), now);
        }
    }

    private void sweep(HttpConnection http, Connection connection, long now) {
        if (connection.upgraded) {
            return;
        }
        connection.prune();
        if (connection.inProgress.isEmpty()) {
            long allowed = connection.hadRequest ? idleTimeoutNanos : requestTimeoutNanos;
            if (now - connection.idleSinceNanos > allowed) {
                http.close();
            }
            return;
        }
        connection.idleSinceNanos = now;
        for (var arriving : List.copyOf(connection.inProgress)) {
            if (arriving.isLate(now, requestTimeoutNanos, leastBytes) || arriving.isLeft(now, idleTimeoutNanos)) {
                cutOff(http, arriving.request());
            } else if (!holdHead(arriving)) {
                http.close();
                return;
            }
        }
    }

    /**
     * Closes a connection after an answer, if there is none yet. A client that continues to send after that is cut off
     * without another answer.
     */
    private void cutOff(HttpConnection http, HttpServerRequest late) {
        if (!late.response().headWritten()) {
            ending(late);
            onLate.accept(late);
        } else if (http.protocolVersion() == HttpVersion.HTTP_2) {
            late.response().reset();
        } else {
            http.close();
        }
    }
}
