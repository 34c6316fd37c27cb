package dev.parley.server.streams;

import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The cursors of live reads (section 10.1). A cursor is the number of the current interval of 20 s. If the client's own
 * cursor is not behind that, the cursor is greater than the client's, so that no cache answers the client with
 * something that it has already seen.
 */
final class Cursors {
    private static final long EPOCH_MILLIS = 1_728_432_000_000L; // 2024-10-09T00:00:00Z
    private static final long INTERVAL_MILLIS = 20_000;
    private static final int MAX_JITTER_SECONDS = 3_600;
    private static final int MAX_DIGITS = 15;
    private static final long SALT = ThreadLocalRandom.current().nextLong();

    private Cursors() {}

    /** The cursor for a client that sent the cursor {@code given}, at {@code nowMillis}. */
    static long next(@Nullable String given, long nowMillis) {
        long current = current(nowMillis);
        long theirs = parse(given);
        if (theirs < current) {
            return current;
        }
        // The same for all clients with the same cursor, so that a cache can serve them with one request, and the
        // server can encode once.
        int jitterSeconds = 1 + new SplittableRandom(SALT ^ theirs).nextInt(MAX_JITTER_SECONDS);
        return theirs + Math.max(1, Math.ceilDiv(jitterSeconds * 1_000L, INTERVAL_MILLIS));
    }

    /** The cursor for clients that are behind. */
    static long current(long nowMillis) {
        return (nowMillis - EPOCH_MILLIS) / INTERVAL_MILLIS;
    }

    /** Parses a cursor. A text that is not a number counts as none. */
    private static long parse(@Nullable String given) {
        if (given == null || given.isEmpty() || given.length() > MAX_DIGITS) {
            return -1;
        }
        long value = 0;
        for (int i = 0; i < given.length(); i++) {
            int digit = given.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            value = value * 10 + digit;
        }
        return value;
    }
}
