package dev.parley.engine.command;

/**
 * A request to change something, complete and self-contained: time, ids and the principal's word come with it, so that
 * applying it twice in the same state gives the same result on any node.
 *
 * @param <O> what may become of it
 */
public interface Command<O> {
    /** The name whose shard applies the command: a stream's path or a subscription's key. */
    String key();

    /** When the submitter made the command, in milliseconds since 1970. State machines read no other clock. */
    long time();

    /** Roughly the memory that the command holds until it is applied, in bytes. */
    int weight();

    /** True if the command takes up lasting room, so that a full disk refuses it. */
    boolean stores();
}
