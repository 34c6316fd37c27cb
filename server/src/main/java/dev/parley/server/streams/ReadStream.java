package dev.parley.server.streams;

import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.config.Config;
import dev.parley.server.http.Gzip;
import dev.parley.server.http.RefusedException;
import dev.parley.server.time.NodeClock;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** GET and HEAD: finds the stream, then reads what is there or follows what comes (5.5 to 5.8). */
final class ReadStream {
    private static final long MAX_CACHE_SECONDS = 60;
    private static final long MAX_STALE_SECONDS = 300;

    private final Engine engine;
    private final Offsets offsets;
    private final Config config;
    private final NodeClock clock;
    private final boolean shared;
    private final AtomicInteger liveReaders;
    private final ResponseBudget budget;

    /**
     * Reads from {@code engine}.
     *
     * @param answers what answers that clients have not taken may hold
     * @param shared whether answers are the same for everybody, so that any cache may keep them
     * @param liveReaders counts the live reads of all event loops
     */
    ReadStream(
            Engine engine,
            Offsets offsets,
            Config config,
            Purse answers,
            NodeClock clock,
            boolean shared,
            AtomicInteger liveReaders) {
        this.engine = engine;
        this.offsets = offsets;
        this.config = config;
        this.clock = clock;
        this.shared = shared;
        this.liveReaders = liveReaders;
        this.budget = new ResponseBudget(answers);
    }

    /** Completes when clients have taken the answers that are on their way. */
    Future<Void> drained() {
        return budget.drained();
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
            case NO -> catchUp(exchange, query, state, start);
            case LONG_POLL, SSE -> follow(exchange, query, state, start);
        }
    }

    /**
     * Looks the stream up, and goes on with it if it is there. Only what is not in memory costs a way to a thread that
     * may block: a thousand readers who come back at once find a stream that is in memory.
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

    /** A read renews a sliding lifetime; that it does is a fact like any other and goes through the journal. */
    void touch(StreamState state) {
        long now = clock.millis();
        if (state.wantsTouch(now)) {
            engine.submit(new StreamCommand.Touch(state.path(), now), new Reply<StreamOutcome.OfTouch>() {
                @Override
                public void done(StreamOutcome.OfTouch outcome) {
                    // The stream may have ended meanwhile; the next request finds out.
                }

                @Override
                public void failed(Exception failure) {
                    // Overloaded or stopping: the stream then ends up to one read too early, which is what the
                    // client sees when its own clock is late.
                }
            });
        }
    }

    private record Chunk(long to, Gzip.Packed body) {}

    private void catchUp(Exchange exchange, ReadQuery query, StreamState state, long start) {
        // What is neither text nor JSON is often compressed already, or encrypted.
        boolean compress = (state.isJson() || state.isText()) && Gzip.isAccepted(exchange.request());
        exchange.blocking(
                () -> {
                    List<Entry> entries = query.now()
                            ? List.of()
                            : engine.streams()
                                    .read(state, start, config.limits().chunkBytes());
                    byte[] body = body(state, entries);
                    return new Chunk(
                            entries.isEmpty() ? start : entries.getLast().end(),
                            compress ? Gzip.pack(body) : new Gzip.Packed(body, false));
                },
                chunk -> answer(exchange, query, state, start, chunk));
    }

    private void answer(Exchange exchange, ReadQuery query, StreamState state, long start, Chunk chunk) {
        boolean upToDate = chunk.to() >= state.shown();
        boolean ends = upToDate && state.closed();
        HttpServerResponse response = exchange.response()
                .putHeader(Wire.NEXT_OFFSET, offsets.render(state, chunk.to()))
                .putHeader(HttpHeaders.CACHE_CONTROL, caching(state, chunk.to() > start, !upToDate || ends));
        if (upToDate) {
            response.putHeader(Wire.UP_TO_DATE, Wire.TRUE);
        }
        if (ends) {
            response.putHeader(Wire.CLOSED, Wire.TRUE);
        }
        if (!query.now()) {
            // Closing changes no byte but must not be hidden by an old answer.
            String plain = tag(offsets, state, start, chunk.to(), ends);
            String tag = chunk.body().compressed() ? plain.substring(0, plain.length() - 1) + "-gzip\"" : plain;
            response.putHeader(HttpHeaders.ETAG, tag);
            if (matches(exchange.header(HttpHeaders.IF_NONE_MATCH), tag)) {
                response.headers().add(HttpHeaders.VARY, HttpHeaders.ACCEPT_ENCODING);
                response.setStatusCode(304).end();
                return;
            }
        }
        response.putHeader(HttpHeaders.CONTENT_TYPE, state.contentType());
        budget.end(exchange, chunk.body());
    }

    /** The tag of an answer; no stream of this or another data folder has the same for something else. */
    static String tag(Offsets offsets, StreamState state, long from, long to, boolean ends) {
        return '"' + offsets.name(state) + ':' + from + ':' + to + (ends ? ":c\"" : "\"");
    }

    private static boolean matches(@Nullable String condition, String tag) {
        if (condition == null) {
            return false;
        }
        for (String candidate : condition.split(",", -1)) {
            String stripped = candidate.strip();
            if (stripped.equals("*") || (stripped.startsWith("W/") ? stripped.substring(2) : stripped).equals(tag)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Entries never change, so caches may keep them (10.1), but not for longer than the stream lives. An answer that reaches
     * the tail of an open stream is another one after the next append, and who has just appended must see that: a cache
     * asks us each time. That there are no entries yet is true for a moment only.
     */
    private CharSequence caching(StreamState state, boolean hasEntries, boolean complete) {
        if (!hasEntries) {
            return Wire.NO_STORE;
        }
        if (!complete) {
            return Wire.NO_CACHE;
        }
        long life = Long.MAX_VALUE;
        if (state.ttlMillis() >= 0) {
            life = state.ttlMillis() / 1_000;
        } else if (state.expiresAt() >= 0) {
            life = Math.max(0, (state.expiresAt() - clock.millis()) / 1_000);
        }
        long fresh = Math.min(MAX_CACHE_SECONDS, life);
        long stale = Math.min(MAX_STALE_SECONDS, life - fresh);
        String directives = (shared ? "public" : "private") + ", max-age=" + fresh;
        return stale > 0 ? directives + ", stale-while-revalidate=" + stale : directives;
    }

    /** Entries as the body of an answer: bytes as they are, or one JSON array of all messages. */
    static byte[] body(StreamState state, List<Entry> entries) {
        boolean json = state.isJson();
        int size = json ? Math.max(2, entries.size() + 1) : 0;
        for (Entry entry : entries) {
            size += entry.payload().bytes().length;
        }
        byte[] body = new byte[size];
        int at = 0;
        if (json) {
            body[at++] = '[';
        }
        for (int i = 0; i < entries.size(); i++) {
            if (json && i > 0) {
                body[at++] = ',';
            }
            byte[] bytes = entries.get(i).payload().bytes();
            System.arraycopy(bytes, 0, body, at, bytes.length);
            at += bytes.length;
        }
        if (json) {
            body[at] = ']';
        }
        return body;
    }

    private void follow(Exchange exchange, ReadQuery query, StreamState state, long start) {
        if (exchange.response().closed()) {
            return;
        }
        if (liveReaders.incrementAndGet() > config.limits().liveReaders()) {
            liveReaders.decrementAndGet();
            exchange.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
            exchange.error(503, "TOO_MANY_READERS", "The limit of live reads is reached; try again later.");
            return;
        }
        LiveRead read = query.live() == ReadQuery.Live.SSE
                ? new SseRead(exchange, offsets, query.cursor(), config, clock, liveReaders::decrementAndGet)
                : new LongPollRead(
                        exchange, offsets, query.cursor(), config, clock, budget, liveReaders::decrementAndGet);
        EventLoop.Seat seat = null;
        try {
            seat = exchange.loop().follow(engine.delivery(), state, start, read);
        } finally {
            if (seat == null) {
                liveReaders.decrementAndGet();
            }
        }
        if (seat == null) {
            exchange.notFound();
            return;
        }
        read.start(seat);
        if (exchange.loop().isDraining()) {
            // It was still on its way when the others were told to end.
            read.drain();
        }
    }
}
