package dev.parley.engine.stream;

import java.util.List;

/** Finds out where text may be divided. Text that is not UTF-8 may be divided anywhere. */
public final class Utf8 {
    /**
     * Up to this size, appends that all end inside a character are held back or kept together. Beyond it they are not:
     * data that looks like one character up to the end must not be kept from readers for ever, and must not be read
     * into memory at once.
     */
    static final int MAX_HELD_BYTES = 64 << 10;

    private static final int LONGEST = 4;

    private Utf8() {}

    /**
     * Number of bytes that the last character of {@code bytes} lacks, if the text before them lacked {@code missing}
     * bytes.
     */
    static int missingAfter(int missing, byte[] bytes) {
        int length = bytes.length;
        for (int fromEnd = 1; fromEnd < LONGEST && fromEnd <= length; fromEnd++) {
            int b = bytes[length - fromEnd] & 0xFF;
            if (b < 0x80 || b >= 0xC0) {
                return Math.max(0, lengthOf(b) - fromEnd);
            }
        }
        // The bytes contain only the middle of a character, or of none.
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

    /** The longest prefix of {@code entries} that ends with a whole character; empty if there is none. */
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

    /** The shortest prefix of {@code entries} that ends with a whole character; all entries if there is none. */
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
