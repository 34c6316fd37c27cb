package dev.parley.server.streams;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Bytes as one chunk of a chunked HTTP/1.1 body, made once for all connections that it is written to. Used on one event
 * loop; what was made is given back with {@link #release()}.
 */
final class HttpChunk {
    private static final byte[] LINE_END = {'\r', '\n'};
    private static final int FRAMING_BYTES = 16;

    private final Buffer bytes;
    private @Nullable ByteBuf encoded;

    HttpChunk(Buffer bytes) {
        this.bytes = bytes;
    }

    /** The chunk for one more connection, which releases it when it is written. */
    ByteBuf share() {
        ByteBuf chunk = encoded;
        if (chunk == null) {
            byte[] size = Integer.toHexString(bytes.length()).getBytes(StandardCharsets.US_ASCII);
            // Direct memory goes to the system call as it is; anything else would be copied for each connection.
            chunk = PooledByteBufAllocator.DEFAULT.directBuffer(bytes.length() + FRAMING_BYTES);
            chunk.writeBytes(size)
                    .writeBytes(LINE_END)
                    .writeBytes(bytes.getBytes())
                    .writeBytes(LINE_END);
            encoded = chunk;
        }
        return chunk.retainedDuplicate();
    }

    void release() {
        if (encoded != null) {
            encoded.release();
            encoded = null;
        }
    }
}
