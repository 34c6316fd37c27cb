package dev.parley.server.wire;

import dev.parley.engine.session.Positions;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Positions in the form of the protocols: serials of messages and versions, and cursors of history. {@link
 * ChannelSerial} has the places of clients. All serials have the same width, so their order as texts is their order in
 * the log.
 */
public final class Serials {
    private static final int MILLIS_DIGITS = 14;
    private static final int COUNTER_DIGITS = 7;
    static final int LENGTH = MILLIS_DIGITS + 1 + COUNTER_DIGITS;

    private Serials() {}

    /** The text of a position. */
    public static String render(long position) {
        char[] text = new char[LENGTH];
        digits(text, 0, MILLIS_DIGITS, Positions.millis(position));
        text[MILLIS_DIGITS] = '-';
        digits(text, MILLIS_DIGITS + 1, COUNTER_DIGITS, Positions.counter(position));
        return new String(text);
    }

    private static void digits(char[] text, int from, int count, long number) {
        long rest = number;
        for (int i = from + count - 1; i >= from; i--) {
            text[i] = (char) ('0' + rest % 10);
            rest /= 10;
        }
    }

    /** Parses the serial that a client sends. Returns empty if this server has never given it out. */
    public static OptionalLong parse(@Nullable String serial) {
        if (serial == null || serial.length() != LENGTH || serial.charAt(MILLIS_DIGITS) != '-') {
            return OptionalLong.empty();
        }
        long millis = number(serial, 0, MILLIS_DIGITS);
        long counter = number(serial, MILLIS_DIGITS + 1, COUNTER_DIGITS);
        if (millis < 0 || counter < 0) {
            return OptionalLong.empty();
        }
        try {
            return OptionalLong.of(Positions.of(millis, (int) counter));
        } catch (IllegalArgumentException e) {
            // The number is greater than any position.
            return OptionalLong.empty();
        }
    }

    private static long number(String text, int from, int count) {
        long number = 0;
        for (int i = from; i < from + count; i++) {
            char digit = text.charAt(i);
            if (digit < '0' || digit > '9') {
                return -1;
            }
            number = number * 10 + (digit - '0');
        }
        return number;
    }
}
