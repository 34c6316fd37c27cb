package dev.parley.server.rest;

import dev.parley.engine.Engine;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Share;
import dev.parley.server.apps.Apps;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.ConnectionKeys;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Peer;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
import dev.parley.server.config.Config;
import dev.parley.server.http.Cors;
import dev.parley.server.http.Door;
import dev.parley.server.http.Gzip;
import dev.parley.server.http.Origins;
import dev.parley.server.http.RequestBody;
import dev.parley.server.http.Shares;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.time.NodeClock;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireFormat;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.net.HostAndPort;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The REST protocol of the Ably clients. Requests are worked at on virtual threads, as nearly all of them wait for the
 * disk; it keeps no state between them.
 */
public final class RestDoor implements Door {
    /** Largest body. */
    public static final int MAX_BODY_BYTES = 2 << 20;

    /** Answers that are made at a time: what each brings is in memory before anybody can say how much it is. */
    private static final int MAX_MADE = 16;

    /** What an answer takes beside its body, about. */
    private static final int HEAD_BYTES = 512;

    /**
     * Requests that are worked at at a time. Who is still sending one takes no place from the others, nor who does not read
     * the answer.
     */
    public static final int MAX_IN_PROGRESS = 512;

    private static final int MAX_ANONYMOUS_BODY_BYTES = 64 << 10;
    private static final int MAX_ERROR_HEADER_CHARS = 512;

    /** What stands in the encoding of messages that a client has encrypted. */
    private static final String ENCRYPTED = "cipher+";

    /** Paths that are only for who has shown who they are; the others see to it themselves. */
    private static final Set<String> KNOWN_USERS = Set.of("channels", "messages", "presence", "stats");

    /** The methods that answer with what is stored. */
    private static final Set<String> READS = Set.of("GET", "HEAD");

    private static final Logger LOG = LoggerFactory.getLogger(RestDoor.class);

    private final MessagesResource messages;
    private final AnnotationsResource annotations;
    private final PresenceResource presence;
    private final ChannelsResource channels;
    private final BatchResource batch;
    private final ObjectsResource objects;
    private final KeysResource keys;
    private final @Nullable AppsResource apps;
    private final ClockResource clockResource;
    private final Gate gate;
    private final Shares shares;
    private final Semaphore made = new Semaphore(MAX_MADE);
    private final Cors cors;
    private final NodeClock clock;
    private final int bodyBytes;
    private final AtomicInteger inProgress = new AtomicInteger();

    /** Completes when nobody looks into the engine any more. */
    private final Promise<Void> drained = Promise.promise();

    private volatile boolean draining;

    /**
     * A door to the sessions of {@code engine}.
     *
     * @param rootKey who may make apps by the admin API, and vouch for the clock
     * @param appsForEverybody whether everybody may, where that API is on
     */
    public RestDoor(
            Engine engine,
            Config config,
            Shares shares,
            Gate gate,
            Apps apps,
            ConnectionKeys connectionKeys,
            Occupancy occupancy,
            ApiKey rootKey,
            boolean appsForEverybody,
            NodeClock clock) {
        this.messages = new MessagesResource(
                engine,
                gate,
                apps,
                connectionKeys,
                clock,
                config.realtime().messageBytes(),
                config.realtime().grownBytes(),
                config.limits().chunkBytes());
        this.annotations = new AnnotationsResource(
                engine,
                gate,
                apps,
                connectionKeys,
                clock,
                config.realtime().messageBytes(),
                config.limits().chunkBytes());
        this.presence =
                new PresenceResource(engine.sessions(), gate, config.limits().chunkBytes());
        this.channels = new ChannelsResource(
                engine.sessions(), gate, occupancy, config.limits().chunkBytes());
        this.batch = new BatchResource(messages, presence, gate);
        this.objects = new ObjectsResource(
                engine, gate, connectionKeys, clock, config.realtime().messageBytes());
        this.keys = new KeysResource(gate);
        this.apps = config.auth().adminApi()
                ? new AppsResource(engine, apps, gate, rootKey, appsForEverybody, clock)
                : null;
        this.clockResource = new ClockResource(clock, gate, rootKey);
        this.gate = gate;
        this.shares = shares;
        this.cors = Cors.withCredentials(
                Origins.of(config.cors().origins(), false),
                "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
                "Accept, Authorization, Content-Type, Ably-Agent, X-Ably-ClientId, X-Ably-Lib, X-Ably-RequestId, "
                        + "X-Ably-Version",
                config.cors().headers(),
                "Link, Retry-After, X-Ably-Errorcode, X-Ably-Errormessage");
        this.clock = clock;
        this.bodyBytes = Math.min(MAX_BODY_BYTES, config.limits().bodyBytes());
    }

    @Override
    public String prefix() {
        return "/";
    }

    @Override
    public Future<Void> drain() {
        draining = true;
        if (inProgress.get() == 0) {
            drained.tryComplete();
        }
        return drained.future();
    }

    @Override
    public void handle(HttpServerRequest request) {
        cors.apply(request);
        if (request.method().equals(HttpMethod.OPTIONS)) {
            cors.preflight(request);
            return;
        }
        Exchange exchange = new Exchange(request, Vertx.currentContext());
        if (draining) {
            exchange.refuse(WireFormat.JSON, ErrorInfo.STOPPING);
            return;
        }
        request.exceptionHandler(gone -> LOG.debug("a request did not arrive whole", gone));
        RestRequest head;
        try {
            head = RestRequest.of(request, path -> KNOWN_USERS.contains(path) ? gate : null);
        } catch (WireException e) {
            exchange.refuse(WireFormat.JSON, e.error());
            return;
        }
        // Bodies of who has not shown who they are take next to no room.
        int limit = head.isAuthenticated() ? bodyBytes : Math.min(bodyBytes, MAX_ANONYMOUS_BODY_BYTES);
        Shares.Holder holder = shares.holder(request.connection(), head.sender());
        RequestBody.read(
                request,
                limit,
                holder,
                body -> exchange.start(head.with(body), holder.of(Memory.Kind.ANSWERS)),
                () -> exchange.refuse(head.accepted(), ErrorInfo.bodyTooLarge(limit)));
    }

    @Override
    public void refuse(HttpServerRequest request, int status, String code, String message) {
        cors.apply(request);
        new Exchange(request, Vertx.currentContext())
                .refuse(WireFormat.JSON, new ErrorInfo(status * 100, status, message));
    }

    private Answer route(RestRequest request, HttpServerRequest http)
            throws WireException, AccessRefusedException, IOException {
        List<String> path = request.path();
        String last = path.getLast();
        // HEAD is answered as GET is, but for the body.
        String method = request.method().equals("HEAD") ? "GET" : request.method();
        return switch (method + " " + path.getFirst() + " " + path.size()) {
            // What clients make token requests by, which are judged by the wall clock.
            case "GET time 1" ->
                Answer.of(
                        200, to -> to.beginArray().value(clock.wall().millis()).endArray());
            case "GET channels 1" -> channels.list(request);
            case "GET channels 2" -> channels.get(request, channel(path));
            case "GET channels 3" ->
                switch (last) {
                    // The second is what ably-go asks for.
                    case "messages", "history" -> messages.history(request, channel(path));
                    case "presence" -> presence.get(request, channel(path));
                    case "object" -> objects.get(request, channel(path), null);
                    default -> throw nothingHere();
                };
            case "POST channels 3" ->
                switch (last) {
                    case "messages" -> messages.publish(request, channel(path));
                    // The second is how clients called it before there were paths.
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
            case "GET stats 1" -> new Answer(200, to -> to.beginArray().endArray(), request.links(null));
            case "POST clock 1" -> Answer.of(200, clockResource.believe(request.authorization()));
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
            // Where browsers look when they could not reach the server for a while.
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

    private static AppsResource.Caller caller(RestRequest request, HttpServerRequest http) {
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

    /** A request on its way through the door, on its event loop but for the work. */
    private final class Exchange {
        private final HttpServerRequest request;
        private final Context loop;

        /** Whether it has one of the places of {@link #MAX_IN_PROGRESS}. */
        private boolean placed;

        Exchange(HttpServerRequest request, Context loop) {
            this.request = request;
            this.loop = loop;
        }

        /** Gives up its place among the requests in progress. */
        private void leave() {
            if (!placed) {
                return;
            }
            placed = false;
            if (inProgress.decrementAndGet() == 0 && draining) {
                drained.tryComplete();
            }
        }

        /**
         * The request has arrived whole: it is worked at if there is a place for it.
         *
         * @param share what its answer may take of the memory for answers
         */
        void start(RestRequest read, Share share) {
            placed = true;
            boolean full = inProgress.incrementAndGet() > MAX_IN_PROGRESS;
            answer(() -> {
                if (draining) {
                    // Looked at behind the count, as drain() does it the other way round: one of the two sees the
                    // other.
                    refuse(read.accepted(), ErrorInfo.STOPPING);
                } else if (full) {
                    refuse(read.accepted(), ErrorInfo.TOO_MANY_REQUESTS);
                } else {
                    Thread.ofVirtual()
                            .name("rest")
                            .start(() -> Peer.call(request.remoteAddress(), () -> work(read, share)));
                }
            });
        }

        /** Does {@code step}, and gives up the place if it comes to nothing, whatever it throws. */
        private void answer(Runnable step) {
            boolean good = false;
            try {
                step.run();
                good = true;
            } finally {
                if (!good) {
                    leave();
                }
            }
        }

        /** Answers; blocks. */
        private void work(RestRequest read, Share share) {
            WireFormat format = read.accepted();
            Runnable answering = () -> refuse(format, ErrorInfo.INTERNAL);
            try {
                answering = READS.contains(read.method()) ? inTurn(read, share) : answered(read, share);
            } catch (WireException e) {
                answering = () -> refuse(format, e.error());
            } catch (AccessRefusedException e) {
                answering = () -> refuse(format, Refusals.of(e.refused()));
            } catch (IOException | RuntimeException | Error e) {
                LOG.atError()
                        .setCause(e)
                        .addKeyValue("method", request.method())
                        .addKeyValue("path", request.path())
                        .log("A request failed");
            } finally {
                // Whatever was thrown: the place is given back with the answer.
                Runnable last = answering;
                loop.runOnContext(ready -> answer(last));
            }
        }

        /** Lists are compressed for who asks for it, but for what is encrypted, which would not get smaller. */
        private Gzip.Packed pack(byte[] body) {
            return request.method().equals(HttpMethod.GET) && Gzip.isAccepted(request) && !isEncrypted(body)
                    ? Gzip.pack(body)
                    : new Gzip.Packed(body, false);
        }

        private static boolean isEncrypted(byte[] body) {
            return new String(body, StandardCharsets.ISO_8859_1).contains(ENCRYPTED);
        }

        /** Answers what may bring much, when it is its turn. */
        private Runnable inTurn(RestRequest read, Share share)
                throws WireException, AccessRefusedException, IOException {
            made.acquireUninterruptibly();
            try {
                return answered(read, share);
            } finally {
                made.release();
            }
        }

        /** Puts the answer on its way, if there is room for it. */
        private Runnable answered(RestRequest read, Share share)
                throws WireException, AccessRefusedException, IOException {
            Answer answer = route(read, request);
            WireFormat format = read.accepted();
            Gzip.Packed body = pack(read.isEnveloped() ? enveloped(format, answer) : plain(format, answer));
            int status = read.isEnveloped() ? 200 : answer.status();
            Reservation held = share.reserve(HEAD_BYTES + body.bytes().length);
            if (held == null) {
                throw new WireException(ErrorInfo.NO_ROOM);
            }
            return () -> {
                boolean good = false;
                try {
                    if (!request.response().closed() && !request.response().ended()) {
                        body.describe(request);
                    }
                    send(status, format, Buffer.buffer(body.bytes()), answer.links(), held::close);
                    good = true;
                } finally {
                    if (!good) {
                        held.close();
                    }
                }
            };
        }

        private static byte[] plain(WireFormat format, Answer answer) {
            return answer.body() == null ? new byte[0] : format.write(answer.body());
        }

        /** For clients that cannot read headers: they are part of the body. */
        private static byte[] enveloped(WireFormat format, Answer answer) {
            return format.write(to -> {
                to.beginObject().field("statusCode", answer.status());
                to.name("headers").beginObject();
                if (!answer.links().isEmpty()) {
                    to.field("link", String.join(", ", answer.links()));
                }
                to.endObject();
                if (answer.body() != null) {
                    answer.body().accept(to.name("response"));
                }
                to.endObject();
            });
        }

        void refuse(WireFormat format, ErrorInfo error) {
            HttpServerResponse response = request.response();
            if (!response.ended() && !response.closed()) {
                response.putHeader("X-Ably-Errorcode", Integer.toString(error.code()))
                        .putHeader("X-Ably-Errormessage", headerValue(error.message()));
                if (error.statusCode() == 401) {
                    response.putHeader("WWW-Authenticate", Access.Refused.CHALLENGE);
                } else if (error.statusCode() == 429 || error.statusCode() >= 503) {
                    response.putHeader(HttpHeaders.RETRY_AFTER, "1");
                }
            }
            byte[] body = format.write(to -> {
                error.write(to.beginObject().name("error"));
                to.endObject();
            });
            send(error.statusCode(), format, Buffer.buffer(body), List.of(), () -> {});
        }

        /** A message may quote the client, who may have sent anything. */
        private static String headerValue(String message) {
            String printable = message.replaceAll("[^ -~]", "?");
            return printable.substring(0, Math.min(printable.length(), MAX_ERROR_HEADER_CHARS));
        }

        /**
         * Sends it.
         *
         * @param over runs once the client has taken it or never will
         */
        private void send(int status, WireFormat format, Buffer body, List<String> links, Runnable over) {
            boolean sending = false;
            try {
                sending = sends(status, format, body, links, over);
            } finally {
                leave();
                if (!sending) {
                    over.run();
                }
            }
        }

        private boolean sends(int status, WireFormat format, Buffer body, List<String> links, Runnable over) {
            HttpServerResponse response = request.response();
            if (response.ended() || response.closed()) {
                return false;
            }
            response.setStatusCode(status)
                    .putHeader(HttpHeaders.CACHE_CONTROL, "no-store")
                    .putHeader("X-Content-Type-Options", "nosniff");
            if (!links.isEmpty()) {
                // One header each: ably-java does not take lists apart.
                response.putHeader("Link", links);
            }
            if (body.length() > 0) {
                response.putHeader(HttpHeaders.CONTENT_TYPE, format.contentType());
            }
            Future<Void> sent;
            if (request.method().equals(HttpMethod.HEAD)) {
                response.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(body.length()));
                sent = response.end();
            } else {
                sent = response.end(body);
            }
            sent.onComplete(taken -> over.run());
            return true;
        }
    }
}
