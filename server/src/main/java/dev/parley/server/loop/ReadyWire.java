package dev.parley.server.loop;

import io.netty.channel.ChannelHandlerContext;
import io.vertx.core.Future;
import org.jspecify.annotations.Nullable;

/**
 * The way of ready bytes to one connection, past the encoder of its protocol. Used on the connection's event loop.
 *
 * <p>What the connection's owner writes through the encoder has to be told, as nothing may overtake it.
 */
public final class ReadyWire {
    private final @Nullable ChannelHandlerContext pastEncoder;
    private @Nullable Future<Void> lastEncoded;

    /**
     * The way behind {@code pastEncoder}, closed until a first write has gone through the encoder.
     *
     * @param pastEncoder the encoder's place, or null where bytes have to be made for each connection, as with encryption
     */
    public ReadyWire(@Nullable ChannelHandlerContext pastEncoder) {
        this.pastEncoder = pastEncoder;
    }

    /** Notes a write that goes through the encoder. */
    public void encoded(Future<Void> write) {
        lastEncoded = write;
    }

    /** Whether ready bytes may go now; if not, they have to take the way through the encoder. */
    public boolean isFree() {
        return pastEncoder != null
                && lastEncoded != null
                && lastEncoded.isComplete()
                && pastEncoder.channel().isWritable();
    }

    /** Sends {@code bytes} if that {@link #isFree() may be} now; returns whether it did. */
    public boolean write(SharedBytes bytes) {
        return write(bytes, null);
    }

    /**
     * The same.
     *
     * @param sent runs when the connection has taken them or never will; null: nobody wants to know
     */
    public boolean write(SharedBytes bytes, @Nullable Runnable sent) {
        ChannelHandlerContext wire = pastEncoder;
        if (wire == null || !isFree()) {
            return false;
        }
        if (sent == null) {
            // The bulk of all fan-out: one buffer for all connections, and no promise for each.
            var _ = wire.writeAndFlush(bytes.share(), wire.voidPromise());
        } else {
            var _ = wire.writeAndFlush(bytes.share()).addListener(over -> sent.run());
        }
        return true;
    }

    /** How many bytes a connection that is {@link #isFree() free} has not taken yet of {@code most}, its greatest number. */
    public long pending(long most) {
        ChannelHandlerContext wire = pastEncoder;
        return wire == null ? 0 : Math.max(0, most - wire.channel().bytesBeforeUnwritable());
    }
}
