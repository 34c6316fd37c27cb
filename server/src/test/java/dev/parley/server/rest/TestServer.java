package dev.parley.server.rest;

import static dev.parley.server.Futures.await;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.command.Command;
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
import dev.parley.server.config.ConfigLoader;
import dev.parley.server.http.Shares;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.request.Publisher;
import dev.parley.server.time.NodeClock;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireFormat;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** A real engine on a folder with a REST door on it. */
final class TestServer implements AutoCloseable {
    private static final String SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret";

    /** Key that may do everything. */
    static final String ADMIN = "app.admin:" + SECRET;

    /** Another app's. */
    static final String STRANGER = "other.admin:" + SECRET;

    /** Key for anything but messages of others. */
    static final String WRITER = "app.writer:" + SECRET;

    /** Key for nothing at all that counts here. */
    static final String NOBODY = "app.nobody:" + SECRET;

    final Engine engine;
    final Memory memory;
    final ConnectionKeys connectionKeys;
    final Occupancy occupancy = new Occupancy();
    private final Vertx vertx = Vertx.vertx();
    private final HttpServer http;
    private final HttpClient client = HttpClient.newHttpClient();

    TestServer(Path folder) throws IOException {
        this(folder, NodeClock.system(Duration.ZERO), Map.of());
    }

    TestServer(Path folder, NodeClock doorsClock, Map<String, String> settings) throws IOException {
        Map<String, String> flags = new HashMap<>(Map.of("auth.admin-api", "true", "limits.chunk-bytes", "10000"));
        flags.putAll(settings);
        var config = new ConfigLoader().flags(flags).load();
        memory = config.memory(Runtime.getRuntime().maxMemory());
        var clock = Clock.systemUTC();
        var meters = new SimpleMeterRegistry();
        ApiKey admin = ApiKey.parse(ADMIN, Capabilities.ALL);
        var keys = List.of(
                admin,
                ApiKey.parse(STRANGER, Capabilities.ALL),
                ApiKey.parse(
                        WRITER,
                        Capabilities.parse("{\"*\":[\"publish\",\"history\",\"message-update-own\","
                                + "\"message-delete-own\",\"channel-metadata\"]}")),
                ApiKey.parse(NOBODY, Capabilities.parse("{\"*\":[\"push-subscribe\"]}")));
        Namespace fixed = new Namespace("fixed", false, Duration.ofDays(1), 1 << 20, 10);
        engine = Engine.open(EngineOptions.in(folder).readBy(() -> !Context.isOnEventLoopThread()));
        Apps apps = TestApps.of(engine, admin, keys, List.of(fixed));
        var lifetime = Duration.ofDays(1);
        var gate = new Gate(apps, null, false, lifetime, new Revocations(engine, lifetime, clock), clock, meters);
        connectionKeys = ConnectionKeys.in(folder);
        var commands = new ChannelCommands(
                gate, apps, config.realtime().messageBytes(), config.realtime().grownBytes());
        var publisher = new Publisher(engine, commands, connectionKeys, doorsClock);
        var door = new RestDoor(
                engine, config, new Shares(memory), gate, apps, publisher, occupancy, admin, false, doorsClock);
        http = await(vertx.createHttpServer().requestHandler(door::handle).listen(0, "127.0.0.1"));
    }

    /** An answer; its body is read in the format that it says it has. */
    record Answer(HttpResponse<byte[]> http) {
        int status() {
            return http.statusCode();
        }

        String header(String name) {
            return http.headers().firstValue(name).orElse("");
        }

        WireFormat format() {
            return header("Content-Type").contains("msgpack") ? WireFormat.MSGPACK : WireFormat.JSON;
        }

        JsonNode body() {
            try {
                return format().read(http.body());
            } catch (WireException e) {
                throw new AssertionError("no body: " + new String(http.body(), StandardCharsets.UTF_8), e);
            }
        }

        int errorCode() {
            return body().path("error").path("code").asInt(0);
        }

        /** The code of the error of the first result of a batch. */
        int firstErrorCode() {
            return body().path("results").path(0).path("error").path("code").asInt(0);
        }

        /** The query of the link with this relation; empty if there is none. */
        String link(String relation) {
            return http.headers().allValues("Link").stream()
                    .filter(link -> link.endsWith("; rel=\"" + relation + "\""))
                    .map(link -> link.substring(link.indexOf('?'), link.indexOf('>')))
                    .findAny()
                    .orElse("");
        }
    }

    String url(String path) {
        return "http://127.0.0.1:" + http.actualPort() + path;
    }

    Answer send(HttpRequest request) throws IOException, InterruptedException {
        return new Answer(client.send(request, HttpResponse.BodyHandlers.ofByteArray()));
    }

    /** A request by the holder of a key. */
    HttpRequest.Builder request(String key, String path) {
        String basic = Base64.getEncoder().encodeToString(key.getBytes(StandardCharsets.UTF_8));
        return HttpRequest.newBuilder(URI.create(url(path))).header("Authorization", "Basic " + basic);
    }

    Answer get(String key, String path) throws IOException, InterruptedException {
        return send(request(key, path).build());
    }

    Answer get(String path) throws IOException, InterruptedException {
        return get(ADMIN, path);
    }

    Answer send(String method, String key, String path, String json) throws IOException, InterruptedException {
        return send(request(key, path)
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(json))
                .build());
    }

    Answer post(String path, String json) throws IOException, InterruptedException {
        return send("POST", ADMIN, path, json);
    }

    <O> O submit(Command<O> command) {
        return engine.submit(command).join();
    }

    @Override
    public void close() throws IOException {
        client.close();
        await(http.close());
        engine.close();
        await(vertx.close());
    }
}
