package dev.parley.server.streams;

import dev.parley.engine.delivery.Tail;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Room;
import dev.parley.engine.memory.Share;
import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.config.Config;
import dev.parley.server.http.Answers;
import dev.parley.server.time.NodeClock;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import org.jspecify.annotations.Nullable;

/** A live read that is answered with the first entries that arrive, or without entries after a while (5.7). */
final class LongPollRead extends LiveRead {
    private final Offsets offsets;
    private final NodeClock clock;
    private final long timeoutMillis;
    private final int chunkBytes;
    private final @Nullable String clientCursor;
    private final Answers answers;
    private final Share room;

    /** Whether the time is over. Entries that are being read from the store are still sent. */
    private boolean over;

    LongPollRead(
            Exchange exchange,
            LiveReaders.Seat seat,
            Offsets offsets,
            Answers answers,
            @Nullable String clientCursor,
            Config config,
            NodeClock clock) {
        super(exchange, seat);
        this.offsets = offsets;
        this.clock = clock;
        this.answers = answers;
        this.room = exchange.holder().of(Memory.Kind.ANSWERS);
        this.clientCursor = clientCursor;
        this.timeoutMillis = config.streams().longPollTimeout().toMillis();
        this.chunkBytes = config.limits().chunkBytes();
    }

    @Override
    long maxAgeMillis() {
        return timeoutMillis;
    }

    /** Nothing can be sent to keep the connection alive, because the head of the answer says how the read has ended. */
    @Override
    long quietMillis() {
        return timeoutMillis;
    }

    @Override
    long keepAlive() {
        return timeoutMillis;
    }

    @Override
    int batchBytes() {
        return chunkBytes;
    }

    @Override
    boolean wantsMore() {
        return true;
    }

    @Override
    void begin(Tail opened) {}

    @Override
    void over() {}

    @Override
    boolean isHolding() {
        return false;
    }

    @Override
    boolean othersWait() {
        return false;
    }

    @Override
    boolean sendShared() {
        return false;
    }

    @Override
    Room room() {
        return room;
    }

    @Override
    long bytesOf(Tail.More more) {
        long bytes = 2;
        for (Entry entry : more.entries()) {
            bytes += entry.payload().bytes().length + 1;
        }
        return bytes;
    }

    @Override
    void send(Tail.More more, Reservation held) {
        leave();
        headers(more.state(), more.to(), more.upToDate(), more.atEnd())
                .putHeader(HttpHeaders.CONTENT_TYPE, more.state().contentType())
                .putHeader(HttpHeaders.ETAG, EntityTags.tag(offsets, more.state(), more.from(), more.to(), false));
        answers.end(exchange().request(), room, held, CatchUp.body(more.state(), more.entries()));
    }

    private HttpServerResponse headers(StreamState state, long next, boolean upToDate, boolean ends) {
        HttpServerResponse response = exchange()
                .response()
                .putHeader(Wire.NEXT_OFFSET, offsets.render(state, next))
                .putHeader(HttpHeaders.CACHE_CONTROL, Wire.NO_STORE);
        if (upToDate) {
            response.putHeader(Wire.UP_TO_DATE, Wire.TRUE);
        }
        if (ends) {
            response.putHeader(Wire.CLOSED, Wire.TRUE);
        } else {
            response.putHeader(Wire.CURSOR, Long.toString(Cursors.next(clientCursor, clock.millis())));
        }
        return response;
    }

    @Override
    void idle(StreamState state) {
        if (state.closed() || over) {
            nothing(state.closed());
        }
    }

    private void nothing(boolean closed) {
        leave();
        headers(state(), tail().position(), true, closed).setStatusCode(204).end();
    }

    @Override
    void timeout() {
        over = true;
        if (isWaitingForRoom()) {
            noRoom();
        } else if (!isReadingStore()) {
            nothing(false);
        }
    }

    @Override
    void noRoom() {
        leave();
        Answers.refuse(exchange().request());
    }

    @Override
    void drain() {
        timeout();
    }

    @Override
    void gone() {
        leave();
        exchange().notFound();
    }

    @Override
    void abort(Throwable failure) {
        leave();
        exchange().failed(failure);
    }
}
