package dev.parley.server.rest;

import dev.parley.engine.Engine;
import dev.parley.server.apps.Apps;
import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.ConnectionKeys;
import dev.parley.server.auth.Gate;
import dev.parley.server.channel.ChannelCommands;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Members;
import dev.parley.server.config.Config;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Publisher;
import dev.parley.server.request.Request;
import dev.parley.server.request.Resources;
import dev.parley.server.time.NodeClock;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which resource answers which request: the table of all methods and paths of the door. */
final class Routes implements Resources {
    private final MessagesResource messages;
    private final AnnotationsResource annotations;
    private final PresenceResource presence;
    private final ChannelsResource channels;
    private final BatchResource batch;
    private final ObjectsResource objects;
    private final KeysResource keys;

    /** Null if the admin API is off. */
    private final @Nullable AppsResource apps;

    private final ClockResource clockResource;
    private final BackupResource backup;
    private final NodeClock clock;

    /**
     * Routes to the sessions of {@code engine}.
     *
     * @param rootKey the key whose holder may create apps through the admin API, accept the clock and make backups
     * @param appsForEverybody whether everybody may create apps, if the admin API is on
     */
    Routes(
            Engine engine,
            Config config,
            Gate gate,
            Apps apps,
            Publisher publisher,
            Occupancy occupancy,
            ApiKey rootKey,
            boolean appsForEverybody,
            NodeClock clock) {
        this.clock = clock;
        int pageBytes = config.limits().chunkBytes();
        ChannelCommands commands = publisher.commands();
        ConnectionKeys connectionKeys = publisher.connectionKeys();
        this.messages = new MessagesResource(engine.sessions(), gate, publisher, pageBytes);
        this.annotations = new AnnotationsResource(engine, gate, commands, connectionKeys, clock, pageBytes);
        this.presence = new PresenceResource(engine.sessions(), gate, new Members(engine.sessions(), gate), pageBytes);
        this.channels = new ChannelsResource(engine.sessions(), gate, occupancy, pageBytes);
        this.batch = new BatchResource(messages, presence, gate);
        this.objects = new ObjectsResource(engine, gate, commands, connectionKeys, clock);
        this.keys = new KeysResource(gate);
        this.apps = config.auth().adminApi()
                ? new AppsResource(engine, apps, gate, rootKey, appsForEverybody, clock)
                : null;
        this.clockResource = new ClockResource(clock, gate, rootKey);
        this.backup = new BackupResource(engine, config.data().dir(), gate, rootKey);
    }

    @Override
    public Answer answer(Request request, HttpServerRequest http)
            throws WireException, AccessRefusedException, IOException {
        List<String> path = request.path();
        String last = path.getLast();
        // HEAD is answered like GET, without the body.
        String method = request.method().equals("HEAD") ? "GET" : request.method();
        return switch (method + " " + path.getFirst() + " " + path.size()) {
            // Clients put this time into token requests, which are checked against the wall clock.
            case "GET time 1" ->
                Answer.of(
                        200, to -> to.beginArray().value(clock.wall().millis()).endArray());
            case "GET channels 1" -> channels.list(request);
            case "GET channels 2" -> channels.get(request, channel(path));
            case "GET channels 3" ->
                switch (last) {
                    // ably-go uses the second name.
                    case "messages", "history" -> messages.history(request, channel(path));
                    case "presence" -> presence.get(request, channel(path));
                    case "object" -> objects.get(request, channel(path), null);
                    default -> throw nothingHere();
                };
            case "POST channels 3" ->
                switch (last) {
                    case "messages" -> messages.publish(request, channel(path));
                    // Earlier clients use the second name.
                    case "object", "objects" -> objects.publish(request, channel(path));
                    default -> throw nothingHere();
                };
            case "GET channels 4" ->
                switch (path.get(2)) {
                    case "messages" -> messages.get(request, channel(path), last);
                    case "object" -> objects.get(request, channel(path), last);
                    case "presence" -> {
                        expect("history", last);
                        yield presence.history(request, channel(path));
                    }
                    default -> throw nothingHere();
                };
            case "PATCH channels 4" -> {
                expect("messages", path.get(2));
                yield messages.change(request, channel(path), last);
            }
            case "GET channels 5" -> {
                expect("messages", path.get(2));
                yield switch (last) {
                    case "versions" -> messages.versions(request, channel(path), path.get(3));
                    case "annotations" -> annotations.list(request, channel(path), path.get(3));
                    case "client-summary" -> annotations.clientSummary(request, channel(path), path.get(3));
                    default -> throw nothingHere();
                };
            }
            case "POST channels 5" -> {
                expect("messages", path.get(2));
                expect("annotations", last);
                yield annotations.publish(request, channel(path), path.get(3));
            }
            case "POST messages 1" -> batch.publish(request);
            case "GET presence 1" -> batch.presence(request);
            case "GET stats 1" -> new Answer(200, to -> to.beginArray().endArray(), Links.of(request, null));
            case "POST clock 1" -> Answer.of(200, clockResource.believe(request.authorization()));
            case "POST backup 1" -> Answer.of(201, backup.make(request.authorization(), request.tree()));
            case "POST stats 1" -> {
                admin().takeStats(caller(request, http));
                yield Answer.of(201, to -> to.beginArray().endArray());
            }
            case "POST keys 3" ->
                switch (last) {
                    case "requestToken" ->
                        Answer.of(201, keys.requestToken(path.get(1), request.authorization(), request.tree()));
                    case "revokeTokens" ->
                        Answer.of(200, keys.revokeTokens(path.get(1), request.authorization(), request.tree()));
                    default -> throw nothingHere();
                };
            case "POST apps 1" -> {
                AppsResource admin = admin();
                yield Answer.of(201, admin.create(caller(request, http), request.tree()));
            }
            case "DELETE apps 2" -> {
                admin().remove(caller(request, http), last);
                yield Answer.noContent();
            }
            // Ably's clients in browsers try this when they could not reach the server for a while.
            case "GET comet 2" -> throw new WireException(ErrorInfo.NO_POLLING);
            default -> throw nothingHere();
        };
    }

    private static ChannelName channel(List<String> path) throws WireException {
        return ChannelName.parse(path.get(1));
    }

    private static void expect(String expected, String segment) throws WireException {
        if (!segment.equals(expected)) {
            throw nothingHere();
        }
    }

    private AppsResource admin() throws WireException {
        if (apps == null) {
            throw nothingHere();
        }
        return apps;
    }

    private static AppsResource.Caller caller(Request request, HttpServerRequest http) {
        HostAndPort authority = http.authority();
        return new AppsResource.Caller(
                request.authorization(),
                request.headers().get(HttpHeaders.ORIGIN),
                authority == null ? "localhost" : authority.host(),
                authority == null || authority.port() < 0 ? http.localAddress().port() : authority.port(),
                http.isSSL());
    }

    private static WireException nothingHere() {
        return new WireException(ErrorInfo.notFound("There is nothing at this path for this method."));
    }
}
