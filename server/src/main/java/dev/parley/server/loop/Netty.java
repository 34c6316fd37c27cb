package dev.parley.server.loop;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.WebSocketFrame;
import io.vertx.core.http.WebSocketFrameType;
import io.vertx.core.http.impl.websocket.WebSocketFrameImpl;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.buffer.BufferInternal;
import io.vertx.core.internal.http.WebSocketInternal;
import io.vertx.core.net.impl.ConnectionBase;

/**
 * The parts of Netty that Vert.x uses and does not show. Everything in Parley that depends on the internals of Vert.x
 * is in this class, so that an update of Vert.x can break nothing else.
 */
public final class Netty {
    private Netty() {}

    /** The socket of {@code connection}. In HTTP/2, all streams of the connection share it. */
    public static Channel channel(HttpConnection connection) {
        return ((ConnectionBase) connection).channel();
    }

    /** The place in the pipeline at which the frames of {@code socket} leave Netty and enter Vert.x. */
    public static ChannelHandlerContext context(ServerWebSocket socket) {
        return ((WebSocketInternal) socket).channelHandlerContext();
    }

    /** The Netty event loop of {@code context}. */
    public static EventLoop eventLoop(Context context) {
        return ((ContextInternal) context).nettyEventLoop();
    }

    /** A buffer with these bytes, which are not copied. */
    public static Buffer buffer(byte[] bytes) {
        return BufferInternal.buffer(Unpooled.wrappedBuffer(bytes));
    }

    /** A final frame with these bytes, which are not copied. */
    public static WebSocketFrame frame(WebSocketFrameType type, byte[] bytes) {
        return new WebSocketFrameImpl(type, bytes, true);
    }
}
