package dev.parley.server.http;

import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * The connections of one event loop, and its only user. Closes those that are idle too long, or whose request does
 * not go on arriving; a request that has arrived may take as long as it likes, for it may be a live read.
 */
final class Connections {

    private final int maxOpen;
    private final long requestTimeoutNanos;
    private final long idleTimeoutNanos;

    /** Counts the connections of all event loops. */
    private final AtomicInteger open;

    /** The least that must come of a body in that time. */
    private final long leastBytes;

    private final Consumer<HttpServerRequest> onOver;
    private final Consumer<HttpServerRequest> onLate;
    private final Map<HttpConnection, Connection> connections = new HashMap<>();

    /**
     * No connections yet.
     *
     * @param bodyRate bytes per second that the body of a request must bring
     * @param onOver hears of each request when it is over, a little later
     * @param onLate answers a request that has stopped to arrive, and ends its connection
     */
    Connections(
            int maxOpen,
            Duration requestTimeout,
            int bodyRate,
            Duration idleTimeout,
            AtomicInteger open,
            Consumer<HttpServerRequest> onOver,
            Consumer<HttpServerRequest> onLate) {
        this.onOver = onOver;
        this.onLate = onLate;
        this.leastBytes = bodyRate * requestTimeout.toMillis() / 1_000;
        this.maxOpen = maxOpen;
        this.requestTimeoutNanos = requestTimeout.toNanos();
        this.idleTimeoutNanos = idleTimeout.toNanos();
        this.open = open;
    }

    /** A request whose body may still be on its way: a stream of tokens takes as long as its writer thinks. */
    private static final class Arriving {
        private final HttpServerRequest request;

        /** What had come, and when, at the last look that found more than the one before. */
        private long seenBytes;

        private long seenNanos;

        /** The same at the beginning of the time over which the rate is taken. */
        private long rateFromBytes;

        private long rateFromNanos;

        private Arriving(HttpServerRequest request, long now) {
            this.request = request;
            this.seenNanos = now;
            this.rateFromNanos = now;
        }

        HttpServerRequest request() {
            return request;
        }

        boolean isDone() {
            return request.response().closed() || (request.response().ended() && request.isEnded());
        }

        /** Whether nothing has come for so long, or in that time less than must have. */
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

    private static final class Connection {
        private final List<Arriving> inProgress = new ArrayList<>(1);
        private int pruneAt = 1;
        private boolean hadRequest;
        private boolean upgraded;

        /** Nothing that comes behind what has come is a request any more. */
        private boolean ending;

        private long idleSinceNanos;

        private Connection(long now) {
            idleSinceNanos = now;
        }

        private void prune(Consumer<HttpServerRequest> onOver) {
            inProgress.removeIf(arriving -> {
                boolean done = arriving.isDone();
                if (done) {
                    onOver.accept(arriving.request());
                }
                return done;
            });
            pruneAt = Math.max(1, 2 * inProgress.size());
        }
    }

    void opened(HttpConnection connection) {
        // Vert.x has bounded the time until here (see HttpFront), but would now close live reads that are silent.
        var pipeline = ((ConnectionBase) connection).channel().pipeline();
        if (pipeline.get("idle") != null) {
            pipeline.remove("idle");
        }
        if (open.incrementAndGet() > maxOpen) {
            open.decrementAndGet();
            connection.close();
            return;
        }
        connections.put(connection, new Connection(System.nanoTime()));
        // Told of by Netty: to Vert.x a connection that becomes a WebSocket ends then.
        ((ConnectionBase) connection).channel().closeFuture().addListener(closed -> {
            Connection gone = connections.remove(connection);
            if (gone != null) {
                gone.inProgress.forEach(left -> onOver.accept(left.request()));
            }
            open.decrementAndGet();
        });
    }

    /** False if the connection has had its last request: what follows that must not be worked at. */
    boolean requested(HttpServerRequest request) {
        Connection connection = connections.get(request.connection());
        if (connection == null) {
            // Closed, by an answer or by who has sent this: what had been read by then is still handed on.
            return ((ConnectionBase) request.connection()).channel().isActive();
        }
        if (connection.ending) {
            return false;
        }
        connection.ending = isLast(request);
        long now = System.nanoTime();
        connection.hadRequest = true;
        // Between two sweeps a request may come and be done.
        connection.idleSinceNanos = now;
        if (connection.inProgress.size() >= connection.pruneAt) {
            connection.prune(onOver);
        }
        connection.inProgress.add(new Arriving(request, now));
        return true;
    }

    /** Whether a client, or the decoder for what is framed in two ways, has said that nothing follows (RFC 9112, 9.6). */
    private static boolean isLast(HttpServerRequest request) {
        if (request.version() == HttpVersion.HTTP_2) {
            return false;
        }
        String options = String.join(",", request.headers().getAll(HttpHeaders.CONNECTION))
                .toLowerCase(Locale.ROOT);
        return options.contains("close")
                || (request.version() == HttpVersion.HTTP_1_0 && !options.contains("keep-alive"));
    }

    /** The request is the last one of its connection: where it ends nobody can tell. */
    void ending(HttpServerRequest request) {
        Connection connection = connections.get(request.connection());
        if (connection != null && request.version() != HttpVersion.HTTP_2) {
            connection.ending = true;
        }
    }

    /** The request makes a WebSocket of its connection: from now on its door decides when it is idle for too long. */
    void upgraded(HttpServerRequest request) {
        Connection connection = connections.get(request.connection());
        if (connection != null) {
            connection.upgraded = true;
            connection.inProgress.clear();
        }
    }

    /** To be called now and then. */
    void sweep() {
        long now = System.nanoTime();
        // Closing changes the map.
        for (var entry : List.copyOf(connections.entrySet())) {
            sweep(entry.getKey(), entry.getValue(), now);
        }
    }

    private void sweep(HttpConnection http, Connection connection, long now) {
        if (connection.upgraded) {
            return;
        }
        connection.prune(onOver);
        if (connection.inProgress.isEmpty()) {
            long allowed = connection.hadRequest ? idleTimeoutNanos : requestTimeoutNanos;
            if (now - connection.idleSinceNanos > allowed) {
                http.close();
            }
            return;
        }
        connection.idleSinceNanos = now;
        for (var arriving : List.copyOf(connection.inProgress)) {
            if (arriving.isLate(now, requestTimeoutNanos, leastBytes)) {
                cutOff(http, arriving.request());
            }
        }
    }

    /** With an answer, if there is none yet; whoever goes on to send after that is cut without another word. */
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
