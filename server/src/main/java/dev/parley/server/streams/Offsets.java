package dev.parley.server.streams;

import java.util.OptionalLong;

/**
 * Positions as Durable Streams offsets (section 8): 16 digits, an underscore, 16 digits. The first half is always zero
 * and left to later use; the second is the position, so that text order is the order of positions.
 */
public final class Offsets {
    private static final int HALF = 16;
    private static final int LENGTH = 2 * HALF + 1;
    private static final String FIRST_HALF = "0".repeat(HALF) + "_";

    private Offsets() {}

    /** The offset of {@code position}. */
    public static String render(long position) {
        char[] text = new char[LENGTH];
        FIRST_HALF.getChars(0, HALF + 1, text, 0);
        long rest = position;
        for (int i = LENGTH - 1; i > HALF; i--) {
            text[i] = (char) ('0' + rest % 10);
            rest /= 10;
        }
        return new String(text);
    }

    /** The position of {@code offset}; empty if it has not the form of one. Any first half but zero is beyond all tails. */
    public static OptionalLong parse(String offset) {
        if (offset.length() != LENGTH || offset.charAt(HALF) != '_') {
            return OptionalLong.empty();
        }
        long position = 0;
        boolean beyond = false;
        for (int i = 0; i < LENGTH; i++) {
            int digit = offset.charAt(i) - '0';
            if (i == HALF) {
                continue;
            }
            if (digit < 0 || digit > 9) {
                return OptionalLong.empty();
            }
            if (i < HALF) {
                beyond |= digit != 0;
            } else {
                position = position * 10 + digit;
            }
        }
        return OptionalLong.of(beyond ? Long.MAX_VALUE : position);
    }
}
