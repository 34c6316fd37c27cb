package dev.parley.server.streams;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The paths of streams. A path is used as it is on the wire, including {@code %2F}. Only escapes that RFC 3986 (6.2.2)
 * calls equivalent are decoded. Two spellings of one URL are therefore one stream, and two different URLs are never one
 * stream.
 */
public final class StreamPaths {
    /** The greatest length of a path, in characters. */
    public static final int MAX_LENGTH = 1024;

    /** The first segment of all paths that are not streams (section 6). */
    static final String RESERVED = "__ds";

    private StreamPaths() {}

    /**
     * The canonical form of a path, or null if it is neither the path of a stream nor a reserved one. A reserved path
     * may be longer than that of any stream, because it may contain the path of a stream with all characters escaped.
     * Whoever extracts that path checks it. The same is true of the name of a session.
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
        boolean checkedLater = isReserved(path) || SessionStream.is(path);
        return path.length() > MAX_LENGTH && !checkedLater ? null : path;
    }

    /**
     * Decodes the escapes that RFC 3986 calls unnecessary, and writes the others in upper case. Returns null if one is
     * invalid.
     */
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

    /**
     * Whether a path contains {@code .} or {@code ..} as a segment. Clients and proxies remove these, so requests would
     * never reach a stream with such a path.
     */
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

    /** Whether the path is below {@value #RESERVED}. */
    public static boolean isReserved(String rawPath) {
        return rawPath.startsWith(RESERVED)
                && (rawPath.length() == RESERVED.length() || rawPath.charAt(RESERVED.length()) == '/');
    }
}
