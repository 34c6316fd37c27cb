package dev.parley.server.streams;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Which paths name streams. A path stays as it is on the wire, {@code %2F} included, but for the case of its escapes:
 * so two spellings of one URL are one stream, and two URLs are never one.
 */
public final class StreamPaths {
    /** Longest path in characters. */
    public static final int MAX_LENGTH = 1024;

    /** First segment of everything that is not a stream (section 6). */
    static final String RESERVED = "__ds";

    private StreamPaths() {}

    /** The path in its one spelling, or null if it cannot name a stream. */
    public static @Nullable String canonical(String rawPath) {
        if (rawPath.isEmpty() || rawPath.length() > MAX_LENGTH) {
            return null;
        }
        for (String segment : rawPath.split("/", -1)) {
            if (segment.equals(".") || segment.equals("..")) {
                return null;
            }
        }
        boolean respell = false;
        for (int i = 0; i < rawPath.length(); i++) {
            char c = rawPath.charAt(i);
            if (c <= ' ' || c >= 0x7F) {
                return null;
            }
            if (c == '%') {
                if (i + 2 >= rawPath.length() || !isHex(rawPath.charAt(i + 1)) || !isHex(rawPath.charAt(i + 2))) {
                    return null;
                }
                respell = true;
            }
        }
        return respell ? upperCaseEscapes(rawPath) : rawPath;
    }

    /** True if the path is below {@value #RESERVED}. */
    public static boolean isReserved(String rawPath) {
        return rawPath.startsWith(RESERVED)
                && (rawPath.length() == RESERVED.length() || rawPath.charAt(RESERVED.length()) == '/');
    }

    private static boolean isHex(char c) {
        return Character.digit(c, 16) >= 0;
    }

    private static String upperCaseEscapes(String path) {
        StringBuilder spelled = new StringBuilder(path);
        for (int i = path.indexOf('%'); i >= 0; i = path.indexOf('%', i + 3)) {
            spelled.replace(i, i + 3, path.substring(i, i + 3).toUpperCase(Locale.ROOT));
        }
        return spelled.toString();
    }
}
