package dev.parley.server.streams;

import dev.parley.engine.Engine;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.ProducerTag;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.http.RefusedException;
import dev.parley.server.streams.JsonMessages.InvalidJsonException;
import dev.parley.server.time.NodeClock;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import org.jspecify.annotations.Nullable;

/** POST: appends to a stream, closes it, or both (5.2, 5.2.1, 5.3). */
final class AppendToStream {
    /** The greatest number up to which a double represents all whole numbers, for clients in JavaScript: 2^53 - 1. */
    private static final long MAX_PRODUCER_NUMBER = (1L << 53) - 1;

    private static final int MAX_PRODUCER_DIGITS = 16;

    private final Engine engine;
    private final Offsets offsets;
    private final NodeClock clock;
    private final Lifetimes lifetimes;
    private final int bodyBytes;

    AppendToStream(Engine engine, Offsets offsets, NodeClock clock, Lifetimes lifetimes, int bodyBytes) {
        this.engine = engine;
        this.offsets = offsets;
        this.clock = clock;
        this.lifetimes = lifetimes;
        this.bodyBytes = bodyBytes;
    }

    void handle(Exchange exchange) {
        exchange.body(bodyBytes, body -> lifetimes.whenCertain(exchange, () -> append(exchange, body)));
    }

    private void append(Exchange exchange, byte[] body) throws RefusedException {
        boolean close = exchange.closes();
        if (body.length == 0 && !close) {
            throw RefusedException.badRequest(
                    "EMPTY_BODY", "An append needs a body. To close the stream, send Stream-Closed: true");
        }
        String contentType = body.length == 0 ? null : exchange.storedHeader(HttpHeaders.CONTENT_TYPE);
        if (body.length > 0 && (contentType == null || contentType.isBlank())) {
            throw RefusedException.badRequest("NO_CONTENT_TYPE", "An append needs the stream's Content-Type");
        }
        ProducerTag producer = producer(exchange);
        var command = new StreamCommand.Append(
                exchange.path(),
                clock.millis(),
                contentType,
                payload(contentType, body),
                close,
                producer,
                exchange.storedHeader(Wire.SEQ),
                expected(exchange));
        boolean closeOnly = body.length == 0;
        engine.submit(command, exchange.then(outcome -> answer(exchange, outcome, closeOnly)));
    }

    private @Nullable Place expected(Exchange exchange) throws RefusedException {
        String offset = exchange.header(Wire.EXPECTED_OFFSET);
        if (offset == null) {
            return null;
        }
        Place place = offset.equals("-1") ? new Place.Start() : offsets.parse(offset);
        if (place == null) {
            throw invalidExpected();
        }
        return place;
    }

    private static RefusedException invalidExpected() {
        return RefusedException.badRequest(
                "INVALID_OFFSET",
                "Stream-Expected-Offset must be an offset that this server has given out for the stream");
    }

    private static Payload payload(@Nullable String contentType, byte[] body) throws RefusedException {
        if (contentType == null || !StreamState.isJson(contentType)) {
            return Payload.ofBytes(body);
        }
        try {
            Payload messages = JsonMessages.parse(body);
            if (messages.isEmpty()) {
                throw RefusedException.badRequest("EMPTY_ARRAY", "An empty array holds no message to append");
            }
            return messages;
        } catch (InvalidJsonException e) {
            throw RefusedException.badRequest("INVALID_JSON", String.valueOf(e.getMessage()));
        }
    }

    private static @Nullable ProducerTag producer(Exchange exchange) throws RefusedException {
        String id = exchange.storedHeader(Wire.PRODUCER_ID);
        String epoch = exchange.header(Wire.PRODUCER_EPOCH);
        String seq = exchange.header(Wire.PRODUCER_SEQ);
        if (id == null && epoch == null && seq == null) {
            return null;
        }
        if (id == null || epoch == null || seq == null) {
            throw RefusedException.badRequest(
                    "INCOMPLETE_PRODUCER", "Producer-Id, Producer-Epoch and Producer-Seq belong together");
        }
        if (id.isEmpty()) {
            throw RefusedException.badRequest("INVALID_PRODUCER", "Producer-Id must not be empty");
        }
        return new ProducerTag(id, number("Producer-Epoch", epoch), number("Producer-Seq", seq));
    }

    private static long number(String name, String value) throws RefusedException {
        boolean digits = !value.isEmpty() && value.length() <= MAX_PRODUCER_DIGITS;
        for (int i = 0; digits && i < value.length(); i++) {
            digits = value.charAt(i) >= '0' && value.charAt(i) <= '9';
        }
        if (!digits || Long.parseLong(value) > MAX_PRODUCER_NUMBER) {
            throw RefusedException.badRequest(
                    "INVALID_PRODUCER", name + " must be a whole number from 0 to " + MAX_PRODUCER_NUMBER);
        }
        return Long.parseLong(value);
    }

    private void answer(Exchange exchange, StreamOutcome.OfAppend outcome, boolean closeOnly) {
        switch (outcome) {
            case StreamOutcome.Appended done ->
                // The status tells a producer whether its data is new. A close without data has no new data.
                accept(
                        exchange,
                        closeOnly || done.seq() < 0 ? 204 : 200,
                        offsets.render(done.streamId(), exchange.path(), done.tail()),
                        done.closed(),
                        done.epoch(),
                        done.seq());
            case StreamOutcome.Duplicate again ->
                accept(
                        exchange,
                        204,
                        offsets.render(again.streamId(), exchange.path(), again.tail()),
                        again.closed(),
                        again.epoch(),
                        again.seq());
            case StreamOutcome.NotFound none -> exchange.notFound();
            case StreamOutcome.Gone gone -> exchange.gone();
            case StreamOutcome.Closed closed -> {
                exchange.response().putHeader(Wire.CLOSED, Wire.TRUE);
                tail(exchange, closed.streamId(), closed.tail());
                exchange.error(409, "STREAM_CLOSED", "The stream is closed; nothing more can be appended.");
            }
            case StreamOutcome.TypeDiffers differs ->
                exchange.error(409, "CONTENT_TYPE_DIFFERS", "The stream's content type is " + differs.expected() + ".");
            case StreamOutcome.TailDiffers differs -> {
                tail(exchange, differs.streamId(), differs.tail());
                exchange.error(
                        409,
                        "OFFSET_CONFLICT",
                        "Expected offset conflict: the stream's tail is not where the writer believed it to be.");
            }
            case StreamOutcome.EarlierPlace earlier -> exchange.earlierOffset("Stream-Expected-Offset");
            case StreamOutcome.UnknownPlace unknown -> invalidExpected().answer(exchange.request());
            case StreamOutcome.SeqRegressed regressed -> {
                tail(exchange, regressed.streamId(), regressed.tail());
                exchange.error(
                        409,
                        "SEQ_REGRESSED",
                        "Stream-Seq must be greater than the last one, " + regressed.last()
                                + ": the sequence has gone on without this append.");
            }
            case StreamOutcome.StaleEpoch stale -> {
                exchange.response().putHeader(Wire.PRODUCER_EPOCH, Long.toString(stale.current()));
                exchange.error(403, "STALE_EPOCH", "A producer with epoch " + stale.current() + " has taken over.");
            }
            case StreamOutcome.SeqGap gap -> {
                exchange.response()
                        .putHeader(Wire.PRODUCER_EXPECTED_SEQ, Long.toString(gap.expected()))
                        .putHeader(Wire.PRODUCER_RECEIVED_SEQ, Long.toString(gap.received()));
                exchange.error(409, "SEQ_GAP", "The next Producer-Seq is " + gap.expected() + ".");
            }
            case StreamOutcome.EpochNotFromZero from ->
                exchange.error(400, "INVALID_PRODUCER", "A new Producer-Epoch must begin with Producer-Seq 0.");
        }
    }

    /** Adds the tail to a refusal, so that the client can continue there. */
    private void tail(Exchange exchange, long streamId, long tail) {
        exchange.response().putHeader(Wire.NEXT_OFFSET, offsets.render(streamId, exchange.path(), tail));
    }

    private static void accept(Exchange exchange, int status, String tail, boolean closed, long epoch, long seq) {
        HttpServerResponse response = exchange.response().setStatusCode(status).putHeader(Wire.NEXT_OFFSET, tail);
        if (closed) {
            response.putHeader(Wire.CLOSED, Wire.TRUE);
        }
        if (seq >= 0) {
            response.putHeader(Wire.PRODUCER_EPOCH, Long.toString(epoch))
                    .putHeader(Wire.PRODUCER_SEQ, Long.toString(seq));
        }
        response.end();
    }
}
