package dev.parley.engine.subscription;

/** Patterns over stream paths (Durable Streams 6.2): {@code *} is one segment, {@code **} any number of them. */
public final class Glob {
    static final String ONE = "*";
    static final String ANY = "**";

    private Glob() {}

    /** True if {@code pattern} covers {@code path}. Takes at most the product of their segments in steps. */
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
                // Only the last ** needs to give: whatever an earlier one could take, this one can take as well.
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

    /** {@code pattern} where every {@code **} at its end stands for no segment: it covers these paths, too. */
    public static String withoutTrailingAny(String pattern) {
        String rest = pattern;
        while (rest.endsWith("/" + ANY)) {
            rest = rest.substring(0, rest.length() - ANY.length() - 1);
        }
        return rest;
    }

    /** What every path that {@code pattern} covers begins with. */
    public static String literalPrefix(String pattern) {
        int end = 0;
        for (String segment : pattern.split("/", -1)) {
            if (segment.equals(ONE)) {
                return pattern.substring(0, end);
            }
            if (segment.equals(ANY)) {
                // It may stand for no segment at all, and then the slash before it is not there either.
                return pattern.substring(0, Math.max(0, end - 1));
            }
            end += segment.length() + 1;
        }
        return pattern;
    }
}
