package dev.parley.server.http;

import dev.parley.server.loop.Netty;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.vertx.core.http.HttpConnection;

/** Ends connections whose client accepts nothing. */
public final class Sockets {

    private Sockets() {}

    /**
     * Ends {@code connection} at once, even if it still has data to send. Called on the connection's event loop.
     *
     * <p>Closing it would first wait until the socket has accepted everything that it was given, which never happens.
     * After that, the operating system would still keep the data for a while.
     */
    public static void cut(HttpConnection connection) {
        cut(Netty.channel(connection));
    }

    /** The same, of its socket. */
    static void cut(Channel channel) {
        if (channel.isActive()) {
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
        }
        channel.unsafe().close(channel.voidPromise());
    }
}
