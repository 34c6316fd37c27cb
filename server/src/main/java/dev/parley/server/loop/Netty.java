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
 * What Vert.x has of the Netty below it and does not show. Everything in Parley that depends on the insides of Vert.x is
 * here, so that an update of Vert.x breaks this class or nothing.
 */
public final class Netty {
    private Netty() {}

    /** The socket of {@code connection}; in HTTP/2 that of all its streams. */
    public static Channel channel(HttpConnection connection) {
        return ((ConnectionBase) connection).channel();
    }

    /** Where the frames of {@code socket} leave Netty and enter Vert.x. */
    public static ChannelHandlerContext context(ServerWebSocket socket) {
        return ((WebSocketInternal) socket).channelHandlerContext();
    }

    /** The Netty event loop of {@code context}. */
    public static EventLoop eventLoop(Context context) {
        return ((ContextInternal) context).nettyEventLoop();
    }

    /** A buffer of these very bytes. */
    public static Buffer buffer(byte[] bytes) {
        return BufferInternal.buffer(Unpooled.wrappedBuffer(bytes));
    }

    /** A final frame of these very bytes. */
    public static WebSocketFrame frame(WebSocketFrameType type, byte[] bytes) {
        return new WebSocketFrameImpl(type, bytes, true);
    }
}
