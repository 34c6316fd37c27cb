package dev.parley.engine;

/**
 * What the engine has done since it was opened.
 *
 * @param commands number of commands made durable
 * @param commandNanos sum of the times from the acceptance of commands to their outcomes, in nanoseconds, over all
 *     commands that had an outcome
 * @param groups number of syncs for these commands
 * @param bytes number of bytes written to the journal
 * @param syncNanos time spent writing and syncing, in nanoseconds
 * @param callbackFailures number of exceptions thrown by callbacks for outcomes and news
 */
public record EngineTotals(
        long commands, long commandNanos, long groups, long bytes, long syncNanos, long callbackFailures) {}
