package dev.parley.server.loop;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Bytes as they go over the wire, framed once for all connections that they are written to. Used on one event loop; what
 * was made is given back with {@link #release()}.
 */
public final class SharedBytes {
    private final @Nullable Runnable onFree;
    private final byte[][] parts;
    private @Nullable ByteBuf joined;

    /** The bytes of {@code parts}, one behind the other; they must not change. */
    public SharedBytes(byte[]... parts) {
        this(null, parts);
    }

    /**
     * As {@link #SharedBytes(byte[]...)}.
     *
     * @param onFree runs, on any thread, when these were released and all connections have written them
     */
    public SharedBytes(@Nullable Runnable onFree, byte[]... parts) {
        this.onFree = onFree;
        this.parts = parts;
    }

    /** Tells when its memory is free. */
    private static final class Counted extends CompositeByteBuf {
        private final Runnable onFree;

        Counted(ByteBuf bytes, Runnable onFree) {
            super(PooledByteBufAllocator.DEFAULT, true, 1);
            this.onFree = onFree;
            addComponent(true, bytes);
        }

        @Override
        protected void deallocate() {
            super.deallocate();
            onFree.run();
        }
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
            if (onFree != null) {
                bytes = new Counted(bytes, onFree);
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
        } else if (onFree != null) {
            onFree.run();
        }
    }
}
