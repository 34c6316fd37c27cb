package dev.parley.server.realtime;

import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Waiting;
import dev.parley.server.loop.ReadyWire;
import dev.parley.server.wire.WireFormat;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.websocketx.WebSocketFrameEncoder;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.WebSocketFrame;
import io.vertx.core.http.WebSocketFrameType;
import io.vertx.core.http.impl.websocket.WebSocketFrameImpl;
import io.vertx.core.internal.http.WebSocketInternal;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What goes to one client. What it is slow to take waits in its socket's queue, which is bounded because nobody sends
 * entries, nor reads requests that have to be answered, while there is no room.
 */
final class Outbox {
    /** Bytes that may wait before the client counts as slow. */
    private static final int QUEUE_BYTES = 64 << 10;

    /** What may wait for a client without asking for room, so that tokens reach those who read in time. */
    private static final int FREE_BYTES = 8 << 10;

    /** What a frame of ours has beside its payload at most, see RFC 6455, 5.2. */
    private static final int HEAD_BYTES = 10;

    /** One connection may have one part in so many of the purse. */
    private static final int PURSE_PER_CONNECTION = 8;

    /** How many pages are read from the store for one client at a time. */
    private static final int MAX_READING = 4;

    /** For the close frame: the client is to come back, see RFC 6455. */
    private static final short GOING_AWAY = 1001;

    private static final short NORMAL = 1000;

    /** How long a client may take to read what is left for it, and to answer, when its socket is to be closed. */
    private static final long CLOSE_TIMEOUT_MILLIS = 5_000;

    private final Vertx vertx;
    private final ServerWebSocket socket;
    private final WireFormat format;
    private final ReadyWire ready;
    private final Purse purse;
    private final Consumer<Runnable> onLoop;
    private final Runnable onRoom;

    /** Bytes that the socket has been given and has not taken, but for small ones that went past the encoder. */
    private long unsent;

    /** Pages that are being read, and what they are expected to have. */
    private int reading;

    private long booked;

    /** What of the purse is ours. */
    private long reserved;

    /** Since when somebody has wanted room and is to hear when the socket has taken all; 0: nobody does. */
    private long wantedSinceNanos;

    /** Our place in the line for the purse, or null. */
    private @Nullable Waiting waiting;

    private long lastSentNanos = System.nanoTime();
    private long fullSinceNanos;
    private boolean full;
    private boolean closing;

    /**
     * To {@code socket}.
     *
     * @param purse where what the client has not taken is reserved
     * @param onLoop runs something on the connection's event loop
     * @param onRoom called when there is room again
     */
    Outbox(
            Vertx vertx,
            ServerWebSocket socket,
            WireFormat format,
            Purse purse,
            Consumer<Runnable> onLoop,
            Runnable onRoom) {
        this.vertx = vertx;
        this.socket = socket;
        this.format = format;
        this.purse = purse;
        this.onLoop = onLoop;
        this.onRoom = onRoom;
        this.ready = new ReadyWire(pastEncoder(socket));
        // The handshake is over: frames may go at once.
        ready.encoded(Future.succeededFuture());
        socket.setWriteQueueMaxSize(QUEUE_BYTES).drainHandler(drained -> {
            full = false;
            onRoom.run();
        });
        var _ = context(socket).channel().closeFuture().addListener(closed -> giveUp());
    }

    WireFormat format() {
        return format;
    }

    /** Sends a frame whatever else is waiting. */
    void send(byte[] frame) {
        if (socket.isClosed()) {
            return;
        }
        lastSentNanos = System.nanoTime();
        // Not as a text, which would be encoded once more for each client.
        WebSocketFrameType type = format == WireFormat.JSON ? WebSocketFrameType.TEXT : WebSocketFrameType.BINARY;
        int bytes = HEAD_BYTES + frame.length;
        hold(bytes);
        Future<Void> written = socket.writeFrame(new WebSocketFrameImpl(type, frame, true));
        ready.encoded(written);
        written.onComplete(sent -> sent(bytes));
    }

    /** Sends a frame that others get as well. */
    void send(SharedFrame frame) {
        int bytes = HEAD_BYTES + frame.bytes().length;
        if (closing || !ready.isFree()) {
            send(frame.bytes());
            return;
        }
        lastSentNanos = System.nanoTime();
        if (pending() + bytes <= FREE_BYTES) {
            ready.write(frame.onWire());
        } else {
            hold(bytes);
            ready.write(frame.onWire(), () -> sent(bytes));
        }
    }

    /** The socket is given so many bytes, whether there is room or not. */
    private void hold(int bytes) {
        unsent += bytes;
        if (unsent > FREE_BYTES && unsent > reserved) {
            purse.adjust(unsent - reserved);
            reserved = unsent;
        }
    }

    private void sent(int bytes) {
        unsent -= bytes;
        settle();
        if (wantedSinceNanos != 0 && unsent == 0) {
            wantedSinceNanos = 0;
            onRoom.run();
        }
    }

    private long pending() {
        return Math.max(unsent, ready.pending(QUEUE_BYTES));
    }

    /**
     * Reserves room for a frame of about so many bytes; they have to be sent at once, or {@link #settle} be called. If not,
     * {@code onRoom} is called when there is.
     */
    boolean reserve(long bytes) {
        long needed = pending() + booked + bytes;
        if (needed <= FREE_BYTES || needed <= reserved) {
            return true;
        }
        if (unsent > 0 && needed > purse.capacity() / PURSE_PER_CONNECTION) {
            // The socket will take something, or be given up.
            want();
            return false;
        }
        long more = needed - reserved;
        if (unsent == 0 && more > purse.capacity()) {
            // It will never be less.
            purse.adjust(more);
            reserved += more;
            return true;
        }
        if (purse.tryReserve(more)) {
            reserved += more;
            return true;
        }
        if (waiting == null) {
            // Nothing is held while we wait, but for what the socket has: else all might wait for each other.
            settle();
            long all = needed - reserved;
            waiting = purse.whenRoom(all, () -> onLoop.accept(() -> granted(all)));
            if (waiting == null) {
                want();
            }
        }
        return false;
    }

    private void want() {
        if (wantedSinceNanos == 0) {
            wantedSinceNanos = Math.max(1, System.nanoTime());
        }
    }

    /**
     * The same for a page that is read from the store first, a few at a time. What is booked is to be given back with
     * {@link #read} before what was read is sent.
     */
    boolean book(long bytes) {
        if (reading == MAX_READING || !reserve(bytes)) {
            return false;
        }
        reading++;
        booked += bytes;
        return true;
    }

    /** A page has been read for which so much was booked. */
    void read(long bytes) {
        reading--;
        booked -= bytes;
    }

    private void granted(long bytes) {
        waiting = null;
        reserved += bytes;
        if (closing || socket.isClosed()) {
            settle();
        } else {
            onRoom.run();
        }
    }

    /** Gives back what is reserved and not needed. */
    void settle() {
        long needed = unsent + booked <= FREE_BYTES ? 0 : unsent + booked;
        if (reserved > needed) {
            long surplus = reserved - needed;
            reserved = needed;
            purse.giveBack(surplus);
        }
    }

    /** The socket is gone. */
    private void giveUp() {
        Waiting place = waiting;
        if (place != null && place.cancel()) {
            waiting = null;
        }
        settle();
    }

    /** Lets {@code handler} see all that comes from the client, before anything is made of it. */
    void tellWhenHeard(LastHeard handler) {
        context(socket).pipeline().addFirst(handler);
    }

    /** Sends what shows most clients that the connection lives, and what all of them answer. */
    void ping() {
        if (!socket.isClosed()) {
            ready.encoded(socket.writeFrame(WebSocketFrame.pingFrame(Buffer.buffer())));
        }
    }

    /** Whether entries may be sent. */
    boolean hasRoom() {
        if (waiting != null) {
            return false;
        }
        if (!full && !closing && ready.isFree()) {
            return true;
        }
        if (socket.isClosed()) {
            return false;
        }
        if (!full && socket.writeQueueFull()) {
            full = true;
            fullSinceNanos = System.nanoTime();
        }
        return !full;
    }

    /** For how long there has been no room. */
    long fullForNanos(long now) {
        if (full) {
            return now - fullSinceNanos;
        }
        return unsent > 0 && wantedSinceNanos != 0 ? now - wantedSinceNanos : 0;
    }

    /** For how long no frame has been sent. */
    long silentForNanos(long now) {
        return now - lastSentNanos;
    }

    /**
     * Closes the socket behind what has been sent.
     *
     * @param comeBack whether the client is expected to connect again
     */
    void close(boolean comeBack) {
        closing = true;
        if (!socket.isClosed()) {
            socket.close(comeBack ? GOING_AWAY : NORMAL);
            vertx.setTimer(CLOSE_TIMEOUT_MILLIS, timer -> abort());
        }
    }

    /** Closes the socket now, whatever it still has to send. */
    void abort() {
        var _ = context(socket).close();
    }

    /** Where frames pass the WebSocket encoder by, or null where they have to be encrypted for each client. */
    private static @Nullable ChannelHandlerContext pastEncoder(ServerWebSocket socket) {
        return socket.isSsl() ? null : context(socket).pipeline().context(WebSocketFrameEncoder.class);
    }

    private static ChannelHandlerContext context(ServerWebSocket socket) {
        return ((WebSocketInternal) socket).channelHandlerContext();
    }
}
