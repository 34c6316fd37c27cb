package dev.parley.server.realtime;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

/** Notes when a client was last heard of: any bytes count, also those of half a frame. Used on one event loop. */
final class LastHeard extends ChannelInboundHandlerAdapter {
    private long nanos = System.nanoTime();

    @Override
    public void channelRead(ChannelHandlerContext context, Object bytes) {
        nanos = System.nanoTime();
        context.fireChannelRead(bytes);
    }

    /** It could not be heard, which is not its fault. */
    void now(long now) {
        nanos = now;
    }

    long nanosSince(long now) {
        return now - nanos;
    }
}
