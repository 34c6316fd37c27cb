package dev.parley.server.streams;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Share;
import dev.parley.server.config.Config;
import dev.parley.server.http.Answers;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.time.NodeClock;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;

/** A live read of a session that is answered with the first changes, or without any after a while. */
final class SessionLongPoll extends SessionRead {
    private final Answers answers;
    private final NodeClock clock;
    private final long timeoutMillis;
    private final Share share;
    private long timer;

    /** Whether the time is over. A page that is being read is still sent. */
    private boolean late;

    SessionLongPoll(
            Exchange exchange,
            SessionReaders readers,
            Permit permit,
            Reading reading,
            Answers answers,
            Config config,
            NodeClock clock) {
        this(
                exchange,
                readers,
                permit,
                reading,
                answers,
                config.streams().longPollTimeout().toMillis(),
                clock,
                exchange.holder().of(Memory.Kind.ANSWERS));
    }

    private SessionLongPoll(
            Exchange exchange,
            SessionReaders readers,
            Permit permit,
            Reading reading,
            Answers answers,
            long timeoutMillis,
            NodeClock clock,
            Share share) {
        super(exchange, readers, permit, reading, share);
        this.answers = answers;
        this.timeoutMillis = timeoutMillis;
        this.clock = clock;
        this.share = share;
    }

    @Override
    void begin() {
        timer = exchange().loop().vertx().setTimer(timeoutMillis, id -> timeout());
    }

    @Override
    void over() {
        exchange().loop().vertx().cancelTimer(timer);
    }

    @Override
    boolean hasRoom() {
        return true;
    }

    @Override
    void send(SessionPages.Page page, Reservation held) {
        if (page.isEmpty()) {
            held.close();
            if (late && page.upToDate()) {
                nothing(page.next());
            }
            return;
        }
        leave();
        headers(page.next(), page.upToDate())
                .putHeader(HttpHeaders.CONTENT_TYPE, SessionStream.JSON)
                .putHeader(HttpHeaders.ETAG, SessionPages.tag(page, false));
        answers.end(exchange().request(), share, held, page.body());
    }

    private HttpServerResponse headers(SessionPlace next, boolean upToDate) {
        HttpServerResponse response = exchange()
                .response()
                .putHeader(Wire.NEXT_OFFSET, next.render())
                .putHeader(HttpHeaders.CACHE_CONTROL, Wire.NO_STORE)
                .putHeader(
                        Wire.CURSOR,
                        Long.toString(Cursors.next(reading().asked().cursor(), clock.millis())));
        return upToDate ? response.putHeader(Wire.UP_TO_DATE, Wire.TRUE) : response;
    }

    private void nothing(SessionPlace next) {
        leave();
        headers(next, true).setStatusCode(204).end();
    }

    private void timeout() {
        late = true;
        SessionPlace known = place();
        if (isOver() || isReading()) {
            return;
        }
        if (known == null) {
            noRoom();
        } else {
            nothing(known);
        }
    }

    @Override
    void gone(SessionPages.Read why) {
        leave();
        SessionStream.refuse(exchange(), why);
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
    void abort(Throwable failure) {
        leave();
        exchange().failed(failure);
    }
}
