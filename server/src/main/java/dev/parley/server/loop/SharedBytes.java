package dev.parley.server.loop;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/**
 * Bytes in the form that goes over the wire, which are framed once for all connections that they are written to. Used
 * on one event loop. The memory is given back with {@link #release()}.
 */
public final class SharedBytes {
    private final @Nullable Runnable onFree;
    private final byte[][] parts;
    private @Nullable ByteBuf joined;

    /** The bytes of {@code parts}, one after the other. They must not change. */
    public SharedBytes(byte[]... parts) {
        this(null, parts);
    }

    /**
     * The same as {@link #SharedBytes(byte[]...)}.
     *
     * @param onFree runs, on any thread, when the bytes were released and all connections have written them
     */
    public SharedBytes(@Nullable Runnable onFree, byte[]... parts) {
        this.onFree = onFree;
        this.parts = parts;
    }

    /** A buffer that tells when its memory is free. */
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

    /** The bytes for one more connection, which releases them when it has written them. */
    public ByteBuf share() {
        ByteBuf bytes = joined;
        if (bytes == null) {
            bytes = join();
            if (onFree != null) {
                bytes = new Counted(bytes, onFree);
            }
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
