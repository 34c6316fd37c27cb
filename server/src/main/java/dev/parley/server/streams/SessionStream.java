package dev.parley.server.streams;

import dev.parley.engine.Engine;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.session.SessionName;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.config.Config;
import dev.parley.server.http.Answers;
import dev.parley.server.http.Gzip;
import dev.parley.server.http.Permits;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.http.RefusedException;
import dev.parley.server.http.Replies;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.EventLoops;
import dev.parley.server.request.Request;
import dev.parley.server.request.Senders;
import dev.parley.server.time.NodeClock;
import dev.parley.server.wire.WireException;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@value StreamsDoor#PREFIX}{@value #PREFIX} and the id of a session: what is in the session as rows of the state protocol,
 * for reading only. Nothing is stored for it; it is rendered from the session's own log (ADR 14).
 */
final class SessionStream {
    /** What the paths of these streams begin with. No other stream may have such a path. */
    static final String PREFIX = "sessions/";

    static final String JSON = "application/json";

    private static final int OVERHEAD_BYTES = 1 << 10;

    private final Engine engine;
    private final Config config;
    private final Gate gate;
    private final Senders senders;
    private final Shares shares;
    private final Answers answers;
    private final NodeClock clock;
    private final Permits liveReads;
    private final SessionPages pages;
    private final EventLoops.Local<SessionReaders> readers;

    SessionStream(
            Engine engine,
            EventLoops loops,
            Config config,
            Gate gate,
            Shares shares,
            Answers answers,
            NodeClock clock,
            Permits liveReads) {
        this.engine = engine;
        this.config = config;
        this.gate = gate;
        this.senders = Senders.of(gate, config);
        this.shares = shares;
        this.answers = answers;
        this.clock = clock;
        this.liveReads = liveReads;
        this.pages = new SessionPages(engine.sessions().changes(), engine.identities());
        this.readers = loops.local(SessionReaders::new);
    }

    /** Whether a path is that of a session. */
    static boolean is(String path) {
        return path.startsWith(PREFIX);
    }

    /** Ends the live reads. */
    Future<Void> drain() {
        return readers.forEach(SessionReaders::drain);
    }

    /**
     * Answers a request.
     *
     * @param path the path of the stream
     */
    void handle(HttpServerRequest request, String path, LiveReaders loop) {
        boolean head = request.method().name().equals("HEAD");
        if (!head && !request.method().name().equals("GET")) {
            request.response().putHeader(HttpHeaders.ALLOW, "GET, HEAD, OPTIONS");
            Replies.error(
                    request,
                    405,
                    "METHOD_NOT_ALLOWED",
                    "The stream of a session is for reading; the session door at /v1/" + path + " is for writing.");
            return;
        }
        try {
            String id = path.substring(PREFIX.length());
            if (id.indexOf('/') >= 0) {
                throw new RefusedException(
                        404, "STREAM_NOT_FOUND", "A slash in the id of a session is written as %2F.");
            }
            ChannelName session = ChannelName.parse(decoded(id));
            if (!session.qualifier().isEmpty()) {
                throw RefusedException.badRequest("INVALID_SESSION", "The id of a session has no qualifier.");
            }
            Principal principal = permitted(request, session);
            if (principal != null) {
                var exchange = new Exchange(request, path, loop, shares.holder(request.connection(), principal));
                SessionName name = session.in(principal.app());
                if (head) {
                    head(exchange, name);
                } else {
                    get(exchange, name);
                }
            }
        } catch (RefusedException e) {
            e.answer(request);
        } catch (WireException e) {
            Replies.error(
                    request,
                    e.error().statusCode(),
                    "INVALID_SESSION",
                    e.error().message());
        }
    }

    /** Decodes a segment of a path whose escapes are valid. Bytes that are no text would make one name of two. */
    private static String decoded(String segment) throws RefusedException {
        String bytes = URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.ISO_8859_1);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.getBytes(StandardCharsets.ISO_8859_1)))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new RefusedException(400, "INVALID_SESSION", "The id of the session has escapes that are not UTF-8.");
        }
    }

    /** The sender, if it may see what is in the session. If not, the request is answered. */
    private @Nullable Principal permitted(HttpServerRequest request, ChannelName session) throws RefusedException {
        Access access = senders.authenticate(request, authorization(request));
        for (CapabilityOp operation : List.of(CapabilityOp.HISTORY, CapabilityOp.SUBSCRIBE)) {
            if (access instanceof Access.Granted(Principal principal)) {
                access = gate.permit(principal, operation, session.full());
            }
        }
        return switch (access) {
            case Access.Granted(Principal principal) -> principal;
            case Access.Refused refused -> {
                Replies.refused(request, refused);
                yield null;
            }
        };
    }

    /** The credentials: in the header, or in the query for an EventSource, which sends no header. */
    private static @Nullable String authorization(HttpServerRequest request) {
        String header = request.getHeader(HttpHeaders.AUTHORIZATION);
        if (header != null) {
            return header;
        }
        for (String name : Request.CREDENTIALS) {
            String value = request.getParam(name);
            if (value != null) {
                return "Bearer " + value;
            }
        }
        return null;
    }

    private void head(Exchange exchange, SessionName name) {
        exchange.blocking(() -> pages.end(name), read -> {
            if (read instanceof SessionPages.Page page) {
                exchange.response()
                        .putHeader(HttpHeaders.CONTENT_TYPE, JSON)
                        .putHeader(HttpHeaders.CACHE_CONTROL, Wire.NO_STORE)
                        .putHeader(Wire.NEXT_OFFSET, page.next().render())
                        .end();
            } else {
                refuse(exchange, read);
            }
        });
    }

    private void get(Exchange exchange, SessionName name) throws RefusedException {
        ReadQuery.Asked asked = ReadQuery.asked(exchange);
        SessionPlace from = null;
        String offset = asked.offset();
        if (offset != null && !asked.whole() && !asked.now() && !offset.equals(Offsets.START)) {
            from = SessionPlace.parse(offset);
            if (from == null) {
                throw ReadQuery.invalid();
            }
        }
        SessionPlace place = from;
        switch (asked.live()) {
            case NO -> catchUp(exchange, name, asked, place);
            case LONG_POLL, SSE -> follow(exchange, name, asked, place);
        }
    }

    private void catchUp(Exchange exchange, SessionName name, ReadQuery.Asked asked, @Nullable SessionPlace from) {
        int pageBytes = config.limits().chunkBytes();
        answers.whenRoom(
                exchange.request(),
                exchange.holder().of(Memory.Kind.ANSWERS),
                2L * pageBytes + OVERHEAD_BYTES,
                held -> exchange.blocking(
                        () -> asked.now() ? pages.end(name) : pages.after(name, from, pageBytes),
                        held::close,
                        read -> answer(exchange, read, held)),
                () -> Answers.refuse(exchange.request()));
    }

    private void answer(Exchange exchange, SessionPages.Read read, Reservation held) {
        boolean handed = false;
        try {
            if (!(read instanceof SessionPages.Page page)) {
                refuse(exchange, read);
                return;
            }
            byte[] plain = page.body();
            if (!held.tryGrowTo(plain.length)) {
                Answers.refuse(exchange.request());
                return;
            }
            Gzip.Packed body = Gzip.isAccepted(exchange.request()) ? Gzip.pack(plain) : new Gzip.Packed(plain, false);
            String tag = SessionPages.tag(page, body.compressed());
            HttpServerResponse response = exchange.response()
                    .putHeader(Wire.NEXT_OFFSET, page.next().render())
                    // Rows change, so caches have to ask each time; and the answer is for this client only.
                    .putHeader(HttpHeaders.CACHE_CONTROL, "private, no-cache")
                    .putHeader(HttpHeaders.ETAG, tag);
            response.headers().add(HttpHeaders.VARY, HttpHeaders.ACCEPT_ENCODING);
            if (page.upToDate()) {
                response.putHeader(Wire.UP_TO_DATE, Wire.TRUE);
            }
            if (EntityTags.matches(exchange.header(HttpHeaders.IF_NONE_MATCH), tag)) {
                response.setStatusCode(304).end();
                return;
            }
            response.putHeader(HttpHeaders.CONTENT_TYPE, JSON);
            if (body.compressed()) {
                response.putHeader(HttpHeaders.CONTENT_ENCODING, "gzip");
            }
            answers.end(exchange.request(), exchange.holder().of(Memory.Kind.ANSWERS), held, body.bytes());
            handed = true;
        } finally {
            if (!handed) {
                held.close();
            }
        }
    }

    private void follow(Exchange exchange, SessionName name, ReadQuery.Asked asked, @Nullable SessionPlace from) {
        if (exchange.response().closed()) {
            return;
        }
        Permit permit = liveReads.take();
        if (permit == null) {
            exchange.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
            exchange.error(503, "TOO_MANY_READERS", "The limit of live reads is reached; try again later.");
            return;
        }
        boolean sse = asked.live() == ReadQuery.Live.SSE;
        int pageBytes = sse ? SessionSse.BATCH_BYTES : config.limits().chunkBytes();
        var reading = new SessionRead.Reading(name, asked, from, pages, engine.delivery(), pageBytes);
        SessionRead read = sse
                ? new SessionSse(exchange, readers.here(), permit, reading, config, clock)
                : new SessionLongPoll(exchange, readers.here(), permit, reading, answers, config, clock);
        read.start();
    }

    /** Answers a request for what is not there. */
    static void refuse(Exchange exchange, SessionPages.Read why) {
        switch (why) {
            case SessionPages.NoSession none ->
                exchange.error(404, "STREAM_NOT_FOUND", "There is no session with this id.");
            case SessionPages.Lost lost ->
                exchange.error(
                        410,
                        "OFFSET_LOST",
                        "What has changed in the session since this offset is not known any more: it was removed, or the"
                                + " session is another one. Start over at -1 with no rows.");
            case SessionPages.Beyond beyond ->
                exchange.error(400, "OFFSET_BEYOND_TAIL", "The session ends before this offset.");
            case SessionPages.Page page -> throw new IllegalStateException("a page is an answer");
        }
    }
}
