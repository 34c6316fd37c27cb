package dev.parley.server.streams;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Reservation;
import dev.parley.server.config.Config;
import dev.parley.server.http.Answers;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.http.RefusedException;
import dev.parley.server.http.Sockets;
import dev.parley.server.time.NodeClock;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A live read of a session as server-sent events. */
final class SessionSse extends SessionRead {
    /** The size of a data event after which no further change is put into it. */
    static final int BATCH_BYTES = 64 << 10;

    /** For how many quiet times a client may accept nothing before it is taken for gone. */
    private static final int STUCK_TIMES = 2;

    private static final Logger LOG = LoggerFactory.getLogger(SessionSse.class);

    private final NodeClock clock;
    private final long maxAgeMillis;
    private final long quietMillis;
    private final long firstCursor;
    private long endTimer;
    private long quietTimer;
    private int stuck;
    private boolean begun;
    private boolean saidUpToDate;

    SessionSse(
            Exchange exchange, SessionReaders readers, Permit permit, Reading reading, Config config, NodeClock clock) {
        super(exchange, readers, permit, reading, exchange.holder().of(Memory.Kind.BACKLOGS));
        this.clock = clock;
        this.maxAgeMillis = SseRead.jittered(config.streams().sseMaxAge());
        this.quietMillis = SseRead.jittered(config.streams().sseKeepalive());
        this.firstCursor = Cursors.next(reading.asked().cursor(), clock.millis());
    }

    private HttpServerResponse response() {
        return exchange().response();
    }

    @Override
    void begin() {
        endTimer = exchange().loop().vertx().setTimer(maxAgeMillis, id -> end());
        quietTimer = exchange().loop().vertx().setPeriodic(quietMillis, id -> keepAlive());
        response().drainHandler(drained -> {
            stuck = 0;
            pump();
        });
    }

    @Override
    void over() {
        exchange().loop().vertx().cancelTimer(endTimer);
        exchange().loop().vertx().cancelTimer(quietTimer);
    }

    private void keepAlive() {
        if (!response().writeQueueFull()) {
            stuck = 0;
            if (begun) {
                write(SseEvents.keepalive());
            }
            return;
        }
        stuck++;
        if (stuck >= STUCK_TIMES) {
            LOG.debug("a reader of the session {} takes nothing any more", session());
            leave();
            if (exchange().request().version() == HttpVersion.HTTP_2) {
                response().reset();
            } else {
                Sockets.cut(exchange().request().connection());
            }
        }
    }

    @Override
    boolean hasRoom() {
        return !response().writeQueueFull();
    }

    @Override
    void send(SessionPages.Page page, Reservation held) {
        if (!begun) {
            begun = true;
            response()
                    .setChunked(true)
                    .putHeader(HttpHeaders.CONTENT_TYPE, "text/event-stream")
                    .putHeader(HttpHeaders.CACHE_CONTROL, Wire.NO_CACHE)
                    // Otherwise nginx would hold events back.
                    .putHeader("X-Accel-Buffering", "no");
        }
        boolean says = !page.isEmpty() || (page.upToDate() && !saidUpToDate);
        if (!says) {
            held.close();
            return;
        }
        saidUpToDate = page.upToDate();
        String next = page.next().render();
        long cursor = Math.max(firstCursor, Cursors.current(clock.millis()));
        Buffer out = Buffer.buffer(page.body().length + 2 * next.length() + 256);
        if (page.isEmpty()) {
            SseEvents.loneControl(out, next, cursor, false);
        } else {
            SseEvents.json(out, next, page.body());
            SseEvents.control(out, next, cursor, page.upToDate(), false);
        }
        Future<Void> sent = write(out);
        sent.onComplete(taken -> held.close());
    }

    private Future<Void> write(Buffer bytes) {
        Future<Void> sent = response().write(bytes);
        if (sent.failed()) {
            leave();
        }
        return sent;
    }

    /** The client has the place of the last control event, and will use it when it connects again. */
    private void end() {
        if (isOver()) {
            return;
        }
        leave();
        if (begun) {
            response().end();
        } else {
            RefusedException.unavailable("NOT_READY", "There was no room to read the session; try again.")
                    .answer(exchange().request());
        }
    }

    /** The next request of the client gets the reason. */
    @Override
    void gone(SessionPages.Read why) {
        if (begun) {
            end();
        } else {
            leave();
            SessionStream.refuse(exchange(), why);
        }
    }

    @Override
    void noRoom() {
        if (begun) {
            end();
        } else {
            leave();
            Answers.refuse(exchange().request());
        }
    }

    @Override
    void drain() {
        end();
    }

    @Override
    void abort(Throwable failure) {
        leave();
        exchange().failed(failure);
    }
}
