package dev.parley.server.realtime;

import dev.parley.server.loop.SharedBytes;
import dev.parley.server.wire.WireFormat;
import java.nio.ByteBuffer;

/**
 * A protocol message for many connections of one event loop. It is framed once as a WebSocket message (RFC 6455, 5.2).
 */
final class SharedFrame {
    private static final int FINAL = 0x80;
    private static final int TEXT = 0x1;
    private static final int BINARY = 0x2;
    private static final int LENGTH_OF_16_BITS = 126;
    private static final int LENGTH_OF_64_BITS = 127;

    private final byte[] bytes;
    private final SharedBytes onWire;

    SharedFrame(WireFormat format, byte[] bytes) {
        this.bytes = bytes;
        this.onWire = new SharedBytes(head(format, bytes.length), bytes);
    }

    /** The protocol message. */
    byte[] bytes() {
        return bytes;
    }

    /** The WebSocket message that contains it. */
    SharedBytes onWire() {
        return onWire;
    }

    void release() {
        onWire.release();
    }

    private static byte[] head(WireFormat format, int length) {
        byte opcode = (byte) (FINAL | (format == WireFormat.JSON ? TEXT : BINARY));
        if (length < LENGTH_OF_16_BITS) {
            return new byte[] {opcode, (byte) length};
        }
        if (length <= 0xffff) {
            return ByteBuffer.allocate(4)
                    .put(opcode)
                    .put((byte) LENGTH_OF_16_BITS)
                    .putShort((short) length)
                    .array();
        }
        return ByteBuffer.allocate(10)
                .put(opcode)
                .put((byte) LENGTH_OF_64_BITS)
                .putLong(length)
                .array();
    }
}
