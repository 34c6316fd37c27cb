package dev.parley.server.streams;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Which paths name streams. A path stays as it is on the wire, {@code %2F} included, but for escapes that RFC 3986
 * (6.2.2) calls equivalent: two spellings of one URL are one stream, and two URLs are never one.
 */
public final class StreamPaths {
    /** Longest path in characters. */
    public static final int MAX_LENGTH = 1024;

    /** First segment of everything that is not a stream (section 6). */
    static final String RESERVED = "__ds";

    private StreamPaths() {}

    /**
     * The path in its one spelling, or null if it can name neither a stream nor anything reserved. One that is reserved may
     * be longer than any stream's: it may have such a path in it, all in escapes, and whoever takes that out checks it.
     */
    public static @Nullable String canonical(String rawPath) {
        if (rawPath.isEmpty()) {
            return null;
        }
        boolean escapes = false;
        for (int i = 0; i < rawPath.length(); i++) {
            char c = rawPath.charAt(i);
            if (c <= ' ' || c >= 0x7F) {
                return null;
            }
            escapes |= c == '%';
        }
        String path = escapes ? respell(rawPath) : rawPath;
        if (path == null || hasDotSegment(path)) {
            return null;
        }
        return path.length() > MAX_LENGTH && !isReserved(path) ? null : path;
    }

    /** Decodes the escapes that RFC 3986 calls unneeded and spells the others in upper case; null if one is invalid. */
    private static @Nullable String respell(String rawPath) {
        StringBuilder path = new StringBuilder(rawPath.length());
        int i = 0;
        while (i < rawPath.length()) {
            char c = rawPath.charAt(i);
            if (c != '%') {
                path.append(c);
                i++;
                continue;
            }
            if (i + 2 >= rawPath.length()) {
                return null;
            }
            int high = Character.digit(rawPath.charAt(i + 1), 16);
            int low = Character.digit(rawPath.charAt(i + 2), 16);
            int value = high * 16 + low;
            if (high < 0 || low < 0 || value < ' ' || value == 0x7F) {
                return null;
            }
            if (isUnreserved(value)) {
                path.append((char) value);
            } else {
                path.append(rawPath.substring(i, i + 3).toUpperCase(Locale.ROOT));
            }
            i += 3;
        }
        return path.toString();
    }

    private static boolean isUnreserved(int c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || "-._~".indexOf(c) >= 0;
    }

    /** Clients and proxies fold such segments away, so they would never reach a stream of that name. */
    private static boolean hasDotSegment(String path) {
        int start = 0;
        while (start <= path.length()) {
            int slash = path.indexOf('/', start);
            int end = slash < 0 ? path.length() : slash;
            int length = end - start;
            if ((length == 1 || length == 2) && path.charAt(start) == '.' && path.charAt(end - 1) == '.') {
                return true;
            }
            start = end + 1;
        }
        return false;
    }

    /** True if the path is below {@value #RESERVED}. */
    public static boolean isReserved(String rawPath) {
        return rawPath.startsWith(RESERVED)
                && (rawPath.length() == RESERVED.length() || rawPath.charAt(RESERVED.length()) == '/');
    }
}
