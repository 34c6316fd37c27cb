package dev.parley.engine;

/**
 * What the engine has done since it was opened.
 *
 * @param commands commands made durable
 * @param commandNanos time from taking commands to their outcomes, summed over all that had one, in nanoseconds
 * @param groups syncs it took
 * @param bytes bytes written to the journal
 * @param syncNanos time spent writing and syncing, in nanoseconds
 * @param callbackFailures exceptions of those who were told of outcomes and news
 */
public record EngineTotals(
        long commands, long commandNanos, long groups, long bytes, long syncNanos, long callbackFailures) {}
