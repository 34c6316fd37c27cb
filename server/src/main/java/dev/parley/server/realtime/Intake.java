package dev.parley.server.realtime;

import dev.parley.engine.memory.Room;
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
import io.vertx.core.internal.http.WebSocketInternal;
import org.jspecify.annotations.Nullable;

/**
 * What has come from one client and is no message yet. It keeps account of that, answers pings, and reads next to nothing
 * of a client that is to go. Lives on the connection's event loop.
 */
final class Intake {
    /** What a connection may have here without asking, so that small messages always get through. */
    static final int FREE_BYTES = 8 << 10;

    /** What a client that is to go may still send: its part of the closing handshake. */
    private static final int CLOSING_BYTES = 4 << 10;

    /** What a frame of a client has beside its payload, see RFC 6455, 5.2. */
    private static final int HEAD_BYTES = 6;

    private final ServerWebSocket socket;
    private final ChannelHandlerContext context;
    private final Room room;
    private final Runnable onNoRoom;

    /** What has arrived and was not {@link #taken}. */
    private long held;

    private long reserved;

    /** What of {@link #held} is in frames of messages, which may be parts of one. */
    private long inFrames;

    /** What is reserved for requests that have no answer yet. */
    private long kept;

    /** Since when what is here has been coming without a whole message; 0: nothing is here. */
    private long partSinceNanos;

    private boolean pongUnderWay;

    /** The newest ping that came before the last pong had gone: it is enough to answer this one. */
    private byte @Nullable [] unanswered;

    private boolean refused;
    private boolean closing;
    private int closingBytes;

    /**
     * Of {@code socket}, from now on.
     *
     * @param room where the bytes of what has arrived in part are reserved
     * @param onNoRoom called once if there is no room for them
     */
    Intake(ServerWebSocket socket, Room room, Runnable onNoRoom) {
        this.socket = socket;
        this.context = ((WebSocketInternal) socket).channelHandlerContext();
        this.room = room;
        this.onNoRoom = onNoRoom;
        ChannelHandlerContext decoder = context.pipeline().context(WebSocketFrameDecoder.class);
        context.pipeline().addBefore(decoder.name(), null, new Bytes()).addAfter(decoder.name(), null, new Frames());
        var _ = context.channel().closeFuture().addListener(closed -> {
            held = 0;
            settle();
            room.giveBack(kept);
            kept = 0;
        });
    }

    /** Counts what comes, in front of the decoder. */
    private final class Bytes extends ChannelInboundHandlerAdapter {
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

    /** Answers pings, behind the decoder: whoever does not read the answers gets one at a time. */
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
            // From behind the encoder, which is not before us.
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

    /** What a frame with so large a payload has taken on the wire. */
    static int wireBytes(int payload) {
        return HEAD_BYTES + payload + (payload < 126 ? 0 : payload <= 0xffff ? 2 : 8);
    }

    /** A message of so many bytes has been made something of. */
    void taken(long bytes) {
        inFrames = Math.max(0, inFrames - bytes);
        partSinceNanos = 0;
        drop(bytes);
    }

    private void drop(long bytes) {
        // What had come before we were here was not counted.
        held = Math.max(0, held - bytes);
    }

    /** A frame that is no part of a message has come. */
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
        long needed = held <= FREE_BYTES ? 0 : held;
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

    /** Whether there is room for so many bytes of requests that have no answer yet; if not, no more is to be read. */
    boolean keeps(long bytes) {
        long needed = bytes <= FREE_BYTES || !context.channel().isActive() ? 0 : bytes;
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

    /** For how long a message has been arriving. */
    long arrivingForNanos(long now) {
        return partSinceNanos == 0 ? 0 : Math.max(0, now - partSinceNanos);
    }

    /** Stops to read, at once. */
    void pause() {
        socket.pause();
        // The socket would go on until some frames wait, however large they are.
        context.channel().config().setAutoRead(false);
    }

    /** The opposite of {@link #pause}. */
    void resume() {
        context.channel().config().setAutoRead(true);
        socket.resume();
    }

    /** The client is to go: of what it sends from now on only the end of the connection counts. */
    void close() {
        closing = true;
        unanswered = null;
        if (context.channel().isActive()) {
            resume();
        }
    }
}
