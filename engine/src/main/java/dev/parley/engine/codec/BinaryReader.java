package dev.parley.engine.codec;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads what {@link BinaryWriter} wrote. Not thread-safe.
 *
 * <p>Malformed input ends in {@link MalformedBinaryException}, never in a partial value.
 */
public final class BinaryReader {
    private final ByteBuffer in;

    /** Reads the array from its start. */
    public BinaryReader(byte[] bytes) {
        this(ByteBuffer.wrap(bytes));
    }

    /** Reads the buffer from its position to its limit. */
    public BinaryReader(ByteBuffer buffer) {
        in = buffer;
    }

    /** Bytes that are left. */
    public int remaining() {
        return in.remaining();
    }

    /** One byte, 0 to 255. */
    public int u8() {
        try {
            return in.get() & 0xFF;
        } catch (BufferUnderflowException e) {
            throw new MalformedBinaryException("ends too early", e);
        }
    }

    /** A boolean of one byte. */
    public boolean bool() {
        return u8() != 0;
    }

    /** Eight bytes, most significant first. */
    public long fixed64() {
        try {
            return in.getLong();
        } catch (BufferUnderflowException e) {
            throw new MalformedBinaryException("ends too early", e);
        }
    }

    /** An unsigned LEB128 number. */
    public long varint() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int next = u8();
            value |= (long) (next & 0x7F) << shift;
            if (next < 0x80) {
                return value;
            }
        }
        throw new MalformedBinaryException("a number of more than ten bytes", null);
    }

    /** A count or length that fits an int. */
    public int count() {
        long value = varint();
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw new MalformedBinaryException("a count of " + Long.toUnsignedString(value), null);
        }
        return (int) value;
    }

    /** The next {@code length} bytes. */
    public byte[] raw(int length) {
        if (length > in.remaining()) {
            throw new MalformedBinaryException(length + " bytes announced, " + in.remaining() + " left", null);
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    /** Bytes behind their length. */
    public byte[] blob() {
        return raw(count());
    }

    /** One byte that must be {@code expected}: the version of what follows. */
    public void version(int expected) {
        version(expected, expected);
    }

    /** One byte from {@code oldest} to {@code newest}: the version of what follows. */
    public int version(int oldest, int newest) {
        int found = u8();
        if (found < oldest || found > newest) {
            throw new MalformedBinaryException("format version " + found + ", this program reads " + newest, null);
        }
        return found;
    }

    /** A string behind its length. */
    public String string() {
        return new String(blob(), StandardCharsets.UTF_8);
    }

    /** A string that may be absent. */
    public @Nullable String optional() {
        return bool() ? string() : null;
    }

    /** Passes over a string that may be absent, and returns its length in bytes, or 0. */
    public int skipOptional() {
        int length = bool() ? count() : 0;
        if (length > in.remaining()) {
            throw new MalformedBinaryException(length + " bytes announced, " + in.remaining() + " left", null);
        }
        in.position(in.position() + length);
        return length;
    }
}
