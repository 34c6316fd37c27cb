package dev.parley.server.streams.subscription;

import static dev.parley.server.Futures.await;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.command.Command;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Delete;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Keys;
import dev.parley.server.auth.Revocations;
import dev.parley.server.http.Answers;
import dev.parley.server.http.PublicAddress;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.StoreReads;
import dev.parley.server.ops.Health;
import dev.parley.server.streams.Offsets;
import dev.parley.server.webhook.WebhookKeys;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real engine on a folder, with subscriptions and an HTTP server for their routes. */
final class TestServer implements AutoCloseable {
    static final JsonMapper JSON = new JsonMapper();
    private static final String ROOT = "/v1/stream/";
    private static final int NO_ANSWER_MILLIS = 20_000;

    final Engine engine;
    final Health health = new Health();
    private final Vertx vertx = Vertx.vertx();
    private final SubscriptionService service;
    private final HttpServer http;
    private final StoreReads reads = new StoreReads(new SimpleMeterRegistry());
    private final HttpClient client = HttpClient.newHttpClient();

    /**
     * Opens what is in {@code folder}.
     *
     * @param keys who may come in; everybody if there are none
     */
    TestServer(Path folder, ApiKey... keys) throws IOException {
        this(folder, InstantSource.system(), keys);
    }

    /** As above, with a clock for what is due. */
    TestServer(Path folder, InstantSource dueClock, ApiKey... keys) throws IOException {
        this(folder, Memory.ofHeap(), dueClock, keys);
    }

    /** As above, with an account of memory. */
    TestServer(Path folder, Memory memory, InstantSource dueClock, ApiKey... keys) throws IOException {
        EngineOptions options = EngineOptions.in(folder);
        engine = Engine.open(new EngineOptions(
                        folder,
                        options.shards(),
                        options.segmentBytes(),
                        options.maxRecordBytes(),
                        options.cacheBytes(),
                        options.memtableBytes(),
                        options.cachedStates(),
                        options.maxWaiting(),
                        memory,
                        options.minFreeBytes())
                .readBy(() -> !Context.isOnEventLoopThread()));
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        Duration lifetime = Duration.ofDays(1);
        Clock clock = Clock.systemUTC();
        Gate gate = new Gate(
                Keys.of(List.of(keys)),
                null,
                keys.length == 0,
                lifetime,
                new Revocations(engine, lifetime, clock),
                clock,
                meters);
        service = SubscriptionService.start(
                vertx,
                engine,
                reads,
                new Shares(memory),
                new Answers(vertx),
                gate,
                new PublicAddress(null, List.of()),
                new WebhookKeys(folder),
                null,
                true,
                dueClock,
                health,
                meters);
        http = await(vertx.createHttpServer()
                .requestHandler(request -> service.routes()
                        .handle(request, Objects.requireNonNull(request.path()).substring(ROOT.length())))
                .listen(0, "127.0.0.1"));
    }

    /** An answer, with its body as JSON if there is one. */
    record Answer(int status, @Nullable JsonNode body) {
        String error() {
            return json().path("error").path("code").asString("");
        }

        JsonNode json() {
            return Objects.requireNonNull(body);
        }
    }

    String url(String path) {
        return "http://127.0.0.1:" + http.actualPort() + ROOT + path;
    }

    /** Sends a request about the subscriptions, whose path is given from {@code __ds/} on. */
    Answer send(String method, String path, @Nullable String authorization, String body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create(path.startsWith("http") ? path : url("__ds/" + path)))
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body));
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        HttpResponse<String> response = client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString())
                .join();
        return new Answer(response.statusCode(), response.body().isEmpty() ? null : JSON.readTree(response.body()));
    }

    /** The status of the answer to a request of which the body never comes. */
    int statusWithoutBody(String method, String path, @Nullable String authorization, int length) throws IOException {
        String credentials = authorization == null ? "" : "Authorization: " + authorization + "\r\n";
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), http.actualPort())) {
            socket.setSoTimeout(NO_ANSWER_MILLIS);
            socket.getOutputStream()
                    .write("%s %s__ds/%s HTTP/1.1\r\nHost: here\r\n%sContent-Length: %d\r\n\r\n"
                            .formatted(method, ROOT, path, credentials, length)
                            .getBytes(StandardCharsets.US_ASCII));
            String statusLine = new BufferedReader(
                            new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
                    .readLine();
            return Integer.parseInt(Objects.requireNonNull(statusLine).replaceAll("HTTP/1.1 (\\d+) .*", "$1"));
        }
    }

    Answer send(String method, String path, String body) {
        return send(method, path, null, body);
    }

    Answer get(String id) {
        return send("GET", "subscriptions/" + id, "");
    }

    /** What the subscription shows for its cursor in {@code path}; empty if it has none. */
    String cursor(String id, String path) {
        for (JsonNode stream : get(id).json().path("streams")) {
            if (stream.path("path").asString().equals(path)) {
                return stream.path("acked_offset").asString();
            }
        }
        return "";
    }

    /** The offset of {@code position} in the stream that is at {@code path} now. */
    String offset(String path, long position) {
        return new Offsets(engine.identities())
                .render(Objects.requireNonNull(engine.streams().find(path)), position);
    }

    private <O> O submit(Command<O> command) {
        return submit(engine, command);
    }

    /** The outcome of a command. */
    static <O> O submit(Engine engine, Command<O> command) {
        return engine.submit(command).join();
    }

    /** Appends a JSON message, to a stream that it creates if need be. */
    void append(String path, String message) {
        createStream(path);
        byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
        Payload payload = Payload.ofMessages(bytes, new int[] {bytes.length});
        submit(new Append(path, System.currentTimeMillis(), "application/json", payload, false, null, null));
    }

    void createStream(String path) {
        submit(new Create(path, System.currentTimeMillis(), "application/json", -1, -1, false, Payload.empty(), null));
    }

    void deleteStream(String path) {
        submit(new Delete(path, System.currentTimeMillis()));
    }

    /** The messages of a stream; none if it does not exist. */
    List<JsonNode> messages(String path) {
        List<JsonNode> messages = new ArrayList<>();
        StreamState stream = engine.streams().find(path);
        if (stream != null) {
            engine.streams()
                    .read(stream, 0, Long.MAX_VALUE)
                    .forEach(entry -> JSON.readTree(
                                    "[" + new String(entry.payload().bytes(), StandardCharsets.UTF_8) + "]")
                            .forEach(messages::add));
        }
        return messages;
    }

    @Override
    public void close() throws IOException {
        client.close();
        await(http.close());
        service.close();
        reads.close();
        engine.close();
        await(vertx.close());
    }
}
