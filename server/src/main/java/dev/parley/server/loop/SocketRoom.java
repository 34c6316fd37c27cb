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
 * What the socket of one connection has not taken of all that was written to it, whichever way: what goes past the encoder of
 * a protocol, the encoder does not see. Used on the connection's event loop.
 */
public final class SocketRoom {
    /**
     * What the operating system may hold of one connection that it has not sent: by default it is megabytes, which would
     * hide for long whether a client takes anything.
     */
    private static final long UNSENT_BYTES = 128 << 10;

    private static final AttributeKey<SocketRoom> KEY = AttributeKey.valueOf(SocketRoom.class, "room");

    private final Channel channel;
    private @Nullable Runnable onRoom;

    /** What the socket was at when {@link #hasTakenNothing} was asked last, and how much of it had gone. */
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

    /** That of {@code channel}; always the same object. */
    public static SocketRoom of(Channel channel) {
        var attribute = channel.attr(KEY);
        SocketRoom known = attribute.get();
        if (known == null) {
            known = new SocketRoom(channel);
            attribute.set(known);
        }
        return known;
    }

    /** From now on {@code listener} runs when the socket has room again; it only passes the word on. Null: nobody hears. */
    public void tell(@Nullable Runnable listener) {
        onRoom = listener;
        head = null;
    }

    /** Whether more may be written. */
    public boolean isThere() {
        return channel.isWritable();
    }

    /** Whether the socket has not taken all. */
    public boolean isAwaited() {
        ChannelOutboundBuffer waiting = channel.unsafe().outboundBuffer();
        return waiting != null && waiting.totalPendingWriteBytes() > 0;
    }

    /** Whether something waits, and the socket has taken none of it since this was asked last. */
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
