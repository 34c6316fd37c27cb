package dev.parley.server.realtime;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

/** Records when a client last sent something. Any bytes count, even half of a frame. Used on one event loop. */
final class LastHeard extends ChannelInboundHandlerAdapter {
    private long nanos = System.nanoTime();

    @Override
    public void channelRead(ChannelHandlerContext context, Object bytes) {
        nanos = System.nanoTime();
        context.fireChannelRead(bytes);
    }

    /** Resets the time, because the client could not be heard and is not responsible for that. */
    void now(long now) {
        nanos = now;
    }

    long nanosSince(long now) {
        return now - nanos;
    }
}
