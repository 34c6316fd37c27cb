package dev.parley.server.wire;

/**
 * Repairs halves of characters. JSON can contain one of the two escapes of a surrogate pair without the other, for
 * example if a program has cut a text in the middle of an emoji. UTF-8 cannot, so such a text could be read but never
 * sent to others.
 */
final class Surrogates {
    private static final int ESCAPE_LENGTH = 6;
    private static final byte[] REPLACEMENT = {'\\', 'u', 'f', 'f', 'f', 'd'};

    private Surrogates() {}

    /** The same JSON with halves of characters replaced by U+FFFD. Returns {@code json} itself if there are none. */
    static byte[] completed(byte[] json) {
        byte[] completed = null;
        int at = 0;
        while (at < json.length) {
            if (json[at] != '\\') {
                at++;
            } else if (isHighHalf(json, at) && isLowHalf(json, at + ESCAPE_LENGTH)) {
                at += 2 * ESCAPE_LENGTH;
            } else if (isHighHalf(json, at) || isLowHalf(json, at)) {
                completed = completed == null ? json.clone() : completed;
                System.arraycopy(REPLACEMENT, 0, completed, at, ESCAPE_LENGTH);
                at += ESCAPE_LENGTH;
            } else {
                // The escaped character is skipped, as it may be a backslash.
                at += 2;
            }
        }
        return completed == null ? json : completed;
    }

    private static boolean isHighHalf(byte[] json, int at) {
        return isEscape(json, at) && isOneOf(json[at + 3], "89abAB");
    }

    private static boolean isLowHalf(byte[] json, int at) {
        return isEscape(json, at) && isOneOf(json[at + 3], "cdefCDEF");
    }

    private static boolean isEscape(byte[] json, int at) {
        return at + ESCAPE_LENGTH <= json.length
                && json[at] == '\\'
                && json[at + 1] == 'u'
                && (json[at + 2] == 'd' || json[at + 2] == 'D');
    }

    private static boolean isOneOf(byte letter, String letters) {
        return letters.indexOf(letter) >= 0;
    }
}
