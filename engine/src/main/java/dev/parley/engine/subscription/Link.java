package dev.parley.engine.subscription;

/**
 * A subscription's cursor in one stream.
 *
 * @param path the stream's path
 * @param streamId which of the streams at that path, or {@link StreamTail#UNBORN}
 * @param acked position up to which the stream is processed, or {@link #START}
 * @param explicit whether it was linked by name
 * @param glob whether it was linked by the pattern
 */
public record Link(String path, long streamId, long acked, boolean explicit, boolean glob) {
    /** The cursor of a stream that was discovered: nothing is processed. */
    public static final long START = -1;

    /** What a link takes in memory beside its path, by estimate: itself, and its places in the maps that find it. */
    static final long BYTES = 384;

    /** What a link to the stream at {@code path} takes in memory, by estimate. Paths have one byte a character. */
    public static long bytes(String path) {
        return BYTES + path.length();
    }

    /** True if {@code tail} shows something that is not processed yet. */
    boolean isPending(StreamTail tail) {
        return tail.streamId() == streamId && tail.position() > Math.max(acked, 0);
    }

    /** True if {@code tail} is of a newer stream at the same path. */
    boolean isOutdatedBy(StreamTail tail) {
        return tail.streamId() > streamId;
    }

    /** The link for the newer stream that {@code tail} is of: where there was none before, the cursor holds. */
    Link to(StreamTail tail) {
        return new Link(path, tail.streamId(), streamId == StreamTail.UNBORN ? acked : START, explicit, glob);
    }

    Link ackedTo(long position) {
        return new Link(path, streamId, position, explicit, glob);
    }

    Link withExplicit(boolean linked) {
        return new Link(path, streamId, acked, linked, glob);
    }
}
