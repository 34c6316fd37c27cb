package dev.parley.server.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.ConnectionBase;

/** The end of connections whose client takes nothing. */
public final class Sockets {

    private Sockets() {}

    /**
     * Ends {@code connection} at once, whatever it still has to send. On its event loop.
     *
     * <p>To close it would first wait until the socket has taken all that it was given, which it never does; and then the
     * operating system would keep that for its time.
     */
    public static void cut(HttpConnection connection) {
        Channel channel = ((ConnectionBase) connection).channel();
        if (channel.isActive()) {
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
        }
        channel.unsafe().close(channel.voidPromise());
    }
}
