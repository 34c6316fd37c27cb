package dev.parley.engine.subscription;

/**
 * Patterns for paths of streams (Durable Streams 6.2): {@code *} stands for one segment, {@code **} for any number of
 * segments.
 */
public final class Glob {
    static final String ONE = "*";
    static final String ANY = "**";

    private Glob() {}

    /**
     * Whether {@code pattern} covers {@code path}. The number of steps is at most the product of their numbers of
     * segments.
     */
    public static boolean matches(String pattern, String path) {
        String[] wanted = pattern.split("/", -1);
        String[] found = path.split("/", -1);
        int at = 0;
        int next = 0;
        int lastAny = -1;
        int anyEnds = 0;
        while (at < found.length) {
            if (next < wanted.length && wanted[next].equals(ANY)) {
                lastAny = next++;
                anyEnds = at;
            } else if (next < wanted.length && (wanted[next].equals(ONE) || wanted[next].equals(found[at]))) {
                next++;
                at++;
            } else if (lastAny >= 0) {
                // Only the last ** has to be tried with more segments: it can take whatever an earlier one could take.
                next = lastAny + 1;
                at = ++anyEnds;
            } else {
                return false;
            }
        }
        while (next < wanted.length && wanted[next].equals(ANY)) {
            next++;
        }
        return next == wanted.length;
    }

    /** The first segment of a pattern or a path. */
    static String head(String path) {
        int end = path.indexOf('/');
        return end < 0 ? path : path.substring(0, end);
    }

    /**
     * {@code pattern} without the {@code **} at its end, which stand for no segment here: the pattern also covers these
     * paths.
     */
    public static String withoutTrailingAny(String pattern) {
        String rest = pattern;
        while (rest.endsWith("/" + ANY)) {
            rest = rest.substring(0, rest.length() - ANY.length() - 1);
        }
        return rest;
    }

    /** The beginning that all paths have that {@code pattern} covers. */
    public static String literalPrefix(String pattern) {
        int end = 0;
        for (String segment : pattern.split("/", -1)) {
            if (segment.equals(ONE)) {
                return pattern.substring(0, end);
            }
            if (segment.equals(ANY)) {
                // The wildcard may stand for no segment, and then the slash before it is missing as well.
                return pattern.substring(0, Math.max(0, end - 1));
            }
            end += segment.length() + 1;
        }
        return pattern;
    }
}
