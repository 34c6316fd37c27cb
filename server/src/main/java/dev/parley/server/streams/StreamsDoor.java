package dev.parley.server.streams;

import dev.parley.engine.Engine;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.stream.Streams;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.config.Config;
import dev.parley.server.http.Answers;
import dev.parley.server.http.Cors;
import dev.parley.server.http.Door;
import dev.parley.server.http.LocalCallers;
import dev.parley.server.http.Origins;
import dev.parley.server.http.Permits;
import dev.parley.server.http.PublicAddress;
import dev.parley.server.http.RefusedException;
import dev.parley.server.http.Replies;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.EventLoops;
import dev.parley.server.streams.subscription.SubscriptionRoutes;
import dev.parley.server.time.NodeClock;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The door for the Durable Streams protocol at {@value #PREFIX}, with one class for each verb. It turns requests into
 * commands, and entries into answers. Its only state is the live reads.
 */
public final class StreamsDoor implements Door {
    /** The root of all streams. */
    public static final String PREFIX = "/v1/stream/";

    /** Another root of the same streams, which the protocol's own proxy uses. Links have {@link #PREFIX}. */
    public static final String ALIAS = "/v1/streams/";

    /** The resource that only a capability for all streams covers. */
    private static final String EVERYTHING = "*";

    private final Gate gate;
    private final Shares shares;
    private final SubscriptionRoutes subscriptions;
    private final Cors cors;
    private final @Nullable LocalCallers localCallers;
    private final CreateStream create;
    private final AppendToStream append;
    private final ReadStream read;
    private final SessionStream sessions;
    private final DeleteStream delete;
    private final ListStreams list;
    private final EventLoops.Local<LiveReaders> readers;

    /**
     * A door to {@code engine} for the clients that {@code gate} accepts.
     *
     * @param local whether everybody is accepted, because only this machine can reach the door
     */
    public StreamsDoor(
            Engine engine,
            EventLoops loops,
            Config config,
            Memory memory,
            Shares shares,
            Answers answers,
            Gate gate,
            boolean local,
            PublicAddress address,
            SubscriptionRoutes subscriptions,
            NodeClock clock,
            MeterRegistry meters) {
        int bodyBytes = config.limits().bodyBytes();
        Offsets offsets = new Offsets(engine.identities());
        Permits liveReads = new Permits(config.limits().liveReaders());
        Gauge.builder("parley.streams.live.readers", liveReads, Permits::taken)
                .description("Open live reads (long-poll and SSE)")
                .register(meters);
        this.gate = gate;
        this.shares = shares;
        this.subscriptions = subscriptions;
        Origins origins = Origins.of(config.cors().origins(), local);
        this.localCallers = local
                ? new LocalCallers(
                        origins, config.server().publicUrl(), config.server().allowedHosts())
                : null;
        this.cors = new Cors(
                origins,
                "GET, POST, PUT, DELETE, HEAD, OPTIONS",
                "Content-Type, Authorization, If-None-Match, X-Actor-Id, X-Actor-Type, X-Session-Id, "
                        + "Stream-Seq, Stream-Expected-Offset, Stream-TTL, "
                        + "Stream-Expires-At, Stream-Closed, "
                        + "Producer-Id, Producer-Epoch, Producer-Seq, Stream-Forked-From, Stream-Fork-Offset, "
                        + "Stream-Fork-Sub-Offset",
                config.cors().headers(),
                "Stream-Next-Offset, Stream-Cursor, Stream-Up-To-Date, Stream-Closed, Stream-TTL, Stream-Expires-At, "
                        + "Stream-SSE-Data-Encoding, Producer-Epoch, Producer-Seq, Producer-Expected-Seq, "
                        + "Producer-Received-Seq, ETag, Location, Content-Type, Retry-After");
        var lifetimes = new Lifetimes(engine, clock);
        this.create = new CreateStream(engine, offsets, gate, address, clock, lifetimes, bodyBytes);
        this.append = new AppendToStream(engine, offsets, clock, lifetimes, bodyBytes);
        this.read =
                new ReadStream(engine, offsets, config, memory.backlogs(), answers, clock, config.isOpen(), liveReads);
        this.list = new ListStreams(engine.streams(), offsets);
        this.delete = new DeleteStream(engine, clock, lifetimes);
        this.sessions = new SessionStream(engine, loops, config, gate, shares, answers, clock, liveReads);
        this.readers = loops.local(loop -> new LiveReaders(loop, clock, read::touch));
    }

    @Override
    public String prefix() {
        return PREFIX;
    }

    /** The same streams at {@value #ALIAS}. */
    public Door alias() {
        return at(ALIAS);
    }

    /** A stream whose path belongs to sessions by now, or null. The data folder may have such streams of before. */
    public static @Nullable String streamInPlaceOfSession(Streams streams) {
        List<String> found = new ArrayList<>(1);
        streams.forEach(SessionStream.PREFIX, state -> {
            if (found.isEmpty() && !state.deleted()) {
                found.add(state.path());
            }
        });
        return found.isEmpty() ? null : found.getFirst();
    }

    /** The part of a URL's path after the root of streams; null if it is not below it. */
    static @Nullable String belowRoot(String path) {
        if (path.startsWith(PREFIX)) {
            return path.substring(PREFIX.length());
        }
        return path.startsWith(ALIAS) ? path.substring(ALIAS.length()) : null;
    }

    @Override
    public void handle(HttpServerRequest request) {
        HttpServerResponse response = request.response();
        response.putHeader(Wire.NOSNIFF, Wire.NOSNIFF_VALUE)
                .putHeader(Wire.RESOURCE_POLICY, Wire.RESOURCE_POLICY_VALUE);
        cors.apply(request);
        if (localCallers != null) {
            try {
                localCallers.check(request);
            } catch (RefusedException e) {
                e.answer(request);
                return;
            }
        }
        if (request.method().equals(HttpMethod.GET) && isRoot(request)) {
            // A list says of every stream that it is there, so it needs the right to read all.
            allowed(request, EVERYTHING, CapabilityOp.READ, list::handle);
            return;
        }
        String path = StreamPaths.canonical(Objects.requireNonNull(belowRoot(Objects.requireNonNull(request.path()))));
        if (path == null) {
            Replies.error(
                    request,
                    400,
                    "INVALID_PATH",
                    "A stream path has 1 to " + StreamPaths.MAX_LENGTH
                            + " characters, valid escapes, and no segment . or ..");
            return;
        }
        if (request.method().equals(HttpMethod.OPTIONS)) {
            cors.preflight(request);
            return;
        }
        if (StreamPaths.isReserved(path)) {
            subscriptions.handle(request, path);
            return;
        }
        if (SessionStream.is(path)) {
            sessions.handle(request, path, readers.here());
            return;
        }
        switch (request.method().name()) {
            case "POST" -> allowed(request, path, CapabilityOp.APPEND, append::handle);
            case "GET" -> allowed(request, path, CapabilityOp.READ, read::get);
            case "HEAD" -> allowed(request, path, CapabilityOp.READ, read::head);
            case "PUT" -> allowed(request, path, CapabilityOp.CREATE, create::handle);
            case "DELETE" -> allowed(request, path, CapabilityOp.DELETE, delete::handle);
            default -> {
                response.putHeader(HttpHeaders.ALLOW, "GET, POST, PUT, DELETE, HEAD, OPTIONS");
                Replies.error(
                        request,
                        405,
                        "METHOD_NOT_ALLOWED",
                        "The methods for streams are GET, HEAD, PUT, POST, DELETE and OPTIONS.");
            }
        }
    }

    private static boolean isRoot(HttpServerRequest request) {
        return "".equals(belowRoot(Objects.requireNonNull(request.path())));
    }

    @Override
    public void refuse(HttpServerRequest request, int status, String code, String message) {
        cors.apply(request);
        Replies.error(request, status, code, message);
    }

    /** Handles a request. */
    private interface Verb {
        void handle(Exchange exchange) throws RefusedException;
    }

    private void allowed(HttpServerRequest request, String path, CapabilityOp operation, Verb verb) {
        switch (gate.check(request.getHeader(HttpHeaders.AUTHORIZATION), operation, path)) {
            case Access.Granted(Principal principal) -> {
                var exchange =
                        new Exchange(request, path, readers.here(), shares.holder(request.connection(), principal));
                exchange.guard(() -> verb.handle(exchange));
            }
            case Access.Refused refused -> Replies.refused(request, refused);
        }
    }

    @Override
    public Future<Void> drain() {
        return readers.forEach(LiveReaders::drain)
                .compose(ended -> sessions.drain())
                .compose(ended -> read.drained());
    }
}
