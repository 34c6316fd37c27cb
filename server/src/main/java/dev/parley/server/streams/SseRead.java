package dev.parley.server.streams;

import dev.parley.engine.delivery.Tail;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Room;
import dev.parley.engine.memory.Share;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.config.Config;
import dev.parley.server.loop.Netty;
import dev.parley.server.loop.ReadyWire;
import dev.parley.server.loop.SocketRoom;
import dev.parley.server.time.NodeClock;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A live read as server-sent events (5.8). */
final class SseRead extends LiveRead {
    private static final Logger LOG = LoggerFactory.getLogger(SseRead.class);

    /** The greatest payload of one event. */
    private static final int BATCH_BYTES = 64 << 10;

    /**
     * The number of bytes, besides one event, that may wait for a reader before it is sent no more. Netty has the same
     * bound for a socket.
     */
    private static final int QUEUE_BYTES = 64 << 10;

    /**
     * The number of keep-alive intervals after which a reader that has accepted nothing is considered gone, although a
     * proxy may keep its connection open.
     */
    private static final int STUCK_TIMES = 2;

    /**
     * On one stream of HTTP/2, only the sending of whole events can be observed. Each event may take as long as it
     * takes at this rate.
     */
    private static final int LEAST_BYTES_PER_SECOND = 16 << 10;

    /**
     * The part by which the duration of a read, and of its quiet times, may be shorter, so that readers that came
     * together do not all leave together.
     */
    private static final int JITTER_PARTS = 5;

    private final Offsets offsets;
    private final NodeClock clock;
    private final long maxAgeMillis;
    private final long quietMillis;
    /** The next cursor of this read is never less than this: it must not go backwards (10.1). */
    private long leastCursor;

    /** For how many keep-alive intervals in sequence nothing was accepted. */
    private int stuck;

    /** Whether the reader had not accepted everything at the last keep-alive. In that case it needs no further ones. */
    private boolean wasHolding;

    private boolean saidUpToDate;

    /** The number of bytes that have gone through the encoder, and that the socket has not accepted. */
    private long unwrittenBytes;

    /** The number of writes through the encoder that the socket has accepted, now and at the last keep-alive. */
    private long written;

    private long writtenBefore;

    /** Whether the heads of the request and of the answer are needed no more. */
    private boolean headsForgotten;

    /** Whether a task that says that there is room again is on its way. */
    private boolean toldOfRoom;

    /** When the last event was sent. */
    private long sentMillis;

    private final ReadyWire ready;

    /** The socket, or null if other requests use it as well. */
    private final @Nullable SocketRoom socket;

    private final Purse backlogs;
    private final Share share;

    SseRead(
            Exchange exchange,
            LiveReaders.Seat seat,
            Offsets offsets,
            Purse backlogs,
            @Nullable String clientCursor,
            Config config,
            NodeClock clock) {
        super(exchange, seat);
        this.offsets = offsets;
        this.clock = clock;
        this.backlogs = backlogs;
        this.share = exchange.holder().of(Memory.Kind.BACKLOGS);
        this.leastCursor = Cursors.next(clientCursor, clock.millis());
        this.maxAgeMillis = jittered(config.streams().sseMaxAge());
        this.quietMillis = jittered(config.streams().sseKeepalive());
        this.ready = new ReadyWire(pastEncoder(exchange.request()));
        this.socket =
                exchange.request().version() == HttpVersion.HTTP_2 ? null : SocketRoom.of(channel(exchange.request()));
    }

    private static Channel channel(HttpServerRequest request) {
        return Netty.channel(request.connection());
    }

    static long jittered(Duration most) {
        long millis = most.toMillis();
        return millis - ThreadLocalRandom.current().nextLong(millis / JITTER_PARTS + 1);
    }

    /** The place at which chunks bypass the HTTP encoder, or null if the encoder does more than to frame them. */
    private static @Nullable ChannelHandlerContext pastEncoder(HttpServerRequest request) {
        return request.version() == HttpVersion.HTTP_1_1 && !request.isSSL()
                ? channel(request).pipeline().context(HttpResponseEncoder.class)
                : null;
    }

    @Override
    long maxAgeMillis() {
        return maxAgeMillis;
    }

    @Override
    long quietMillis() {
        return quietMillis;
    }

    @Override
    long keepAlive() {
        boolean holding = isHolding();
        boolean nothingTaken = hasTakenNothing();
        stuck = holding && wasHolding && nothingTaken ? stuck + 1 : 0;
        wasHolding = holding;
        writtenBefore = written;
        if (!holding) {
            // Events keep a connection alive as well. With thousands of readers, comments that are not needed cost
            // much.
            long left = quietMillis - (clock.millis() - sentMillis);
            if (left > 0) {
                return left;
            }
            write(SseEvents.keepalive(), false, null);
        } else if (stuck >= allowedToBeStuck()) {
            LOG.debug("a reader of {} takes nothing any more", exchange().path());
            cut();
        }
        return quietMillis;
    }

    private boolean hasTakenNothing() {
        return socket == null ? written == writtenBefore : socket.hasTakenNothing();
    }

    private long allowedToBeStuck() {
        return STUCK_TIMES + (socket == null ? unwrittenBytes * 1_000 / LEAST_BYTES_PER_SECOND / quietMillis : 0);
    }

    @Override
    int batchBytes() {
        return BATCH_BYTES;
    }

    @Override
    boolean wantsMore() {
        return unwrittenBytes < QUEUE_BYTES && (socket == null || socket.isThere());
    }

    /** The socket has accepted something. */
    private void hasRoom() {
        if (!toldOfRoom && wantsMore()) {
            toldOfRoom = true;
            // Not now, because this may be called in the middle of a write.
            exchange().loop().post(() -> {
                toldOfRoom = false;
                pump();
            });
        }
    }

    private HttpServerResponse response() {
        return exchange().response();
    }

    @Override
    void begin(Tail opened) {
        HttpServerResponse response = response()
                .setChunked(true)
                .putHeader(HttpHeaders.CONTENT_TYPE, "text/event-stream")
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-cache")
                // Otherwise nginx would hold events back.
                .putHeader("X-Accel-Buffering", "no");
        if (SseEvents.inBase64(opened.state())) {
            response.putHeader(Wire.SSE_ENCODING, "base64");
        }
        if (socket != null) {
            socket.tell(this::hasRoom);
        }
    }

    @Override
    void over() {
        if (socket != null) {
            socket.tell(null);
        }
    }

    /** Whether an event bypasses the encoder, which writes the first bytes with the head, and the last ones with the end. */
    private boolean bypasses(Tail.More more) {
        return !more.atEnd() && ready.isFree();
    }

    /** Bytes that bypass the encoder are in memory that readers share. Other bytes are the reader's own. */
    @Override
    Room room() {
        return ready.isFree() && seat().readers().areMany() ? backlogs : share;
    }

    @Override
    long bytesOf(Tail.More more) {
        return SseEvents.sizeOf(more) * (bypasses(more) ? SharedEvent.COPIES : 1);
    }

    @Override
    void send(Tail.More more, Reservation held) {
        long now = clock.millis();
        sentMillis = now;
        saidUpToDate = more.upToDate();
        long cursor = cursor(now);
        Buffer bytes = encode(more, cursor);
        if (!bypasses(more)) {
            write(bytes, more.atEnd(), held);
            return;
        }
        SharedEvent event = SharedEvent.of(more, cursor, now, SseEvents.chunk(bytes), held);
        ready.write(event.chunk());
        if (seat().readers().areMany()) {
            seat().readers().share(event);
        } else {
            exchange().readers().retire(event);
        }
    }

    @Override
    boolean isHolding() {
        return unwrittenBytes > 0 || (socket != null && socket.isAwaited());
    }

    @Override
    boolean othersWait() {
        return backlogs.isAwaited() || (share.held() > 0 && share.isAwaitedByOthers());
    }

    @Override
    boolean sendShared() {
        SharedEvent shared = seat().readers().shared();
        if (shared == null
                || shared.from() != tail().position()
                || shared.cursor() < leastCursor
                || shared.upToDate() != (shared.to() >= state().shown())
                || !ready.write(shared.chunk())) {
            return false;
        }
        tail().skipTo(shared.to());
        // The time is not asked again for each of thousands of readers.
        leastCursor = shared.cursor();
        sentMillis = shared.millis();
        saidUpToDate = shared.upToDate();
        return true;
    }

    private Buffer encode(Tail.More more, long cursor) {
        Buffer out = SseEvents.buffer(more.state(), more.entries());
        String next = offsets.render(more.state(), more.to());
        SseEvents.data(out, more.state(), more.entries(), next);
        SseEvents.control(out, next, cursor, more.upToDate(), more.atEnd());
        return out;
    }

    private long cursor(long now) {
        leastCursor = Math.max(leastCursor, Cursors.current(now));
        return leastCursor;
    }

    @Override
    void idle(StreamState state) {
        if (state.closed() || !saidUpToDate) {
            saidUpToDate = true;
            sentMillis = clock.millis();
            Buffer out = Buffer.buffer();
            SseEvents.loneControl(out, offsets.render(state, tail().position()), cursor(sentMillis), state.closed());
            write(out, state.closed(), null);
        }
    }

    private void write(Buffer bytes, boolean last, @Nullable Reservation held) {
        Future<Void> sent;
        if (last) {
            leave();
            sent = response().end(bytes);
        } else {
            sent = response().write(bytes);
            ready.encoded(sent);
        }
        if (sent.succeeded()) {
            forgetHeads();
        }
        if (!sent.isComplete()) {
            int length = bytes.length();
            unwrittenBytes += length;
            sent.onComplete(taken -> {
                unwrittenBytes -= length;
                written++;
                if (taken.succeeded()) {
                    forgetHeads();
                }
                if (held != null) {
                    held.close();
                }
                hasRoom();
            });
        } else if (held != null) {
            held.close();
        }
        if (!last && sent.failed()) {
            leave();
        }
    }

    /**
     * Lets go of the fields of both heads once the answer's head is sent, because Vert.x would keep them as long as the
     * read lasts.
     */
    private void forgetHeads() {
        if (!headsForgotten && socket != null) {
            headsForgotten = true;
            exchange().request().headers().clear();
            response().headers().clear();
        }
    }

    /** The client has the position of the last control event, and will use it when it connects again. */
    @Override
    void timeout() {
        leave();
        response().end();
    }

    @Override
    void drain() {
        timeout();
    }

    /** The client will connect again for what had no room. */
    @Override
    void noRoom() {
        timeout();
    }

    /** The next request of the client will get the reason. */
    @Override
    void gone() {
        timeout();
    }

    @Override
    void abort(Throwable failure) {
        LOG.error("a live read of {} failed", exchange().path(), failure);
        leave();
        response().reset();
    }
}
