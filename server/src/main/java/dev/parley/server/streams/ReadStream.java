package dev.parley.server.streams;

import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.delivery.Tail;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.config.Config;
import dev.parley.server.http.Answers;
import dev.parley.server.http.Permits;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.http.RefusedException;
import dev.parley.server.streams.LiveReaders.Seat;
import dev.parley.server.time.NodeClock;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import java.time.Instant;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** GET and HEAD: finds the stream, and answers with what it has, or follows it (5.5 to 5.8). */
final class ReadStream {
    private final Engine engine;
    private final Offsets offsets;
    private final Config config;
    private final NodeClock clock;
    private final Purse backlogs;
    private final CatchUp catchUp;
    private final Permits liveReads;
    private final Answers answers;

    /**
     * Reads from {@code engine}.
     *
     * @param backlogs the memory of data that live readers have not accepted
     * @param answers the memory of answers that clients have not accepted
     * @param shared whether answers are the same for all clients, so that any cache may keep them
     * @param liveReads limits the live reads of all event loops
     */
    ReadStream(
            Engine engine,
            Offsets offsets,
            Config config,
            Purse backlogs,
            Answers answers,
            NodeClock clock,
            boolean shared,
            Permits liveReads) {
        this.engine = engine;
        this.offsets = offsets;
        this.config = config;
        this.backlogs = backlogs;
        this.clock = clock;
        this.catchUp = new CatchUp(engine, offsets, config, answers, clock, shared);
        this.liveReads = liveReads;
        this.answers = answers;
    }

    /** Completes when clients have accepted the answers that are being sent. */
    Future<Void> drained() {
        return answers.drained();
    }

    void head(Exchange exchange) {
        find(exchange, state -> {
            HttpServerResponse response = exchange.response()
                    .putHeader(HttpHeaders.CONTENT_TYPE, state.contentType())
                    .putHeader(HttpHeaders.CACHE_CONTROL, Wire.NO_STORE)
                    .putHeader(Wire.NEXT_OFFSET, offsets.render(state, state.tail()));
            if (state.ttlMillis() >= 0) {
                response.putHeader(Wire.TTL, Long.toString(state.ttlMillis() / 1_000));
            }
            if (state.expiresAt() >= 0) {
                response.putHeader(
                        Wire.EXPIRES_AT, Instant.ofEpochMilli(state.expiresAt()).toString());
            }
            if (state.closed()) {
                response.putHeader(Wire.CLOSED, Wire.TRUE);
            }
            response.end();
        });
    }

    void get(Exchange exchange) throws RefusedException {
        ReadQuery query = ReadQuery.of(exchange, offsets);
        find(exchange, state -> {
            touch(state);
            switch (query.start(state)) {
                case Place.At(long start) -> read(exchange, query, state, start);
                case Place.Beyond beyond ->
                    exchange.error(
                            400,
                            "OFFSET_BEYOND_TAIL",
                            "The stream ends at " + offsets.render(state, state.tail()) + ".");
                case Place.Earlier earlier -> exchange.earlierOffset("offset");
                case Place.Unknown unknown -> ReadQuery.invalid().answer(exchange.request());
            }
        });
    }

    private void read(Exchange exchange, ReadQuery query, StreamState state, long start) {
        switch (query.live()) {
            case NO -> catchUp.answer(exchange, query, state, start);
            case LONG_POLL, SSE -> {
                if (query.returning() && state.closed() && start >= state.tail()) {
                    end(exchange, state);
                } else {
                    follow(exchange, query, state, start);
                }
            }
        }
    }

    /** Ends the reading. Only this status keeps an EventSource from connecting again and again. */
    private void end(Exchange exchange, StreamState state) {
        exchange.response()
                .setStatusCode(204)
                .putHeader(Wire.NEXT_OFFSET, offsets.render(state, state.tail()))
                .putHeader(Wire.UP_TO_DATE, Wire.TRUE)
                .putHeader(Wire.CLOSED, Wire.TRUE)
                .putHeader(HttpHeaders.CACHE_CONTROL, Wire.NO_STORE)
                .end();
    }

    /**
     * Looks the stream up, and goes on with it if it exists. A state that is in memory is found without the way to a thread
     * that may block: a thousand readers that come back at once find it there.
     */
    private void find(Exchange exchange, Consumer<StreamState> action) {
        StreamState cached = engine.streams().findCached(exchange.path());
        if (cached != null) {
            goOn(exchange, cached, action);
        } else {
            exchange.blocking(
                    () -> new Found(engine.streams().find(exchange.path())),
                    found -> goOn(exchange, found.state(), action));
        }
    }

    private void goOn(Exchange exchange, @Nullable StreamState state, Consumer<StreamState> action) {
        if (state != null && state.deleted()) {
            exchange.gone();
        } else if (state == null || state.expired(clock.deletionMillis())) {
            exchange.notFound();
        } else {
            action.accept(state);
        }
    }

    private record Found(@Nullable StreamState state) {}

    /** Renews a sliding lifetime, because the stream is read. This is a command, like any other change. */
    void touch(StreamState state) {
        long now = clock.millis();
        if (state.wantsTouch(now)) {
            engine.submit(new StreamCommand.Touch(state.path(), now), new Reply<StreamOutcome.OfTouch>() {
                @Override
                public void done(StreamOutcome.OfTouch outcome) {
                    // The stream may have ended meanwhile; the next request will notice it.
                }

                @Override
                public void failed(Exception failure) {
                    // The engine is overloaded or stopping. The lifetime then counts from an earlier read, as if this
                    // request had come a little earlier.
                }
            });
        }
    }

    private void follow(Exchange exchange, ReadQuery query, StreamState state, long start) {
        if (exchange.response().closed()) {
            return;
        }
        Permit permit = liveReads.take();
        if (permit == null) {
            exchange.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
            exchange.error(503, "TOO_MANY_READERS", "The limit of live reads is reached; try again later.");
            return;
        }
        Seat seat = exchange.readers().seat(state.id(), permit);
        seat.unless(() -> {
            LiveRead read = query.live() == ReadQuery.Live.SSE
                    ? new SseRead(exchange, seat, offsets, backlogs, query.cursor(), config, clock)
                    : new LongPollRead(exchange, seat, offsets, answers, query.cursor(), config, clock);
            Runnable listener = seat.readers().listener();
            Tail inMemory = engine.delivery().tailInMemory(state, start, listener);
            if (inMemory != null) {
                begin(exchange, read, inMemory);
                return;
            }
            exchange.blocking(
                    () -> new Opened(engine.delivery().tail(state, start, listener)),
                    seat::close,
                    opened -> seat.unless(() -> begin(exchange, read, opened.tail())));
        });
    }

    private record Opened(@Nullable Tail tail) {}

    private static void begin(Exchange exchange, LiveRead read, @Nullable Tail tail) {
        if (tail == null || exchange.response().closed()) {
            if (tail != null) {
                tail.close();
            }
            read.seat().close();
            exchange.notFound();
            return;
        }
        read.start(tail);
        if (exchange.readers().isDraining()) {
            // It had not begun when the others were told to end.
            read.drain();
        }
    }
}
