package dev.parley.server.realtime;

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
import org.jspecify.annotations.Nullable;

/**
 * What goes to one client. What it is slow to take waits in its socket's queue, which is bounded because nobody sends
 * entries, nor reads requests that have to be answered, while there is no room.
 */
final class Outbox {
    /** Bytes that may wait before the client counts as slow. */
    private static final int QUEUE_BYTES = 64 << 10;

    /** For the close frame: the client is to come back, see RFC 6455. */
    private static final short GOING_AWAY = 1001;

    private static final short NORMAL = 1000;

    /** How long a client may take to read what is left for it, and to answer, when its socket is to be closed. */
    private static final long CLOSE_TIMEOUT_MILLIS = 5_000;

    private final Vertx vertx;
    private final ServerWebSocket socket;
    private final WireFormat format;
    private final ReadyWire ready;

    private long lastSentNanos = System.nanoTime();
    private long fullSinceNanos;
    private boolean full;
    private boolean closing;

    /**
     * To {@code socket}.
     *
     * @param onRoom called when there is room again
     */
    Outbox(Vertx vertx, ServerWebSocket socket, WireFormat format, Runnable onRoom) {
        this.vertx = vertx;
        this.socket = socket;
        this.format = format;
        this.ready = new ReadyWire(pastEncoder(socket));
        // The handshake is over: frames may go at once.
        ready.encoded(Future.succeededFuture());
        socket.setWriteQueueMaxSize(QUEUE_BYTES).drainHandler(drained -> {
            full = false;
            onRoom.run();
        });
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
        ready.encoded(socket.writeFrame(new WebSocketFrameImpl(type, frame, true)));
    }

    /** Sends a frame that others get as well. */
    void send(SharedFrame frame) {
        if (!closing && ready.write(frame.onWire())) {
            lastSentNanos = System.nanoTime();
        } else {
            send(frame.bytes());
        }
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
        return full ? now - fullSinceNanos : 0;
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
