package dev.parley.engine.subscription;

/**
 * How far a stream was when the submitter looked: a fact that comes to the state machine from another shard.
 *
 * @param path the stream's path
 * @param streamId tells streams apart that follow one another at one path, greater is newer; {@link #UNBORN} if there is
 *     none
 * @param position the stream's tail
 */
public record StreamTail(String path, long streamId, long position) {
    /** No stream has this id. */
    public static final long UNBORN = 0;
}
