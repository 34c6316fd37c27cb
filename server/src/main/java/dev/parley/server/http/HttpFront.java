package dev.parley.server.http;

import dev.parley.engine.memory.Memory;
import dev.parley.server.auth.Peer;
import dev.parley.server.config.Config;
import dev.parley.server.loop.Netty;
import dev.parley.server.ops.Health;
import dev.parley.server.ops.Metrics;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Deployable;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.Http1ServerConfig;
import io.vertx.core.http.Http2ServerConfig;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerConfig;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.WebSocketServerConfig;
import io.vertx.core.net.TcpOption;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP server: HTTP/1.1 and HTTP/2, with or without TLS, with one instance for each event loop on one port. It
 * passes each request to the door to which its undecoded path belongs, and enforces the limits that all doors have in
 * common.
 */
public final class HttpFront {

    /** Streams that one HTTP/2 connection may have open. A live read uses one. */
    static final int MAX_HTTP2_STREAMS = 1_000;

    /**
     * Streams that one HTTP/2 connection may reset within {@link #HTTP2_RESET_WINDOW}: twice the number of open ones.
     */
    static final int MAX_HTTP2_RESETS = 2 * MAX_HTTP2_STREAMS;

    static final Duration HTTP2_RESET_WINDOW = Duration.ofSeconds(30);

    /**
     * Connections that the kernel holds while the server is busy, for example when thousands of readers reconnect at
     * once.
     */
    static final int ACCEPT_BACKLOG = 4_096;

    private static final long HTTP2_NO_ERROR = 0;

    private static final Duration SWEEP_INTERVAL = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(HttpFront.class);

    private final Vertx vertx;
    private final Config config;
    private final Health health;
    private final OpsRoutes ops;
    private final RequestMeters requests;
    private final Origins origins;
    private final Permits connections;

    /** Memory of the open requests. */
    private final OpenRequests openRequests;

    private final MeterRegistry meters;

    /** Null without TLS, and before the start. */
    private @Nullable Certificates certificates;

    private final List<HttpServer> servers = new CopyOnWriteArrayList<>();

    /** The doors, longest prefix first. Empty until the doors are ready. */
    private volatile List<Door> doors = List.of();

    /** The door for requests for a WebSocket. Null until it is ready. */
    private volatile @Nullable Door webSockets;

    public HttpFront(Vertx vertx, Config config, Memory memory, Health health, Metrics metrics) {
        this.openRequests = new OpenRequests(memory);
        this.vertx = vertx;
        this.config = config;
        this.connections = new Permits(config.limits().connections());
        this.health = health;
        this.ops = new OpsRoutes(health, config.metrics().enabled() ? metrics.registry() : null);
        this.meters = metrics.registry();
        this.requests = new RequestMeters(meters);
        this.origins = Origins.of(config.cors().origins(), false);
        Gauge.builder("parley.http.connections", connections, Permits::taken)
                .description("Open HTTP connections")
                .register(meters);
    }

    /**
     * Starts to listen, and returns the port. Until {@link #open} is called, all requests except health checks and
     * metrics are answered with 503.
     */
    public Future<Integer> start() {
        if (config.tls().enabled()) {
            try {
                certificates = Certificates.open(vertx, config.tls(), meters);
            } catch (IOException | GeneralSecurityException e) {
                return Future.failedFuture(e);
            }
            certificates.follow(servers);
        }
        var listening = new ArrayList<Future<Integer>>();
        for (int i = 0; i < config.server().eventLoopCount(); i++) {
            listening.add(listen());
        }
        return Future.all(listening).compose(all -> listening.getFirst());
    }

    /**
     * Passes requests to the doors from now on.
     *
     * @param webSockets receives the requests for a WebSocket at its prefix, whatever the other doors are; null for
     *     none
     */
    public void open(List<Door> doors, @Nullable Door webSockets) {
        this.webSockets = webSockets;
        this.doors = doors.stream()
                .sorted(Comparator.comparingInt((Door door) -> door.prefix().length())
                        .reversed())
                .toList();
    }

    /**
     * Lets requests and live reads end, stops accepting connections, and closes what is left after the drain timeout.
     */
    public Future<Void> stop() {
        // The doors are drained first: a server that shuts down closes WebSockets without a message from the door, and
        // connections whose last bytes are not sent yet. Meanwhile, new requests are told that the server is stopping.
        long deadline = System.nanoTime() + config.server().drainTimeout().toNanos();
        List<Future<?>> draining = new ArrayList<>();
        Door sockets = webSockets;
        if (sockets != null) {
            draining.add(sockets.drain());
        }
        for (Door door : doors) {
            draining.add(door.drain());
        }
        Future<?> drained = Future.join(draining);
        return drained.timeout(config.server().drainTimeout().toMillis(), TimeUnit.MILLISECONDS)
                .transform(done -> {
                    Duration left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
                    List<Future<?>> ending = new ArrayList<>();
                    for (HttpServer server : servers) {
                        ending.add(server.shutdown(left));
                    }
                    if (done.failed() && !(done.cause() instanceof TimeoutException)) {
                        ending.add(Future.failedFuture(done.cause()));
                    }
                    return Future.join(ending).mapEmpty();
                });
    }

    /** Adds one event loop, with its share of the connections. */
    private Future<Integer> listen() {
        var limits = config.limits();
        var ours = new Connections(
                connections,
                limits.requestTimeout(),
                limits.bodyRate(),
                limits.idleTimeout(),
                this::over,
                this::late,
                openRequests,
                this::crowded);
        long sweepMillis = Math.min(
                SWEEP_INTERVAL.toMillis(),
                Math.min(
                        limits.requestTimeout().toMillis(), limits.idleTimeout().toMillis()));
        HttpServer server = vertx.createHttpServer(options(), certificates == null ? null : certificates.options())
                .connectionHandler(connection -> {
                    if (connection.protocolVersion() != HttpVersion.HTTP_2) {
                        ArrivingHead.begun(connection);
                        DirectMemory.guardAnswers(Netty.channel(connection));
                    }
                    ours.opened(connection);
                })
                .invalidRequestHandler(this::refuse)
                .requestHandler(request -> {
                    if (request.version() == HttpVersion.HTTP_2) {
                        ArrivingHead.begun(request.connection());
                    } else {
                        ArrivingHead.taken(request.connection());
                    }
                    if (ours.requested(request)) {
                        Peer.call(request.remoteAddress(), () -> route(request, ours));
                    }
                });
        servers.add(server);
        // For Vert.x a negative port means a free port, shared by all servers that use the same number.
        int port = config.server().port() == 0 ? -1 : config.server().port();
        Deployable eventLoop = context -> {
            vertx.setPeriodic(sweepMillis, timer -> ours.sweep());
            return server.listen(port, config.server().host());
        };
        return vertx.deployVerticle(eventLoop).map(id -> server.actualPort());
    }

    private void over(HttpServerRequest request) {
        Door door = doorOf(request.path());
        if (door != null && !OpsRoutes.areFor(request)) {
            requests.count(request, door.prefix());
        }
    }

    /**
     * Answers a request that is not valid HTTP with an error in our form. After it, nobody knows where the next request
     * would begin.
     */
    private void refuse(HttpServerRequest request) {
        ArrivingHead.taken(request.connection());
        endConnectionAfter(request);
        Cors.applyToUnreadable(request, origins);
        switch (request.decoderResult().cause()) {
            case TooLongHttpLineException e ->
                Replies.error(request, 414, "URL_TOO_LONG", "The request line is longer than limits.url-bytes.");
            case TooLongHttpHeaderException e ->
                Replies.error(request, 431, "HEADERS_TOO_LARGE", "The headers are larger than limits.header-bytes.");
            case null, default -> Replies.error(request, 400, "MALFORMED_REQUEST", "This is not a valid HTTP request.");
        }
    }

    /**
     * Closes the connection after the answer. On HTTP/2 only the request ends; {@link Connections} cuts off a client
     * that continues to send it.
     */
    private static void endConnectionAfter(HttpServerRequest request) {
        if (request.version() != HttpVersion.HTTP_2) {
            request.response()
                    .putHeader(HttpHeaders.CONNECTION, "close")
                    .bodyEndHandler(ended -> request.connection().close());
        }
    }

    private void late(HttpServerRequest request) {
        endConnectionAfter(request);
        refuse(
                request,
                408,
                "REQUEST_TIMEOUT",
                "Too little of the body has arrived within limits.request-timeout; send it faster, or in several requests.");
    }

    /**
     * Answers a request in HTTP/2 for which there is no room. Its stream is ended as soon as the answer is written, so that
     * nothing more comes on it, and so that it does not stay open for a client that gives the answer no window.
     */
    private void crowded(HttpServerRequest request) {
        request.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
        refuse(
                request,
                503,
                "OVERLOADED",
                "Too many requests in HTTP/2 are open for limits.connection-bytes; try again when some have ended.");
        vertx.runOnContext(written -> {
            if (!request.response().closed()) {
                request.response().reset(HTTP2_NO_ERROR);
            }
        });
    }

    private void refuse(HttpServerRequest request, int status, String code, String message) {
        Door door = doorOf(request.path());
        if (door == null) {
            Replies.error(request, status, code, message);
        } else {
            door.refuse(request, status, code, message);
        }
    }

    private void route(HttpServerRequest request, Connections connections) {
        if (LOG.isDebugEnabled()) {
            // Without the query, in which some clients send credentials.
            LOG.atDebug()
                    .addKeyValue("method", request.method())
                    .addKeyValue("path", request.path())
                    .addKeyValue("remote", request.remoteAddress())
                    .log("Request");
        }
        try {
            if (ops.handle(request)) {
                return;
            }
            if (!health.isReady()) {
                Replies.notReady(request, health.state().message());
                return;
            }
            RequestCheck.Fault fault = RequestCheck.of(request);
            if (fault != null) {
                if (fault.ends()) {
                    connections.ending(request);
                    endConnectionAfter(request);
                }
                refuse(request, fault.status(), fault.code(), fault.message());
                return;
            }
            Door sockets = webSockets;
            if (sockets != null && sockets.prefix().equals(request.path()) && request.canUpgradeToWebSocket()) {
                if (connections.upgraded(request)) {
                    sockets.handle(request);
                } else {
                    request.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
                    refuse(
                            request,
                            503,
                            "OVERLOADED",
                            "Too many requests with large heads are open for limits.connection-bytes; try again later.");
                }
                return;
            }
            Door door = doorOf(request.path());
            if (door == null) {
                Replies.error(request, 404, "NOT_FOUND", "Nothing is served here.");
            } else {
                door.handle(request);
            }
        } catch (RuntimeException e) {
            LOG.atError()
                    .setCause(e)
                    .addKeyValue("method", request.method())
                    .addKeyValue("path", request.path())
                    .log("A request failed");
            Replies.error(request, 500, "INTERNAL_ERROR", "The server failed to answer; its log says more.");
        }
    }

    private @Nullable Door doorOf(@Nullable String path) {
        if (path != null) {
            for (Door door : doors) {
                if (path.startsWith(door.prefix())) {
                    return door;
                }
            }
        }
        return null;
    }

    private HttpServerConfig options() {
        var limits = config.limits();
        var options = new HttpServerConfig()
                .setVersions(HttpVersion.HTTP_1_0, HttpVersion.HTTP_1_1, HttpVersion.HTTP_2)
                .setHandle100ContinueAutomatically(true)
                .setHttp1Config(new Http1ServerConfig()
                        .setMaxInitialLineLength(limits.urlBytes())
                        .setMaxHeaderSize(limits.headerBytes()))
                .setHttp2Config(new Http2ServerConfig()
                        .setRstFloodMaxRstFramePerWindow(MAX_HTTP2_RESETS)
                        .setRstFloodWindowDuration(HTTP2_RESET_WINDOW)
                        .setInitialSettings(new Http2Settings()
                                .setMaxHeaderListSize(limits.headerBytes())
                                .setMaxConcurrentStreams(MAX_HTTP2_STREAMS)))
                .setWebSocketConfig(new WebSocketServerConfig()
                        .setMaxFrameSize(config.realtime().readableFrameBytes())
                        .setMaxMessageSize(config.realtime().readableFrameBytes())
                        .setUsePerFrameCompression(false)
                        .setUsePerMessageCompression(false))
                // Until its first request, a connection gets no byte from the server. This timeout therefore limits the
                // TLS handshake and the first headers, however slowly their bytes arrive. Connections takes over after
                // that.
                .setWriteIdleTimeout(limits.requestTimeout());
        options.getTcpConfig()
                .setAcceptBacklog(ACCEPT_BACKLOG)
                .getTransportConfig()
                .setOption(TcpOption.NODELAY, true)
                // Cuts off clients that stop reading for good, without a timer of our own.
                .setOption(
                        TcpOption.USER_TIMEOUT,
                        Math.toIntExact(limits.requestTimeout().toMillis()));
        return options;
    }
}
