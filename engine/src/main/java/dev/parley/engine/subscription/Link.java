package dev.parley.engine.subscription;

/**
 * A subscription's link to one stream, with its cursor.
 *
 * @param path the stream's path
 * @param streamId the id of the stream at that path, or {@link StreamTail#UNBORN}
 * @param acked the position up to which the stream is processed, or {@link #START}
 * @param explicit whether the stream was linked by name
 * @param glob whether the stream was linked by the pattern
 */
public record Link(String path, long streamId, long acked, boolean explicit, boolean glob) {
    /** The cursor in a stream that was discovered: nothing of it is processed. */
    public static final long START = -1;

    /** The memory that a link takes besides its path, by estimate: the link itself, and its entries in maps. */
    static final long BYTES = 384;

    /**
     * The memory that a link to the stream at {@code path} takes, by estimate. Paths have one byte for each character.
     */
    public static long bytes(String path) {
        return BYTES + path.length();
    }

    /** Whether {@code tail} shows something that is not processed yet. */
    boolean isPending(StreamTail tail) {
        return tail.streamId() == streamId && tail.position() > Math.max(acked, 0);
    }

    /** Whether {@code tail} belongs to a newer stream at the same path. */
    boolean isOutdatedBy(StreamTail tail) {
        return tail.streamId() > streamId;
    }

    /**
     * The link to the newer stream to which {@code tail} belongs. If there was no stream before, the cursor stays
     * valid.
     */
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
