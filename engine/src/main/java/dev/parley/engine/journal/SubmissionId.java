package dev.parley.engine.journal;

/**
 * Identifies a record that a node submitted to a shared log, also if the log has the record more than once.
 *
 * @param node the node that submitted the record
 * @param life which life of the node it was: a number that is greater with each start of the node
 * @param number the number of the record in this life; greater for each record that the node submits
 */
public record SubmissionId(long node, long life, long number) {}
