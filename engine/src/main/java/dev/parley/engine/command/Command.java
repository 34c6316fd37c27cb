package dev.parley.engine.command;

/**
 * A request to change something, complete and self-contained: it contains the time, the ids and the authenticated
 * client, so applying it twice in the same state gives the same result on any node.
 *
 * @param <O> the outcomes that the command can have
 */
public interface Command<O> {
    /** The name whose shard applies the command: a stream's path or a subscription's key. */
    String key();

    /** When the submitter made the command, in milliseconds since 1970. State machines read no other clock. */
    long time();

    /** The memory that the command holds until it is applied in bytes, roughly. */
    int weight();

    /** Whether the command needs lasting space, so that a full disk refuses it. */
    boolean stores();
}
