package dev.parley.engine.session;

/**
 * How much a session's objects may become. A command brings the limits with it.
 *
 * @param objects how many, deleted ones that are still kept included
 * @param keys keys of one map, removed ones not counted
 * @param valueBytes size of one value
 * @param bytes roughly what all of them take together, what was removed and is still kept included
 * @param graceMillis how long is kept what was removed or deleted, and what nothing leads to; less where room is scarce
 */
public record ObjectLimits(int objects, int keys, int valueBytes, long bytes, long graceMillis) {
    /** Longest key of a map. */
    public static final int MAX_KEY_LENGTH = 1024;

    /** What holds unless something else is said. */
    public static final ObjectLimits DEFAULT =
            new ObjectLimits(10_000, 20_000, 64 << 10, 16L << 20, 24 * 60 * 60 * 1000L);
}
