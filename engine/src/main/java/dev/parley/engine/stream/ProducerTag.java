package dev.parley.engine.stream;

/**
 * The place of an append in a producer's sequence (Durable Streams 5.2.1).
 *
 * @param id names the producer across restarts; not empty
 * @param epoch grows with every restart of the producer, from 0
 * @param seq grows by one with every append of the epoch, from 0
 */
public record ProducerTag(String id, long epoch, long seq) {}
