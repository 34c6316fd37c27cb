package dev.parley.engine.session;

/**
 * Positions in a session's log: milliseconds since 1970 and, in the low bits, a counter. The order of positions is
 * therefore the order of the log, a position says when its entry was made, and a period of time is a range of
 * positions.
 *
 * <p>Positions grow strictly, whatever the clock does: if the clock stands still or goes back, the counter continues.
 */
public final class Positions {
    /** The position before all entries. */
    public static final long START = 0;

    private static final int COUNTER_BITS = 20;

    private Positions() {}

    /** The first position of a millisecond. */
    public static long startOf(long millis) {
        return millis << COUNTER_BITS;
    }

    /** The position that follows {@code last} at {@code time}. */
    public static long next(long last, long time) {
        return Math.max(last + 1, startOf(time));
    }

    /** When the entry at {@code position} was made, in milliseconds since 1970. */
    public static long millis(long position) {
        return position >>> COUNTER_BITS;
    }

    /** The counter in a position. */
    public static int counter(long position) {
        return (int) (position & ((1 << COUNTER_BITS) - 1));
    }

    /** The position with these two parts. */
    public static long of(long millis, int counter) {
        if (millis < 0 || millis >= 1L << (63 - COUNTER_BITS) || counter < 0 || counter >= 1 << COUNTER_BITS) {
            throw new IllegalArgumentException("no position: " + millis + "-" + counter);
        }
        return startOf(millis) | counter;
    }
}
