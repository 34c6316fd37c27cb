package dev.parley.server.loop;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.util.AttributeKey;
import org.jspecify.annotations.Nullable;

/**
 * The data that was written to the socket of one connection and that the socket has not accepted. This includes data
 * that bypasses the encoder of a protocol, which the encoder does not see. Used on the connection's event loop.
 */
public final class SocketRoom {
    /**
     * The number of unsent bytes that the operating system may hold for one connection. By default it holds megabytes,
     * which would hide for a long time whether a client accepts anything.
     */
    private static final long UNSENT_BYTES = 128 << 10;

    private static final AttributeKey<SocketRoom> KEY = AttributeKey.valueOf(SocketRoom.class, "room");

    private final Channel channel;
    private @Nullable Runnable onRoom;

    /** What the socket was writing when {@link #hasTakenNothing} was asked last, and how much of it was written. */
    private @Nullable Object head;

    private long headProgress;

    private SocketRoom(Channel channel) {
        this.channel = channel;
        if (channel instanceof EpollSocketChannel) {
            channel.config().setOption(EpollChannelOption.TCP_NOTSENT_LOWAT, UNSENT_BYTES);
        }
        channel.pipeline().addFirst(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelWritabilityChanged(ChannelHandlerContext context) {
                context.fireChannelWritabilityChanged();
                Runnable told = onRoom;
                if (told != null && context.channel().isWritable()) {
                    told.run();
                }
            }
        });
    }

    /** The room of {@code channel}: always the same object for the same channel. */
    public static SocketRoom of(Channel channel) {
        var attribute = channel.attr(KEY);
        SocketRoom known = attribute.get();
        if (known == null) {
            known = new SocketRoom(channel);
            attribute.set(known);
        }
        return known;
    }

    /**
     * From now on, {@code listener} runs when the socket has room again. It must return at once. Null removes the
     * listener.
     */
    public void tell(@Nullable Runnable listener) {
        onRoom = listener;
        head = null;
    }

    /** Whether more may be written. */
    public boolean isThere() {
        return channel.isWritable();
    }

    /** Whether the socket has not accepted everything. */
    public boolean isAwaited() {
        ChannelOutboundBuffer waiting = channel.unsafe().outboundBuffer();
        return waiting != null && waiting.totalPendingWriteBytes() > 0;
    }

    /** Whether data is waiting, and the socket has accepted none of it since this was asked last. */
    @SuppressWarnings("ReferenceEquality") // whether it is this very buffer that waits, whatever is in it
    public boolean hasTakenNothing() {
        ChannelOutboundBuffer waiting = channel.unsafe().outboundBuffer();
        Object now = waiting == null ? null : waiting.current();
        long progress = waiting == null ? 0 : waiting.currentProgress();
        boolean nothing = now != null && now == head && progress == headProgress;
        head = now;
        headProgress = progress;
        return nothing;
    }
}
