package dev.parley.engine.stream;

import java.util.List;

/** Where text may be cut. Text that is no UTF-8 may be cut anywhere. */
public final class Utf8 {
    /**
     * Appends that all end inside a character are held back or kept together up to so many bytes, and no further: what would
     * be one character to the end must not be kept from readers for ever, nor be read into memory at once.
     */
    static final int MAX_HELD_BYTES = 64 << 10;

    private static final int LONGEST = 4;

    private Utf8() {}

    /** How many bytes the last character of {@code bytes} lacks, which follow on text that lacked {@code missing}. */
    static int missingAfter(int missing, byte[] bytes) {
        int length = bytes.length;
        for (int fromEnd = 1; fromEnd < LONGEST && fromEnd <= length; fromEnd++) {
            int b = bytes[length - fromEnd] & 0xFF;
            if (b < 0x80 || b >= 0xC0) {
                return Math.max(0, lengthOf(b) - fromEnd);
            }
        }
        // Nothing but the middle of a character, or of none.
        return length < LONGEST ? Math.max(0, missing - length) : 0;
    }

    private static int lengthOf(int lead) {
        if (lead >= 0xC2 && lead <= 0xDF) {
            return 2;
        }
        if (lead >= 0xE0 && lead <= 0xEF) {
            return 3;
        }
        return lead >= 0xF0 && lead <= 0xF4 ? 4 : 1;
    }

    /** The longest beginning of {@code entries} that ends with a whole character; empty if there is none. */
    public static List<Entry> whole(List<Entry> entries) {
        int missing = 0;
        int count = 0;
        for (int i = 0; i < entries.size(); i++) {
            missing = missingAfter(missing, entries.get(i).payload().bytes());
            if (missing == 0) {
                count = i + 1;
            }
        }
        return count == entries.size() ? entries : List.copyOf(entries.subList(0, count));
    }

    /** The shortest beginning of {@code entries} that ends with a whole character; all if there is none. */
    public static List<Entry> firstWhole(List<Entry> entries) {
        int missing = 0;
        for (int i = 0; i < entries.size(); i++) {
            missing = missingAfter(missing, entries.get(i).payload().bytes());
            if (missing == 0) {
                return List.copyOf(entries.subList(0, i + 1));
            }
        }
        return entries;
    }
}
