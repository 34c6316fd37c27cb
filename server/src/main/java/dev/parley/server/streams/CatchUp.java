package dev.parley.server.streams;

import dev.parley.engine.Engine;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.config.Config;
import dev.parley.server.http.Answers;
import dev.parley.server.http.Gzip;
import dev.parley.server.time.NodeClock;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;

/** Answers reads that do not wait for news (5.6): with what the stream has from a position on, up to a limit. */
final class CatchUp {
    private static final long MAX_CACHE_SECONDS = 60;
    private static final long MAX_STALE_SECONDS = 300;

    /** What an answer takes in memory beside its entries, by estimate. */
    private static final int CHUNK_OVERHEAD_BYTES = 1 << 10;

    /** How often an answer may turn out to need more room than it has. */
    private static final int MAX_ATTEMPTS = 3;

    private final Engine engine;
    private final Offsets offsets;
    private final EntityTags tags;
    private final Config config;
    private final NodeClock clock;
    private final boolean shared;
    private final Answers answers;

    /**
     * Reads from {@code engine}.
     *
     * @param answers the memory of answers that clients have not accepted
     * @param shared whether answers are the same for all clients, so that any cache may keep them
     */
    CatchUp(Engine engine, Offsets offsets, Config config, Answers answers, NodeClock clock, boolean shared) {
        this.engine = engine;
        this.offsets = offsets;
        this.tags = new EntityTags(offsets);
        this.config = config;
        this.answers = answers;
        this.clock = clock;
        this.shared = shared;
    }

    /**
     * The content of one answer.
     *
     * @param to the position up to which it goes
     * @param held the memory that is reserved for it
     */
    private record Chunk(long to, Gzip.Packed body, Reservation held) {}

    /** Answers a read from {@code start} that does not wait. */
    void answer(Exchange exchange, ReadQuery query, StreamState state, long start) {
        if (!query.now()) {
            EntityTags.Known known = tags.unchanged(
                    exchange.header(HttpHeaders.IF_NONE_MATCH), state, start, compresses(exchange, state));
            if (known != null) {
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
        read(exchange, query, state, start, expected + CHUNK_OVERHEAD_BYTES, MAX_ATTEMPTS);
    }

    /** Reads when there is room for the answer. If a message is larger than expected, it is read again with more room. */
    private void read(Exchange exchange, ReadQuery query, StreamState state, long start, long bytes, int attemptsLeft) {
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
                                case Needs(long more) -> read(exchange, query, state, start, more, attemptsLeft - 1);
                                case Fits(Chunk chunk) -> answer(exchange, query, state, start, chunk);
                            }
                        }),
                () -> Answers.refuse(exchange.request()));
    }

    private sealed interface Read {}

    private record Fits(Chunk chunk) implements Read {}

    /** Even the first entry does not fit. */
    private record Needs(long bytes) implements Read {}

    /** Whether the answer is compressed. Other types than text and JSON are often compressed already, or encrypted. */
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
            if (EntityTags.matches(
                    exchange.header(HttpHeaders.IF_NONE_MATCH), tags.tag(state, start, chunk.to(), compressed))) {
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
            response.putHeader(HttpHeaders.ETAG, tags.tag(state, start, to, compressed));
        }
        return response;
    }

    /**
     * How long caches may keep an answer (10.1). Entries never change, so it may be kept, but not for longer than the stream
     * lives. An answer that reaches the tail of an open stream is different after the next append, and a writer must see
     * its own append; so caches have to ask each time. An answer without entries is not kept at all.
     *
     * @param complete whether the answer can no longer grow
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

    /** The body of an answer: the bytes of the entries, or one JSON array of all messages. */
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
}
