package dev.parley.engine.session;

/**
 * The limits for the objects of a session. Commands contain them.
 *
 * @param objects the number of objects, including deleted ones that are still kept
 * @param keys the number of keys of one map, without removed ones
 * @param valueBytes the size of one value
 * @param bytes the size of all objects together, roughly, including what was removed and is still kept
 * @param graceMillis how long removed keys, deleted objects and unreachable objects are kept; less if room is scarce
 */
public record ObjectLimits(int objects, int keys, int valueBytes, long bytes, long graceMillis) {
    /** The greatest length of a key of a map. */
    public static final int MAX_KEY_LENGTH = 1024;

    /** The default limits. */
    public static final ObjectLimits DEFAULT =
            new ObjectLimits(10_000, 20_000, 64 << 10, 16L << 20, 24 * 60 * 60 * 1000L);
}
