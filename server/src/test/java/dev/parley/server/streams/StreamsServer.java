package dev.parley.server.streams;

import static dev.parley.server.Futures.await;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.memory.Memory;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Keys;
import dev.parley.server.auth.Revocations;
import dev.parley.server.config.Config;
import dev.parley.server.config.ConfigLoader;
import dev.parley.server.http.Answers;
import dev.parley.server.http.HttpFront;
import dev.parley.server.http.PublicAddress;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.EventLoops;
import dev.parley.server.loop.StoreReads;
import dev.parley.server.ops.Health;
import dev.parley.server.ops.Metrics;
import dev.parley.server.streams.subscription.SubscriptionService;
import dev.parley.server.time.NodeClock;
import dev.parley.server.webhook.WebhookKeys;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** The streams door, for which nobody needs a key, before a real engine, and what it asks of the store. */
final class StreamsServer implements AutoCloseable {
    private static final String SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret";

    /** The key of an app, for its sessions; nobody needs one for streams. */
    static final String KEY = "app.all:" + SECRET;

    /** The key of another app. */
    static final String STRANGER = "other.all:" + SECRET;

    /** A key that may see sessions, and not what is said in them. */
    static final String WATCHER = "app.watcher:" + SECRET;

    /** A key that may do everything with streams, and nothing with sessions. */
    static final String STREAMER = "app.streamer:" + SECRET;

    final Engine engine;
    final Memory memory;
    final int port;

    /** How often the store has been read, where assertions are on. */
    final AtomicLong storeReads = new AtomicLong();

    /** Which read of the store fails, counted like {@link #storeReads}, where assertions are on. */
    volatile long failingRead = -1;

    private final Vertx vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(true));
    final Metrics metrics = new Metrics();
    final StoreReads reads = new StoreReads(metrics.registry());
    private final HttpFront front;
    private final SubscriptionService subscriptions;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    StreamsServer(Path folder, Map<String, String> settings) throws IOException {
        this(folder, settings, 100);
    }

    StreamsServer(Path folder, Map<String, String> settings, int cachedStreams) throws IOException {
        this(folder, settings, cachedStreams, NodeClock.system(Duration.ZERO));
    }

    StreamsServer(Path folder, Map<String, String> settings, int cachedStreams, NodeClock clock) throws IOException {
        Memory ofEngine = Memory.ofHeap();
        engine = Engine.open(
                new EngineOptions(folder, 1, 8 << 20, 1 << 20, 8 << 20, 8 << 20, cachedStreams, 1_000, ofEngine, 0)
                        .readBy(() -> storeReads.incrementAndGet() != failingRead && !Context.isOnEventLoopThread()));
        Map<String, String> all = new HashMap<>(settings);
        all.put("server.port", "0");
        all.putIfAbsent("server.event-loops", "2");
        all.put("data.dir", folder.toString());
        Config config = new ConfigLoader().flags(all).load();
        Health health = new Health();
        memory = config.memory(Runtime.getRuntime().maxMemory());
        Shares shares = new Shares(memory);
        Clock wall = Clock.systemUTC();
        Duration lifetime = Duration.ofDays(1);
        Gate gate = new Gate(
                Keys.of(List.of(
                        ApiKey.parse(KEY, Capabilities.ALL),
                        ApiKey.parse(STRANGER, Capabilities.ALL),
                        ApiKey.parse(WATCHER, Capabilities.parse("{\"*\":[\"channel-metadata\",\"subscribe\"]}")),
                        ApiKey.parse(
                                STREAMER, Capabilities.parse("{\"*\":[\"read\",\"append\",\"create\",\"delete\"]}")))),
                null,
                true,
                lifetime,
                new Revocations(engine, lifetime, wall),
                wall,
                metrics.registry());
        PublicAddress address = new PublicAddress(null, List.of());
        Answers answers = new Answers(vertx);
        subscriptions = SubscriptionService.start(
                vertx,
                engine,
                reads,
                shares,
                answers,
                gate,
                address,
                new WebhookKeys(folder),
                null,
                true,
                clock,
                health,
                metrics.registry());
        front = new HttpFront(vertx, config, memory, health, metrics);
        port = await(front.start());
        front.open(
                List.of(new StreamsDoor(
                        engine,
                        new EventLoops(reads),
                        config,
                        memory,
                        shares,
                        answers,
                        gate,
                        true,
                        address,
                        subscriptions.routes(),
                        clock,
                        metrics.registry())),
                null);
        health.become(Health.State.READY);
    }

    HttpResponse<String> send(String method, String path, String body, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + port + StreamsDoor.PREFIX + path))
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), BodyHandlers.ofString());
    }

    @Override
    public void close() throws IOException {
        client.shutdownNow();
        await(front.stop());
        subscriptions.close();
        await(vertx.close());
        reads.close();
        engine.close();
        metrics.close();
    }
}
