package dev.parley.engine.codec;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A growing byte array with the few encodings that records and store values use. Not thread-safe. */
public final class BinaryWriter {
    private byte[] bytes;
    private int size;

    /** A writer whose first {@code capacity} bytes need no growth. */
    public BinaryWriter(int capacity) {
        bytes = new byte[capacity];
    }

    /** Forgets what was written and keeps the memory. */
    public void reset() {
        size = 0;
    }

    /** Bytes written since the start or the last {@link #reset()}. */
    public int size() {
        return size;
    }

    /** Appends one byte. */
    public BinaryWriter u8(int value) {
        reserve(1);
        bytes[size++] = (byte) value;
        return this;
    }

    /** Appends a boolean as one byte. */
    public BinaryWriter bool(boolean value) {
        return u8(value ? 1 : 0);
    }

    /** Appends eight bytes, most significant first, so that byte order is numeric order for values >= 0. */
    public BinaryWriter fixed64(long value) {
        reserve(8);
        for (int shift = 56; shift >= 0; shift -= 8) {
            bytes[size++] = (byte) (value >>> shift);
        }
        return this;
    }

    /** Appends an unsigned LEB128 number: one byte below 128. Negative values take ten bytes. */
    public BinaryWriter varint(long value) {
        reserve(10);
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            bytes[size++] = (byte) ((rest & 0x7F) | 0x80);
            rest >>>= 7;
        }
        bytes[size++] = (byte) rest;
        return this;
    }

    /** Appends bytes without their length. */
    public BinaryWriter raw(byte[] value) {
        reserve(value.length);
        System.arraycopy(value, 0, bytes, size, value.length);
        size += value.length;
        return this;
    }

    /** Appends bytes behind their length. */
    public BinaryWriter blob(byte[] value) {
        return varint(value.length).raw(value);
    }

    /** Appends a string as a length and UTF-8. */
    public BinaryWriter string(String value) {
        return blob(value.getBytes(StandardCharsets.UTF_8));
    }

    /** Appends a string that may be absent. */
    public BinaryWriter optional(@Nullable String value) {
        bool(value != null);
        return value == null ? this : string(value);
    }

    /** A copy of what was written. */
    public byte[] toBytes() {
        return Arrays.copyOf(bytes, size);
    }

    /** A view of what was written, valid until the next write or reset. */
    public ByteBuffer view() {
        return ByteBuffer.wrap(bytes, 0, size);
    }

    private void reserve(int more) {
        if (bytes.length - size < more) {
            bytes = Arrays.copyOf(bytes, Math.max(Math.addExact(size, more), (int)
                    Math.min(Integer.MAX_VALUE - 8L, bytes.length * 2L)));
        }
    }
}
