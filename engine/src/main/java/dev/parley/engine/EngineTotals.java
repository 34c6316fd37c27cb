package dev.parley.engine;

/**
 * What the committer has done since the engine was opened.
 *
 * @param commands commands made durable
 * @param groups syncs it took
 * @param bytes bytes written to the journal
 * @param syncNanos time spent writing and syncing, in nanoseconds
 */
public record EngineTotals(long commands, long groups, long bytes, long syncNanos) {}
