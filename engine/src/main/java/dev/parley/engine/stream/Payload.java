package dev.parley.engine.stream;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Data to append, in units: single bytes, or whole JSON messages.
 *
 * <p>JSON messages are stored in {@code bytes} one after another, separated by commas, in the form in which a response
 * contains them.
 *
 * @param bytes the data; must not be changed afterwards
 * @param lengths for JSON the length of each message in bytes, otherwise null
 */
public record Payload(byte[] bytes, int @Nullable [] lengths) {
    private static final Payload EMPTY = new Payload(new byte[0], null);

    /** No data at all. */
    public static Payload empty() {
        return EMPTY;
    }

    /** Bytes without further structure. */
    public static Payload ofBytes(byte[] bytes) {
        return bytes.length == 0 ? EMPTY : new Payload(bytes, null);
    }

    /** JSON messages, joined by commas. */
    public static Payload ofMessages(byte[] joined, int[] lengths) {
        return lengths.length == 0 ? EMPTY : new Payload(joined, lengths);
    }

    /** The number of units by which the payload moves a stream's tail. */
    public int units() {
        return lengths == null ? bytes.length : lengths.length;
    }

    /** True if there is nothing to append. */
    public boolean isEmpty() {
        return bytes.length == 0;
    }

    /** The units from {@code from} (inclusive) to {@code to} (exclusive). */
    public Payload slice(int from, int to) {
        if (from == 0 && to == units()) {
            return this;
        }
        if (from >= to) {
            return EMPTY;
        }
        if (lengths == null) {
            return new Payload(Arrays.copyOfRange(bytes, from, to), null);
        }
        int start = startOfMessage(from);
        int end = startOfMessage(to) - 1;
        return new Payload(Arrays.copyOfRange(bytes, start, end), Arrays.copyOfRange(lengths, from, to));
    }

    private int startOfMessage(int index) {
        int start = 0;
        for (int i = 0; i < index; i++) {
            start += Objects.requireNonNull(lengths)[i] + 1;
        }
        return start;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Payload that
                && Arrays.equals(bytes, that.bytes)
                && Arrays.equals(lengths, that.lengths);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(bytes) + Arrays.hashCode(lengths);
    }

    @Override
    public String toString() {
        return "Payload[" + bytes.length + " bytes, " + units() + " units]";
    }
}
