package dev.parley.server.realtime;

import dev.parley.engine.Engine;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.registry.Revocation;
import dev.parley.server.apps.Apps;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.ConnectionKeys;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Peer;
import dev.parley.server.auth.Principal;
import dev.parley.server.auth.Revocations;
import dev.parley.server.channel.ChannelCommands;
import dev.parley.server.channel.Refusals;
import dev.parley.server.config.Config;
import dev.parley.server.http.Door;
import dev.parley.server.http.Permits;
import dev.parley.server.http.Replies;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.EventLoop;
import dev.parley.server.loop.EventLoops;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.time.NodeClock;
import dev.parley.server.timeline.Timelines;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.WireFormat;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.ServerWebSocket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The door for the realtime protocol of Ably's clients, over WebSocket at {@value #PREFIX}. It accepts clients and
 * knows all their connections.
 */
public final class RealtimeDoor implements Door {
    /** The path to which clients connect. */
    public static final String PREFIX = "/";

    /** The oldest version of the protocol that is accepted. */
    private static final int OLDEST_VERSION = 2;

    private static final long GRACE_TICK_MILLIS = 250;

    private static final long CHORES_TIMEOUT_SECONDS = 5;

    private static final Logger LOG = LoggerFactory.getLogger(RealtimeDoor.class);

    private final Vertx vertx;
    private final Site site;
    private final EventLoops.Local<LocalConnections> loops;

    /** The connections by id. If a connection has two sockets, this is the newer one. */
    private final ConcurrentHashMap<String, Connection> connections = new ConcurrentHashMap<>();

    private final ExecutorService blocking = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("departures-", 0).factory());
    private final long graceTimer;
    private final AtomicBoolean ticking = new AtomicBoolean();
    private volatile boolean draining;

    /**
     * A door to {@code engine} for the clients that {@code gate} accepts. Blocks while it finds out what earlier
     * connections have left.
     */
    public RealtimeDoor(
            Vertx vertx,
            Engine engine,
            EventLoops loops,
            Gate gate,
            Apps apps,
            Revocations revocations,
            ConnectionKeys keys,
            Occupancy occupancy,
            Timelines timelines,
            Config.Realtime settings,
            Memory memory,
            Shares shares,
            NodeClock clock,
            MeterRegistry meters) {
        this.vertx = vertx;
        this.loops = loops.local(loop -> new LocalConnections(loop, clock.wall()));
        var footprints = new Footprints(
                engine,
                apps,
                clock,
                new Footprints.Times(
                        settings.presenceGrace(),
                        Duration.ofMillis(2 * Site.CONNECTION_STATE_TTL_MILLIS),
                        settings.runGrace(),
                        settings.runGraceAfterLeave()));
        this.site = new Site(
                engine,
                gate,
                apps,
                new ChannelCommands(gate, apps, settings.messageBytes(), settings.grownBytes()),
                settings,
                keys,
                occupancy,
                timelines,
                footprints,
                new Permits(settings.attachments()),
                shares,
                clock,
                keys.newId());
        this.graceTimer = vertx.setPeriodic(GRACE_TICK_MILLIS, timer -> tick());
        revocations.onRevoked(this::revoked);
        apps.onRemoved(this::removed);
        Gauge.builder("parley.realtime.connections", connections, ConcurrentHashMap::size)
                .description("Open connections of the realtime door")
                .register(meters);
        Gauge.builder("parley.realtime.attachments", site.attachments(), Permits::taken)
                .description("Channels to which connections are attached")
                .register(meters);
    }

    /** Does what is due, beside the event loops, as it reads the store. */
    private void tick() {
        if (!draining && ticking.compareAndSet(false, true)) {
            blocking.execute(() -> {
                try {
                    site.footprints().tick(site.clock().millis());
                } catch (RuntimeException e) {
                    LOG.error("Work that is due for lost connections failed, and will be tried again", e);
                } finally {
                    ticking.set(false);
                }
            });
        }
    }

    @Override
    public String prefix() {
        return PREFIX;
    }

    @Override
    public void handle(HttpServerRequest request) {
        if (draining) {
            Replies.notReady(request, ErrorInfo.STOPPING.message());
            return;
        }
        MultiMap query = request.params();
        request.toWebSocket()
                .onSuccess(socket -> Peer.call(socket.remoteAddress(), () -> open(socket, query)))
                .onFailure(failure -> LOG.debug("no WebSocket came about", failure));
    }

    /** Opens a connection. A client that is refused is told so in a frame, because browsers do not see HTTP errors. */
    private void open(ServerWebSocket socket, MultiMap query) {
        WireFormat format = "msgpack".equals(query.get("format")) ? WireFormat.MSGPACK : WireFormat.JSON;
        if (draining) {
            sendAway(socket, format, Frames.disconnected(format, ErrorInfo.STOPPING));
        } else if (!speaks(query.get("v"))) {
            refuse(socket, format, ErrorInfo.badRequest("This server speaks version 6 of the protocol, or 2 to 5."));
        } else {
            letIn(socket, format, query);
        }
    }

    private void letIn(ServerWebSocket socket, WireFormat format, MultiMap query) {
        switch (identify(query, socket.headers().get(HttpHeaders.AUTHORIZATION))) {
            case Access.Refused refused -> refuse(socket, format, Refusals.of(refused));
            case Access.Granted(Principal principal) -> open(socket, format, query, principal);
        }
    }

    private static boolean speaks(@Nullable String version) {
        if (version == null) {
            return true;
        }
        try {
            // Ably's clients up to version 1.2 write the version in this form.
            return Double.parseDouble(version) >= OLDEST_VERSION || version.startsWith("1.");
        } catch (NumberFormatException e) {
            return false;
        }
    }

    /**
     * Identifies the client. Credentials in the query take precedence over the header, which browsers add by
     * themselves.
     */
    private Access identify(MultiMap query, @Nullable String authorization) {
        String key = query.get("key");
        String token = query.get("access_token");
        if (token == null) {
            token = query.get("accessToken");
        }
        Access access = token != null
                ? site.gate().sessionToken(token)
                : key != null ? site.gate().sessionKey(key) : site.gate().sessionHeader(authorization);
        return access instanceof Access.Granted(Principal principal)
                ? site.gate().as(principal, query.get("clientId"))
                : access;
    }

    private void refuse(ServerWebSocket socket, WireFormat format, ErrorInfo error) {
        sendAway(socket, format, Frames.error(format, null, error));
    }

    private void sendAway(ServerWebSocket socket, WireFormat format, byte[] frame) {
        EventLoop loop = loops.here().loop();
        Shares.Holder holder = site.holder(socket, null);
        var intake = new Intake(socket, holder.of(Memory.Kind.ARRIVING), () -> {});
        var outbox = new Outbox(loop, socket, format, holder.ofAllConnections(Memory.Kind.BACKLOGS), () -> {});
        outbox.send(frame);
        outbox.close(false);
        intake.close();
    }

    private void open(ServerWebSocket socket, WireFormat format, MultiMap query, Principal principal) {
        String key = query.get("resume");
        if (key == null) {
            key = query.get("recover");
        }
        String known = key == null ? null : site.keys().open(key, principal.app(), principal.clientId());
        var connection = new Connection(
                site,
                loops.here(),
                socket,
                format,
                known == null ? site.keys().newId() : known,
                principal,
                Wishes.of(query),
                gone -> connections.remove(gone.id(), gone));
        Connection before = connections.put(connection.id(), connection);
        if (before != null) {
            before.loop().post(before::superseded);
        }
        connection.open(key != null && known == null ? ErrorInfo.UNKNOWN_CONNECTION_KEY : null);
    }

    private void revoked(Revocation revocation) {
        forEach(connection -> connection.revoked(revocation));
    }

    /** Ends the connections of an app that was removed. Completes when their members have left. */
    private CompletableFuture<?> removed(String app) {
        var left = new CompletableFuture<Void>();
        var open = new AtomicInteger(1);
        Runnable done = () -> {
            if (open.decrementAndGet() == 0) {
                left.complete(null);
            }
        };
        forEach(connection -> {
                    if (connection.principal().app().equals(app)) {
                        open.incrementAndGet();
                        connection.end(ErrorInfo.notFound("The app was removed."), done);
                    }
                })
                .onComplete(all -> done.run());
        return left;
    }

    /**
     * Runs {@code action} for every connection, each on its own event loop. Completes when it has run for all of them.
     */
    private Future<Void> forEach(Consumer<Connection> action) {
        return loops.forEach(local -> local.all().forEach(action));
    }

    @Override
    public Future<Void> drain() {
        draining = true;
        return forEach(connection -> connection.disconnect(ErrorInfo.STOPPING))
                .compose(drained -> vertx.executeBlocking(this::awaitChores, false))
                .mapEmpty();
    }

    /** Waits for what is being done about lost connections, which has to end before the engine does. */
    private boolean awaitChores() throws InterruptedException {
        vertx.cancelTimer(graceTimer);
        blocking.shutdown();
        return blocking.awaitTermination(CHORES_TIMEOUT_SECONDS, TimeUnit.SECONDS);
    }
}
