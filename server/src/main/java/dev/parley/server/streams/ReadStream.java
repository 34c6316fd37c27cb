package dev.parley.server.streams;

import dev.parley.engine.Engine;
import dev.parley.engine.Reply;
import dev.parley.engine.delivery.Tail;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.Place;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamOutcome;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.config.Config;
import dev.parley.server.http.Answers;
import dev.parley.server.http.Gzip;
import dev.parley.server.http.RefusedException;
import dev.parley.server.time.NodeClock;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** GET and HEAD: finds the stream, then reads what is there or follows what comes (5.5 to 5.8). */
final class ReadStream {
    private static final long MAX_CACHE_SECONDS = 60;
    private static final long MAX_STALE_SECONDS = 300;

    /** What an answer holds beside the entries as the store has them. */
    private static final int CHUNK_OVERHEAD_BYTES = 1 << 10;

    /** How often an answer may turn out to need more room than it has. */
    private static final int MAX_ATTEMPTS = 3;

    private static final String FULL = ":f";
    private static final String CLOSED = ":c";
    private static final String COMPRESSED = "-gzip";
    private static final Pattern TAG_END = Pattern.compile("([0-9]{1,18})(:[cf])?(-gzip)?\"");

    private final Engine engine;
    private final Offsets offsets;
    private final Config config;
    private final NodeClock clock;
    private final Purse backlogs;
    private final boolean shared;
    private final AtomicInteger liveReaders;
    private final Answers answers;

    /**
     * Reads from {@code engine}.
     *
     * @param backlogs what live readers may hold together
     * @param answers what answers that clients have not taken may hold
     * @param shared whether answers are the same for everybody, so that any cache may keep them
     * @param liveReaders counts the live reads of all event loops
     */
    ReadStream(
            Engine engine,
            Offsets offsets,
            Config config,
            Purse backlogs,
            Answers answers,
            NodeClock clock,
            boolean shared,
            AtomicInteger liveReaders) {
        this.engine = engine;
        this.offsets = offsets;
        this.config = config;
        this.backlogs = backlogs;
        this.clock = clock;
        this.shared = shared;
        this.liveReaders = liveReaders;
        this.answers = answers;
    }

    /** Completes when clients have taken the answers that are on their way. */
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
            case NO -> catchUp(exchange, query, state, start);
            case LONG_POLL, SSE -> {
                if (query.returning() && state.closed() && start >= state.tail()) {
                    end(exchange, state);
                } else {
                    follow(exchange, query, state, start);
                }
            }
        }
    }

    /** An EventSource comes back for ever to a response that ends; only this status tells it that there is no more. */
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

    /**
     * What one answer has.
     *
     * @param held the room that was reserved for it
     */
    private record Chunk(long to, Gzip.Packed body, Reservation held) {}

    private void catchUp(Exchange exchange, ReadQuery query, StreamState state, long start) {
        if (!query.now()) {
            Known known = unchanged(exchange, state, start);
            if (known != null) {
                // Nothing of it has to be read.
                head(exchange, query, state, start, known.to(), known.compressed())
                        .setStatusCode(304)
                        .end();
                return;
            }
        }
        if (query.now() || start >= state.shown()) {
            byte[] nothing = body(state, List.of());
            head(exchange, query, state, start, start, false)
                    .putHeader(HttpHeaders.CONTENT_TYPE, state.contentType())
                    .end(Buffer.buffer(nothing));
            return;
        }
        int chunkBytes = config.limits().chunkBytes();
        long expected = state.isJson() ? chunkBytes : Math.min(chunkBytes, state.shown() - start);
        catchUp(exchange, query, state, start, expected + CHUNK_OVERHEAD_BYTES, MAX_ATTEMPTS);
    }

    /** Reads when there is room for what is read; a message that is larger than expected asks for more of it. */
    private void catchUp(
            Exchange exchange, ReadQuery query, StreamState state, long start, long bytes, int attemptsLeft) {
        if (attemptsLeft == 0) {
            Answers.refuse(exchange.request());
            return;
        }
        answers.whenRoom(
                exchange.request(),
                exchange.holder().of(Memory.Kind.ANSWERS),
                bytes,
                held -> exchange.blocking(
                        () -> read(state, start, compresses(exchange, state), held), held::close, read -> {
                            switch (read) {
                                case Needs(long more) -> catchUp(exchange, query, state, start, more, attemptsLeft - 1);
                                case Fits(Chunk chunk) -> answer(exchange, query, state, start, chunk);
                            }
                        }),
                () -> Answers.refuse(exchange.request()));
    }

    private sealed interface Read {}

    private record Fits(Chunk chunk) implements Read {}

    /** Not even the first entry fits. */
    private record Needs(long bytes) implements Read {}

    /** What is neither text nor JSON is often compressed already, or encrypted. */
    private static boolean compresses(Exchange exchange, StreamState state) {
        return (state.isJson() || state.isText()) && Gzip.isAccepted(exchange.request());
    }

    private Read read(StreamState state, long start, boolean compress, Reservation held) {
        var asked = new Object() {
            long bytes;
        };
        List<Entry> entries = engine.streams()
                .read(state, start, config.limits().chunkBytes(), bytes -> {
                    asked.bytes = bytes + CHUNK_OVERHEAD_BYTES;
                    return held.tryGrowTo(asked.bytes);
                });
        if (entries.isEmpty() && asked.bytes > held.bytes()) {
            held.close();
            return new Needs(asked.bytes);
        }
        byte[] plain = body(state, entries);
        Gzip.Packed body = compress ? Gzip.pack(plain) : new Gzip.Packed(plain, false);
        held.shrinkTo(body.bytes().length);
        return new Fits(new Chunk(entries.isEmpty() ? start : entries.getLast().end(), body, held));
    }

    private void answer(Exchange exchange, ReadQuery query, StreamState state, long start, Chunk chunk) {
        boolean handed = false;
        try {
            boolean compressed = chunk.body().compressed();
            HttpServerResponse response = head(exchange, query, state, start, chunk.to(), compressed);
            if (matches(
                    exchange.header(HttpHeaders.IF_NONE_MATCH), tag(offsets, state, start, chunk.to(), compressed))) {
                response.setStatusCode(304).end();
                return;
            }
            response.putHeader(HttpHeaders.CONTENT_TYPE, state.contentType());
            if (compressed) {
                response.putHeader(HttpHeaders.CONTENT_ENCODING, "gzip");
            }
            answers.end(
                    exchange.request(),
                    exchange.holder().of(Memory.Kind.ANSWERS),
                    chunk.held(),
                    chunk.body().bytes());
            handed = true;
        } finally {
            if (!handed) {
                chunk.held().close();
            }
        }
    }

    private HttpServerResponse head(
            Exchange exchange, ReadQuery query, StreamState state, long start, long to, boolean compressed) {
        boolean upToDate = to >= state.shown();
        exchange.response().headers().add(HttpHeaders.VARY, HttpHeaders.ACCEPT_ENCODING);
        HttpServerResponse response = exchange.response()
                .putHeader(Wire.NEXT_OFFSET, offsets.render(state, to))
                .putHeader(HttpHeaders.CACHE_CONTROL, caching(state, to > start, !upToDate || state.closed()));
        if (upToDate) {
            response.putHeader(Wire.UP_TO_DATE, Wire.TRUE);
        }
        if (upToDate && state.closed()) {
            response.putHeader(Wire.CLOSED, Wire.TRUE);
        }
        if (!query.now()) {
            response.putHeader(HttpHeaders.ETAG, tag(offsets, state, start, to, compressed));
        }
        return response;
    }

    /**
     * The beginning of all tags of answers that start at {@code start}; no stream of this or another data folder has the
     * same for something else.
     */
    private static String tagsFrom(Offsets offsets, StreamState state, long start) {
        return '"' + offsets.name(state) + ':' + start + ':';
    }

    /**
     * The tag of an answer. It tells an answer that was full before the tail, and so stays as it is, from one that ends at
     * the tail; and closing, which changes no byte, must not be hidden by an old answer.
     */
    static String tag(Offsets offsets, StreamState state, long start, long to, boolean compressed) {
        String kind = to < state.shown() ? FULL : state.closed() ? CLOSED : "";
        return tagsFrom(offsets, state, start) + to + kind + (compressed ? COMPRESSED : "") + '"';
    }

    /** An answer that the client has, and that is still the answer. */
    private record Known(long to, boolean compressed) {}

    /**
     * The answer that the client has, if it is still the answer, or null. Only what we may have sent counts: the end that
     * stands in a tag is compared with the tail, and nothing is read.
     */
    private @Nullable Known unchanged(Exchange exchange, StreamState state, long start) {
        String condition = exchange.header(HttpHeaders.IF_NONE_MATCH);
        if (condition == null) {
            return null;
        }
        String ours = tagsFrom(offsets, state, start);
        for (String candidate : condition.split(",", -1)) {
            String stripped = candidate.strip();
            String tag = stripped.startsWith("W/") ? stripped.substring(2) : stripped;
            if (tag.startsWith(ours)) {
                Matcher end = TAG_END.matcher(tag).region(ours.length(), tag.length());
                if (end.matches()) {
                    long to = Long.parseLong(end.group(1));
                    boolean compressed = end.group(3) != null;
                    if (to >= start
                            && to <= state.shown()
                            && (!compressed || compresses(exchange, state))
                            && tag.equals(tag(offsets, state, start, to, compressed))) {
                        return new Known(to, compressed);
                    }
                }
            }
        }
        return null;
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
        Leaving leaving = new Leaving(exchange.readers().readersOf(state.id()), liveReaders);
        leaving.unless(() -> {
            LiveRead read = query.live() == ReadQuery.Live.SSE
                    ? new SseRead(exchange, offsets, backlogs, query.cursor(), config, clock, leaving::uncounted)
                    : new LongPollRead(exchange, offsets, answers, query.cursor(), config, clock, leaving::uncounted);
            Runnable listener = leaving.readers().listener();
            Tail inMemory = engine.delivery().tailInMemory(state, start, listener);
            if (inMemory != null) {
                seat(exchange, read, leaving, inMemory);
                return;
            }
            exchange.blocking(
                    () -> new Opened(engine.delivery().tail(state, start, listener)),
                    leaving::run,
                    opened -> leaving.unless(() -> seat(exchange, read, leaving, opened.tail())));
        });
    }

    private record Opened(@Nullable Tail tail) {}

    /** What a live read takes before it has begun, and gives back, once, if it never does. */
    private static final class Leaving {
        private final LiveReaders.Readers readers;
        private final AtomicInteger liveReaders;
        private boolean coming = true;
        private boolean counted = true;

        Leaving(LiveReaders.Readers readers, AtomicInteger liveReaders) {
            this.readers = readers;
            this.liveReaders = liveReaders;
        }

        LiveReaders.Readers readers() {
            return readers;
        }

        /** Does {@code step}, and leaves if that throws. */
        void unless(Runnable step) {
            boolean good = false;
            try {
                step.run();
                good = true;
            } finally {
                if (!good) {
                    run();
                }
            }
        }

        /** It has its seat. */
        LiveReaders.Seat seated(LiveRead read, Tail tail) {
            coming = false;
            return readers.join(read, tail);
        }

        void run() {
            if (coming) {
                coming = false;
                readers.left();
            }
            uncounted();
        }

        void uncounted() {
            if (counted) {
                counted = false;
                liveReaders.decrementAndGet();
            }
        }
    }

    private static void seat(Exchange exchange, LiveRead read, Leaving leaving, @Nullable Tail tail) {
        if (tail == null || exchange.response().closed()) {
            if (tail != null) {
                tail.close();
            }
            leaving.run();
            exchange.notFound();
            return;
        }
        read.start(leaving.seated(read, tail));
        if (exchange.readers().isDraining()) {
            // It was still on its way when the others were told to end.
            read.drain();
        }
    }
}
