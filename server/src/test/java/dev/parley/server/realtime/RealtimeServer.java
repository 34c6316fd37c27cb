package dev.parley.server.realtime;

import static dev.parley.server.Futures.await;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.memory.Memory;
import dev.parley.server.apps.Apps;
import dev.parley.server.apps.Namespace;
import dev.parley.server.apps.TestApps;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import dev.parley.server.auth.ConnectionKeys;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Revocations;
import dev.parley.server.channel.ChannelCommands;
import dev.parley.server.config.Config;
import dev.parley.server.config.ConfigLoader;
import dev.parley.server.http.HttpFront;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.EventLoops;
import dev.parley.server.loop.StoreReads;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.ops.Health;
import dev.parley.server.ops.Metrics;
import dev.parley.server.request.Publisher;
import dev.parley.server.rest.RestDoor;
import dev.parley.server.time.NodeClock;
import dev.parley.server.timeline.Timelines;
import io.netty.util.concurrent.EventExecutor;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.internal.VertxInternal;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** A real engine on a folder, with the realtime door, and the REST door beside it. */
final class RealtimeServer implements AutoCloseable {
    static final String KEY = "app.all:" + "a".repeat(40);
    /** The query of clients that may do everything. */
    static final String WITH_KEY = "key=" + KEY;

    static final String READER_KEY = "app.reader:" + "r".repeat(40);
    private static final Duration TOKEN_LIFETIME = Duration.ofDays(1);

    final Engine engine;
    final Gate gate;
    final HttpFront front;
    final Memory memory;
    final int port;
    private final Vertx vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(true));
    private final Metrics metrics = new Metrics();
    private final StoreReads reads = new StoreReads(metrics.registry());

    RealtimeServer(Path folder, Map<String, String> settings) throws IOException {
        this(folder, settings, NodeClock.system(Duration.ZERO));
    }

    RealtimeServer(Path folder, Map<String, String> settings, NodeClock nodeClock) throws IOException {
        engine = Engine.open(EngineOptions.in(folder).readBy(() -> !Context.isOnEventLoopThread()));
        Map<String, String> all = new HashMap<>(settings);
        all.put("server.port", "0");
        all.put("server.event-loops", "2");
        all.put("data.dir", folder.toString());
        Config config = new ConfigLoader().flags(all).load();
        Clock clock = Clock.systemUTC();
        List<ApiKey> keys = List.of(
                ApiKey.parse(KEY, Capabilities.ALL),
                ApiKey.parse(READER_KEY, Capabilities.parse("{\"*\":[\"subscribe\"]}")));
        Apps apps = TestApps.of(engine, keys.getFirst(), keys, List.<Namespace>of());
        Revocations revocations = new Revocations(engine, TOKEN_LIFETIME, clock);
        gate = new Gate(apps, null, false, TOKEN_LIFETIME, revocations, clock, metrics.registry());
        Health health = new Health();
        memory = config.memory(Runtime.getRuntime().maxMemory());
        front = new HttpFront(vertx, config, memory, health, metrics);
        port = await(front.start());
        Shares shares = new Shares(memory);
        ConnectionKeys connectionKeys = ConnectionKeys.in(folder);
        Occupancy occupancy = new Occupancy();
        front.open(
                List.of(new RestDoor(
                        engine,
                        config,
                        shares,
                        gate,
                        apps,
                        new Publisher(
                                engine,
                                new ChannelCommands(
                                        gate,
                                        apps,
                                        config.realtime().messageBytes(),
                                        config.realtime().grownBytes()),
                                connectionKeys,
                                nodeClock),
                        occupancy,
                        keys.getFirst(),
                        false,
                        nodeClock)),
                new RealtimeDoor(
                        vertx,
                        engine,
                        new EventLoops(reads),
                        gate,
                        apps,
                        revocations,
                        connectionKeys,
                        occupancy,
                        new Timelines(),
                        config.realtime(),
                        memory,
                        shares,
                        nodeClock,
                        metrics.registry()));
        health.become(Health.State.READY);
    }

    /** How many there are, as the metrics have it. */
    int connections() {
        return (int)
                metrics.registry().get("parley.realtime.connections").gauge().value();
    }

    /** Lets the event loops do nothing else until {@code free} is complete. */
    void busyUntil(CompletableFuture<?> free) {
        List<CompletableFuture<?>> begun = new ArrayList<>();
        for (EventExecutor loop : ((VertxInternal) vertx).nettyEventLoopGroup()) {
            var busy = new CompletableFuture<Void>();
            begun.add(busy);
            loop.execute(() -> {
                busy.complete(null);
                free.join();
            });
        }
        begun.forEach(CompletableFuture::join);
    }

    RealtimeClient connect(String query) {
        return new RealtimeClient(vertx, port, query, "");
    }

    /** Connects, and waits until the client is told that it is connected. */
    RealtimeClient connected(String query) throws InterruptedException {
        RealtimeClient client = connect(query);
        client.next(RealtimeClient.CONNECTED);
        return client;
    }

    /** Connects with the header Authorization. */
    RealtimeClient connectWithHeader(String query, String authorization) {
        return new RealtimeClient(vertx, port, query, authorization);
    }

    /** Sends a request to the REST door with the root key. */
    HttpResponse<String> rest(String method, String path, String body) throws IOException, InterruptedException {
        String credentials = Base64.getEncoder().encodeToString(KEY.getBytes(StandardCharsets.UTF_8));
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                            .header("Authorization", "Basic " + credentials)
                            .header("Content-Type", "application/json")
                            .method(method, HttpRequest.BodyPublishers.ofString(body))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }

    @Override
    public void close() throws IOException {
        await(front.stop());
        await(vertx.close());
        reads.close();
        engine.close();
        metrics.close();
    }
}
