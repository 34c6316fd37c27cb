package dev.parley.server.realtime;

import dev.parley.engine.memory.Room;
import dev.parley.engine.memory.Waiting;
import dev.parley.server.loop.EventLoop;
import dev.parley.server.loop.Netty;
import dev.parley.server.loop.ReadyWire;
import dev.parley.server.reading.ClientRoom;
import dev.parley.server.wire.WireFormat;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.websocketx.WebSocketFrameEncoder;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.WebSocketFrame;
import io.vertx.core.http.WebSocketFrameType;
import org.jspecify.annotations.Nullable;

/**
 * Sends frames to one client. Frames that the client is slow to accept wait in its socket's queue. The queue is
 * bounded, because nobody sends entries or reads further requests while there is no room.
 */
final class Outbox implements ClientRoom {
    /** Bytes that may wait before the client counts as slow. */
    private static final int QUEUE_BYTES = 64 << 10;

    /** Bytes that may wait for a client without a reservation, so that tokens reach clients that read in time. */
    private static final int FREE_BYTES = 8 << 10;

    /** The greatest number of bytes of a frame besides its payload, see RFC 6455, 5.2. */
    private static final int HEAD_BYTES = 10;

    /** One connection may use the purse divided by this number. */
    private static final int PURSE_PER_CONNECTION = 8;

    /** Number of pages that are read from the store for one client at a time. */
    private static final int MAX_READING = 4;

    /** Status of the close frame for a client that is expected to come back, see RFC 6455. */
    private static final short GOING_AWAY = 1001;

    private static final short NORMAL = 1000;

    /** How long a client may take, when its socket is being closed, to read what is left for it and to answer. */
    private static final long CLOSE_TIMEOUT_MILLIS = 5_000;

    private final EventLoop loop;
    private final ServerWebSocket socket;
    private final WireFormat format;
    private final ReadyWire ready;
    private final Room room;
    private final Runnable onRoom;

    /** Bytes that the socket has been given and has not sent, except for small frames that bypassed the encoder. */
    private long unsent;

    /** Number of pages that are being read. */
    private int reading;

    private long booked;

    /** Bytes of the purse that this connection has reserved. */
    private long reserved;

    /**
     * Since when somebody has been waiting for room, to be told when the socket has sent everything; 0 if nobody waits.
     */
    private long wantedSinceNanos;

    /** The place of this connection in the line for the purse, or null. */
    private @Nullable Waiting waiting;

    private long lastSentNanos = System.nanoTime();
    private long fullSinceNanos;
    private boolean full;
    private boolean closing;

    /**
     * Sends to {@code socket}.
     *
     * @param room where bytes that the client has not accepted are reserved
     * @param onRoom called when there is room again
     */
    Outbox(EventLoop loop, ServerWebSocket socket, WireFormat format, Room room, Runnable onRoom) {
        this.loop = loop;
        this.socket = socket;
        this.format = format;
        this.room = room;
        this.onRoom = onRoom;
        this.ready = new ReadyWire(pastEncoder(socket));
        // The handshake is complete, so frames may be sent at once.
        ready.encoded(Future.succeededFuture());
        socket.setWriteQueueMaxSize(QUEUE_BYTES).drainHandler(drained -> {
            full = false;
            onRoom.run();
        });
        var _ = Netty.context(socket).channel().closeFuture().addListener(closed -> giveUp());
    }

    WireFormat format() {
        return format;
    }

    /** Sends a frame, whatever else is waiting. */
    void send(byte[] frame) {
        assert loop.isHere() : "a connection belongs to one event loop";
        if (socket.isClosed()) {
            return;
        }
        lastSentNanos = System.nanoTime();
        // Not sent as text, which would be encoded again for each client.
        WebSocketFrameType type = format == WireFormat.JSON ? WebSocketFrameType.TEXT : WebSocketFrameType.BINARY;
        int bytes = HEAD_BYTES + frame.length;
        hold(bytes);
        Future<Void> written = socket.writeFrame(Netty.frame(type, frame));
        ready.encoded(written);
        written.onComplete(sent -> sent(bytes));
    }

    /** Sends a frame that other clients receive as well. */
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

    /** Accounts for bytes that the socket is given, whether there is room or not. */
    private void hold(int bytes) {
        unsent += bytes;
        if (unsent > FREE_BYTES && unsent > reserved) {
            room.adjust(unsent - reserved);
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
     * {@inheritDoc}
     *
     * <p>The caller has to send the bytes at once, or call {@link #settle}.
     */
    @Override
    public boolean reserve(long bytes) {
        long needed = pending() + booked + bytes;
        if (needed <= FREE_BYTES || needed <= reserved) {
            return true;
        }
        if (unsent > 0 && needed > room.largest() / PURSE_PER_CONNECTION) {
            // The socket will send something, or the connection will be given up.
            want();
            return false;
        }
        long more = needed - reserved;
        if (unsent == 0 && more > room.largest()) {
            // The need will never be smaller.
            room.adjust(more);
            reserved += more;
            return true;
        }
        if (room.tryReserve(more)) {
            reserved += more;
            return true;
        }
        if (waiting == null) {
            // While this connection waits, it holds nothing but the bytes of its socket. Otherwise all connections
            // might wait for each other.
            settle();
            long all = needed - reserved;
            waiting = room.whenRoom(all, () -> loop.post(() -> granted(all)));
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
     * {@inheritDoc}
     *
     * <p>Only a few pages are read at a time.
     */
    @Override
    public boolean book(long bytes) {
        if (reading == MAX_READING || !reserve(bytes)) {
            return false;
        }
        reading++;
        booked += bytes;
        return true;
    }

    @Override
    public void read(long bytes) {
        reading--;
        booked -= bytes;
    }

    @Override
    public void passOn() {
        onRoom.run();
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

    /** Gives back reserved bytes that are not needed. */
    void settle() {
        long needed = unsent + booked <= FREE_BYTES ? 0 : unsent + booked;
        if (reserved > needed) {
            long surplus = reserved - needed;
            reserved = needed;
            room.giveBack(surplus);
        }
    }

    /** Releases everything, because the socket is gone. */
    private void giveUp() {
        Waiting place = waiting;
        if (place != null && place.cancel()) {
            waiting = null;
        }
        settle();
    }

    /** Lets {@code handler} see all bytes from the client before they are decoded. */
    void tellWhenHeard(LastHeard handler) {
        Netty.context(socket).pipeline().addFirst(handler);
    }

    /** Sends a ping. It shows most clients that the connection is alive, and all of them answer it. */
    void ping() {
        if (!socket.isClosed()) {
            ready.encoded(socket.writeFrame(WebSocketFrame.pingFrame(Buffer.buffer())));
        }
    }

    @Override
    public boolean hasRoom() {
        if (waiting != null) {
            return false;
        }
        if (unsent >= QUEUE_BYTES) {
            // The queue of the socket counts messages, and only those that are written through the encoder.
            want();
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
     * Closes the socket after everything sent so far.
     *
     * @param comeBack whether the client is expected to connect again
     */
    void close(boolean comeBack) {
        closing = true;
        if (!socket.isClosed()) {
            socket.close(comeBack ? GOING_AWAY : NORMAL);
            loop.vertx().setTimer(CLOSE_TIMEOUT_MILLIS, timer -> abort());
        }
    }

    /** Closes the socket now, even if it still has data to send. */
    void abort() {
        var _ = Netty.context(socket).close();
    }

    /**
     * The place in the pipeline after which frames bypass the WebSocket encoder, or null if frames have to be encrypted
     * for each client.
     */
    private static @Nullable ChannelHandlerContext pastEncoder(ServerWebSocket socket) {
        return socket.isSsl() ? null : Netty.context(socket).pipeline().context(WebSocketFrameEncoder.class);
    }
}
