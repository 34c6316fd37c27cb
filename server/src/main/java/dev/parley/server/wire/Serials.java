package dev.parley.server.wire;

import dev.parley.engine.session.Positions;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Positions as the protocols show them: message serials, versions and cursors of history; see {@link ChannelSerial} for
 * the places of clients. All have the same width, so that their order as text is their order in the log.
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

    /** The position that a client shows; empty if it is none of ours. */
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
            // The digits are more than a position can hold.
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
