package dev.parley.server.realtime;

import dev.parley.engine.memory.Room;
import dev.parley.server.loop.Netty;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrameDecoder;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.http.ServerWebSocket;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that have arrived from one client and are not yet a complete message. It accounts for their memory, answers
 * pings, and limits what is read from a client that is being disconnected. Used on the connection's event loop.
 */
final class Intake {
    /** Bytes that a connection may have here without a reservation, so that small messages always get through. */
    static final int FREE_BYTES = 8 << 10;

    /** The most that Netty reads from a socket at once. What was read cannot be refused when the next request has no room. */
    static final int READ_BYTES = 64 << 10;

    /** Bytes that a client may still send while it is being disconnected: its part of the closing handshake. */
    private static final int CLOSING_BYTES = 4 << 10;

    /** Bytes of a client's frame besides its payload, see RFC 6455, 5.2. */
    private static final int HEAD_BYTES = 6;

    private final ServerWebSocket socket;
    private final ChannelHandlerContext context;
    private final Room room;
    private final Runnable onNoRoom;

    /** Bytes that have arrived and were not yet {@link #taken}. */
    private long held;

    private long reserved;

    /** The part of {@link #held} that is in frames of messages, which may be incomplete. */
    private long inFrames;

    /** Bytes that are reserved for requests without an answer, and for what is read together with the last of them. */
    private long kept;

    /** Since when bytes have been arriving without a complete message; 0 if there are none. */
    private long partSinceNanos;

    private boolean pongUnderWay;

    /** The newest ping that arrived before the last pong was sent. Only this one needs an answer. */
    private byte @Nullable [] unanswered;

    private boolean refused;
    private boolean closing;
    private int closingBytes;

    /**
     * Watches {@code socket} from now on.
     *
     * @param room where the bytes of incomplete messages are reserved
     * @param onNoRoom called once if there is no room for them
     */
    Intake(ServerWebSocket socket, Room room, Runnable onNoRoom) {
        this.socket = socket;
        this.context = Netty.context(socket);
        this.room = room;
        this.onNoRoom = onNoRoom;
        ChannelHandlerContext decoder = context.pipeline().context(WebSocketFrameDecoder.class);
        context.pipeline().addBefore(decoder.name(), null, new Bytes()).addAfter(decoder.name(), null, new Frames());
    }

    /** Counts incoming bytes, before the decoder. */
    private final class Bytes extends ChannelInboundHandlerAdapter {
        /**
         * Gives back the memory of a connection that has ended. Not when it ends, because Netty tells its handlers only after
         * it has read from all other sockets that have something to read: until then they have what has arrived. This handler
         * is told last.
         */
        @Override
        public void handlerRemoved(ChannelHandlerContext here) {
            held = 0;
            settle();
            room.giveBack(kept);
            kept = 0;
        }

        @Override
        public void channelRead(ChannelHandlerContext here, Object message) {
            int bytes = message instanceof ByteBuf buffer ? buffer.readableBytes() : 0;
            if (closing) {
                closingBytes += bytes;
                if (closingBytes > CLOSING_BYTES) {
                    ReferenceCountUtil.release(message);
                    context.channel().config().setAutoRead(false);
                    return;
                }
            }
            held += bytes;
            here.fireChannelRead(message);
            settle();
        }
    }

    /** Answers pings, after the decoder. A client that does not read the answers gets one at a time. */
    private final class Frames extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext here, Object message) {
            if (message instanceof PingWebSocketFrame ping) {
                try {
                    control(ping);
                    answer(ping.content());
                } finally {
                    ping.release();
                }
                return;
            }
            if (message instanceof PongWebSocketFrame || message instanceof CloseWebSocketFrame) {
                control((WebSocketFrame) message);
            } else if (message instanceof WebSocketFrame part) {
                inFrames += wireBytes(part.content().readableBytes());
            }
            here.fireChannelRead(message);
        }

        private void answer(ByteBuf content) {
            if (closing) {
                return;
            }
            byte[] payload = new byte[content.readableBytes()];
            content.readBytes(payload);
            if (pongUnderWay) {
                unanswered = payload;
            } else {
                pong(payload);
            }
        }

        private void pong(byte[] payload) {
            pongUnderWay = true;
            // Sent from this context, because the encoder is not before it in the pipeline.
            var _ = context.writeAndFlush(new PongWebSocketFrame(Unpooled.wrappedBuffer(payload)))
                    .addListener(sent -> {
                        pongUnderWay = false;
                        byte[] next = unanswered;
                        unanswered = null;
                        if (next != null && sent.isSuccess() && !closing) {
                            pong(next);
                        }
                    });
        }
    }

    /** The number of bytes on the wire of a frame with this payload. */
    static int wireBytes(int payload) {
        return HEAD_BYTES + payload + (payload < 126 ? 0 : payload <= 0xffff ? 2 : 8);
    }

    /** Notes that a message of this size has been processed. */
    void taken(long bytes) {
        inFrames = Math.max(0, inFrames - bytes);
        partSinceNanos = 0;
        drop(bytes);
    }

    private void drop(long bytes) {
        // Bytes that arrived before this handler was installed were not counted.
        held = Math.max(0, held - bytes);
    }

    /** Accounts for a frame that is not part of a message. */
    private void control(WebSocketFrame frame) {
        drop(wireBytes(frame.content().readableBytes()));
        if (inFrames == 0) {
            partSinceNanos = 0;
        }
    }

    private void settle() {
        if (held == 0) {
            partSinceNanos = 0;
        } else if (partSinceNanos == 0) {
            partSinceNanos = Math.max(1, System.nanoTime());
        }
        long needed = held <= (kept > 0 ? READ_BYTES : FREE_BYTES) ? 0 : held;
        if (needed < reserved) {
            room.giveBack(reserved - needed);
            reserved = needed;
        } else if (needed > reserved && !closing && !refused) {
            if (room.tryReserve(needed - reserved)) {
                reserved = needed;
            } else {
                refused = true;
                onNoRoom.run();
            }
        }
    }

    /**
     * Whether there is room for this number of bytes of requests without an answer. If there is not, no more may be
     * read.
     */
    boolean keeps(long bytes) {
        long needed = bytes <= FREE_BYTES || !context.channel().isActive() ? 0 : bytes + READ_BYTES;
        if (needed < kept) {
            room.giveBack(kept - needed);
            kept = needed;
        } else if (needed > kept) {
            if (!room.tryReserve(needed - kept)) {
                return false;
            }
            kept = needed;
        }
        return true;
    }

    /** For how long the current message has been arriving. */
    long arrivingForNanos(long now) {
        return partSinceNanos == 0 ? 0 : Math.max(0, now - partSinceNanos);
    }

    /** Stops reading at once. */
    void pause() {
        socket.pause();
        // The socket alone would continue until some frames are waiting, however large they are.
        context.channel().config().setAutoRead(false);
    }

    /** Starts reading again after {@link #pause}. */
    void resume() {
        context.channel().config().setAutoRead(true);
        socket.resume();
    }

    /** Notes that the client is being disconnected: from now on, only the end of the connection matters. */
    void close() {
        closing = true;
        unanswered = null;
        if (context.channel().isActive()) {
            resume();
        }
    }
}
