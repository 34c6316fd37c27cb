package dev.parley.server.loop;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * Bytes in the form that goes over the wire, which are framed once for all connections that they are written to. Used
 * on one event loop. The memory is given back with {@link #release()}.
 */
public final class SharedBytes {
    private final byte[][] parts;
    private @Nullable ByteBuf joined;

    /** The bytes of {@code parts}, one after the other. They must not change. */
    public SharedBytes(byte[]... parts) {
        this.parts = parts;
    }

    /** The bytes for one more connection, which releases them when it has written them. */
    public ByteBuf share() {
        ByteBuf bytes = joined;
        if (bytes == null) {
            bytes = join();
            joined = bytes;
        }
        return bytes.retainedDuplicate();
    }

    private ByteBuf join() {
        int length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        ByteBuf bytes;
        try {
            // Direct memory is passed to the system call without a copy. Other memory would be copied for each
            // connection.
            bytes = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        } catch (OutOfMemoryError e) {
            // The bytes are then copied for each connection, and a connection for which that fails is closed.
            return Unpooled.wrappedBuffer(parts);
        }
        for (byte[] part : parts) {
            bytes.writeBytes(part);
        }
        return bytes;
    }

    /** Whether all connections have written the bytes that were shared with them, or never will. */
    public boolean areWritten() {
        return joined == null || joined.refCnt() == 1;
    }

    /** Gives the memory back once all connections have written it. */
    public void release() {
        if (joined != null) {
            joined.release();
            joined = null;
        }
    }
}
