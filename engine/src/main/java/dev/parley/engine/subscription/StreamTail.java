package dev.parley.engine.subscription;

/**
 * The tail of a stream when the submitter looked: a fact that a command brings to the state machine from another shard.
 *
 * @param path the stream's path
 * @param streamId distinguishes streams that follow one another at one path; greater ids are newer; {@link #UNBORN} if
 *     there is no stream
 * @param position the stream's tail
 */
public record StreamTail(String path, long streamId, long position) {
    /** An id that no stream has. */
    public static final long UNBORN = 0;
}
