package dev.parley.server.loop;

import io.netty.channel.ChannelHandlerContext;
import io.vertx.core.Future;
import org.jspecify.annotations.Nullable;

/**
 * Sends ready bytes to one connection, past the encoder of its protocol. Used on the connection's event loop.
 *
 * <p>The owner of the connection has to report everything that it writes through the encoder, so that nothing overtakes
 * it.
 */
public final class ReadyWire {
    private final @Nullable ChannelHandlerContext pastEncoder;

    /** The newest write through the encoder, until it is known to be complete. */
    private @Nullable Future<Void> lastEncoded;

    /** Whether there has been a write through the encoder. */
    private boolean begun;

    /**
     * The way past an encoder. It is closed until a first write has gone through the encoder.
     *
     * @param pastEncoder the encoder's place, or null if bytes have to be made for each connection, as with encryption
     */
    public ReadyWire(@Nullable ChannelHandlerContext pastEncoder) {
        this.pastEncoder = pastEncoder;
    }

    /** Notes a write that goes through the encoder. */
    public void encoded(Future<Void> write) {
        begun = true;
        lastEncoded = write;
    }

    /** Whether ready bytes may be sent now. If not, they have to go through the encoder. */
    public boolean isFree() {
        return pastEncoder != null && isAllEncoded() && pastEncoder.channel().isWritable();
    }

    private boolean isAllEncoded() {
        Future<Void> last = lastEncoded;
        if (last == null) {
            return begun;
        }
        if (!last.isComplete()) {
            return false;
        }
        // Asked several times for each delivery of a fan-out, and a future answers under its lock.
        lastEncoded = null;
        return true;
    }

    /** Sends {@code bytes} if they {@link #isFree() may} be sent now. Returns whether they were sent. */
    public boolean write(SharedBytes bytes) {
        return write(bytes, null);
    }

    /**
     * Sends {@code bytes} if they may be sent now. Returns whether they were sent.
     *
     * @param sent runs when the connection has written them, or never will; null if nobody has to know
     */
    public boolean write(SharedBytes bytes, @Nullable Runnable sent) {
        ChannelHandlerContext wire = pastEncoder;
        if (wire == null || !isFree()) {
            return false;
        }
        if (sent == null) {
            // Most bytes of a fan-out go this way: one buffer for all connections, and no promise for each.
            var _ = wire.writeAndFlush(bytes.share(), wire.voidPromise());
        } else {
            var _ = wire.writeAndFlush(bytes.share()).addListener(over -> sent.run());
        }
        return true;
    }

    /**
     * The number of bytes that a connection which is {@link #isFree() free} has not yet written, if at most {@code
     * most} can wait in it.
     */
    public long pending(long most) {
        ChannelHandlerContext wire = pastEncoder;
        return wire == null ? 0 : Math.max(0, most - wire.channel().bytesBeforeUnwritable());
    }
}
