package dev.parley.server.streams;

import dev.parley.engine.Engine;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.http.PublicAddress;
import dev.parley.server.http.RefusedException;
import dev.parley.server.http.Replies;
import dev.parley.server.streams.JsonMessages.InvalidJsonException;
import dev.parley.server.time.NodeClock;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** PUT: creates a stream or a fork, or confirms that it exists with this configuration (5.1, 4.2). */
final class CreateStream {
    private static final Pattern NUMBER = Pattern.compile("0|[1-9][0-9]{0,15}");
    private static final Pattern MEDIA_TYPE = Pattern.compile("[!#$%&'*+.^_`|~\\w-]+/[!#$%&'*+.^_`|~\\w-]+\\s*(;.*)?");
    private static final long MAX_TTL_SECONDS = 100L * 365 * 24 * 3600;
    private static final String BYTES = "application/octet-stream";

    private final Engine engine;
    private final Offsets offsets;
    private final NodeClock clock;
    private final Lifetimes lifetimes;
    private final Gate gate;
    private final PublicAddress address;
    private final int bodyBytes;

    CreateStream(
            Engine engine,
            Offsets offsets,
            Gate gate,
            PublicAddress address,
            NodeClock clock,
            Lifetimes lifetimes,
            int bodyBytes) {
        this.address = address;
        this.engine = engine;
        this.offsets = offsets;
        this.clock = clock;
        this.lifetimes = lifetimes;
        this.gate = gate;
        this.bodyBytes = bodyBytes;
    }

    void handle(Exchange exchange) {
        exchange.body(bodyBytes, body -> lifetimes.whenCertain(exchange, () -> create(exchange, body)));
    }

    private void create(Exchange exchange, byte[] body) throws RefusedException {
        String contentType = contentType(exchange);
        String ttl = exchange.header(Wire.TTL);
        String expiresAt = exchange.header(Wire.EXPIRES_AT);
        if (ttl != null && expiresAt != null) {
            throw RefusedException.badRequest("TWO_LIFETIMES", "Give Stream-TTL or Stream-Expires-At, not both");
        }
        StreamCommand.Fork fork = fork(exchange);
        if (fork != null
                && gate.check(exchange.header(HttpHeaders.AUTHORIZATION), CapabilityOp.READ, fork.sourcePath())
                        instanceof Access.Refused refused) {
            Replies.refused(exchange.request(), refused);
            return;
        }
        if (contentType == null && fork == null) {
            contentType = BYTES;
        }
        var command = new StreamCommand.Create(
                exchange.path(),
                clock.millis(),
                contentType,
                ttl == null ? StreamCommand.NONE : ttlMillis(ttl),
                expiresAt == null ? StreamCommand.NONE : instant(expiresAt),
                exchange.closes(),
                Payload.empty(),
                fork);
        if (contentType == null && fork != null && body.length > 0) {
            // A fork without a content type has the one of its source, which decides how the body is split.
            exchange.blocking(
                    () -> sourceType(fork),
                    type -> exchange.guard(() -> submit(exchange, command, payload(type, body))));
        } else {
            submit(exchange, command, payload(contentType == null ? BYTES : contentType, body));
        }
    }

    private void submit(Exchange exchange, StreamCommand.Create command, Payload payload) {
        engine.submit(command.with(payload), exchange.then(outcome -> answer(exchange, outcome)));
    }

    private static @Nullable String contentType(Exchange exchange) throws RefusedException {
        String given = exchange.storedHeader(HttpHeaders.CONTENT_TYPE);
        if (given == null || given.isBlank()) {
            return null;
        }
        if (!MEDIA_TYPE.matcher(given.strip()).matches()) {
            throw RefusedException.badRequest(
                    "INVALID_CONTENT_TYPE", "Content-Type is not a media type such as text/plain");
        }
        return given.strip();
    }

    private String sourceType(StreamCommand.Fork fork) {
        StreamState source = engine.streams().find(fork.sourcePath());
        return source == null ? BYTES : source.contentType();
    }

    private static Payload payload(String contentType, byte[] body) throws RefusedException {
        if (body.length == 0 || !StreamState.isJson(contentType)) {
            return Payload.ofBytes(body);
        }
        try {
            return JsonMessages.parse(body);
        } catch (InvalidJsonException e) {
            throw RefusedException.badRequest("INVALID_JSON", String.valueOf(e.getMessage()));
        }
    }

    private static long ttlMillis(String seconds) throws RefusedException {
        if (!NUMBER.matcher(seconds).matches() || Long.parseLong(seconds) > MAX_TTL_SECONDS) {
            throw RefusedException.badRequest(
                    "INVALID_TTL", "Stream-TTL must be a whole number of seconds from 0 to " + MAX_TTL_SECONDS);
        }
        return Long.parseLong(seconds) * 1_000;
    }

    private static long instant(String timestamp) throws RefusedException {
        try {
            long millis = OffsetDateTime.parse(timestamp).toInstant().toEpochMilli();
            if (millis >= 0) {
                return millis;
            }
        } catch (DateTimeException | ArithmeticException e) {
            // Refused below, like a time before 1970.
        }
        throw RefusedException.badRequest(
                "INVALID_EXPIRES_AT", "Stream-Expires-At must be a time such as 2030-01-31T12:00:00Z (RFC 3339)");
    }

    private StreamCommand.@Nullable Fork fork(Exchange exchange) throws RefusedException {
        String source = exchange.header(Wire.FORKED_FROM);
        String offset = exchange.header(Wire.FORK_OFFSET);
        String subOffset = exchange.header(Wire.FORK_SUB_OFFSET);
        if (source == null) {
            if (offset != null || subOffset != null) {
                throw RefusedException.badRequest(
                        "NOT_A_FORK", "Stream-Fork-Offset and Stream-Fork-Sub-Offset need Stream-Forked-From");
            }
            return null;
        }
        String belowRoot = StreamsDoor.belowRoot(source);
        String path = belowRoot == null ? null : StreamPaths.canonical(belowRoot);
        if (path == null || StreamPaths.isReserved(path)) {
            throw RefusedException.badRequest(
                    "INVALID_FORK_SOURCE", "Stream-Forked-From must be a path below " + StreamsDoor.PREFIX);
        }
        Place place = offset == null ? null : offset.equals("-1") ? new Place.Start() : offsets.parse(offset);
        if (offset != null && place == null) {
            throw RefusedException.badRequest(
                    "INVALID_OFFSET", "Stream-Fork-Offset must be an offset that this server has given out");
        }
        if (subOffset != null && !NUMBER.matcher(subOffset).matches()) {
            throw RefusedException.badRequest(
                    "INVALID_SUB_OFFSET", "Stream-Fork-Sub-Offset must be a whole number from 0");
        }
        return new StreamCommand.Fork(path, place, subOffset == null ? 0 : Long.parseLong(subOffset), null);
    }

    /** The stream's URL, as this client knows it. */
    private String url(Exchange exchange) {
        String path = StreamsDoor.PREFIX + exchange.path();
        String server = address.of(exchange.request());
        return server == null ? path : server + path;
    }

    private void answer(Exchange exchange, StreamOutcome.OfCreate outcome) {
        switch (outcome) {
            case StreamOutcome.Created created -> {
                exchange.response().putHeader(HttpHeaders.LOCATION, url(exchange));
                confirm(exchange, 201, created.state());
            }
            case StreamOutcome.Existed existed -> confirm(exchange, 200, existed.state());
            case StreamOutcome.ConfigDiffers differs ->
                exchange.error(
                        409, "CONFIG_DIFFERS", "A stream exists at this path, with another " + differs.what() + ".");
            case StreamOutcome.Gone gone ->
                exchange.error(
                        409, "PATH_BLOCKED", "The path belongs to a deleted stream until its last fork is deleted.");
            case StreamOutcome.ForkTypeDiffers differs ->
                exchange.error(
                        409, "CONTENT_TYPE_DIFFERS", "The source stream's content type is " + differs.expected() + ".");
            case StreamOutcome.ForkRefused refused -> refuse(exchange, refused.reason());
            case StreamOutcome.PinNeeded needed ->
                exchange.error(409, "CONFLICT", "The path is being created and deleted by others; try again.");
        }
    }

    private void confirm(Exchange exchange, int status, StreamState state) {
        HttpServerResponse response = exchange.response()
                .setStatusCode(status)
                .putHeader(HttpHeaders.CONTENT_TYPE, state.contentType())
                .putHeader(Wire.NEXT_OFFSET, offsets.render(state, state.tail()));
        if (state.closed()) {
            response.putHeader(Wire.CLOSED, Wire.TRUE);
        }
        response.end();
    }

    private static void refuse(Exchange exchange, StreamOutcome.OfPin reason) {
        switch (reason) {
            case StreamOutcome.NotFound none ->
                exchange.error(404, "FORK_SOURCE_NOT_FOUND", "There is no stream at the path in Stream-Forked-From.");
            case StreamOutcome.Gone gone -> exchange.error(409, "FORK_SOURCE_GONE", "The source stream was deleted.");
            case StreamOutcome.BeyondTail beyond ->
                exchange.error(400, "INVALID_OFFSET", "Stream-Fork-Offset is beyond the source's tail.");
            case StreamOutcome.EarlierPlace earlier -> exchange.earlierOffset("Stream-Fork-Offset");
            case StreamOutcome.UnknownPlace unknown ->
                exchange.error(
                        400,
                        "INVALID_OFFSET",
                        "Stream-Fork-Offset was not given out for the stream in Stream-Forked-From.");
            case StreamOutcome.BeyondEntry beyond ->
                exchange.error(
                        400, "INVALID_SUB_OFFSET", "Stream-Fork-Sub-Offset reaches past the append at that offset.");
            case StreamOutcome.EntryNeeded needed ->
                exchange.error(409, "CONFLICT", "The source is being created and deleted by others; try again.");
            case StreamOutcome.TooManyForks many ->
                exchange.error(429, "TOO_MANY_FORKS", "The limit of " + many.limit() + " is reached.");
            case StreamOutcome.PinGranted granted -> throw new IllegalStateException("a grant is no refusal");
        }
    }
}
