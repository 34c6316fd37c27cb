package dev.parley.server.loop;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Bytes as they go over the wire, framed once for all connections that they are written to. Used on one event loop; what
 * was made is given back with {@link #release()}.
 */
public final class SharedBytes {
    private final byte[][] parts;
    private @Nullable ByteBuf joined;

    /** The bytes of {@code parts}, one behind the other; they must not change. */
    public SharedBytes(byte[]... parts) {
        this.parts = parts;
    }

    /** The bytes for one more connection, which releases them when they are written. */
    public ByteBuf share() {
        ByteBuf bytes = joined;
        if (bytes == null) {
            int length = 0;
            for (byte[] part : parts) {
                length += part.length;
            }
            // Direct memory goes to the system call as it is; anything else would be copied for each connection.
            bytes = PooledByteBufAllocator.DEFAULT.directBuffer(length);
            for (byte[] part : parts) {
                bytes.writeBytes(part);
            }
            joined = bytes;
        }
        return bytes.retainedDuplicate();
    }

    /** Gives the memory back once all connections have written it. */
    public void release() {
        if (joined != null) {
            joined.release();
            joined = null;
        }
    }
}
