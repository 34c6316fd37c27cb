package dev.parley.engine.stream;

import dev.parley.engine.stream.StreamCommand.Span;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a stream is at one moment. Immutable, so that any thread may look at the newest one.
 *
 * @param path the stream's path below the stream root
 * @param id journal position of the command that created it: no two streams ever share one
 * @param contentType media type as given at creation
 * @param ttlMillis sliding lifetime, or -1
 * @param expiresAt end of life in milliseconds since 1970, or -1
 * @param createdAt milliseconds since 1970
 * @param accessedAt last access that renewed a sliding lifetime, to a 64th of it
 * @param base first position of the stream's own entries; above 0 for a fork only
 * @param tail position behind the last entry
 * @param shown position up to which readers get entries: the tail, but of text what comes before an append that ends inside
 *     a character, until that is complete or the stream is closed
 * @param missing how many bytes the last character of text lacks
 * @param closed whether appends are over
 * @param closedBy the producer's append that closed it, or null
 * @param seq last {@code Stream-Seq}, or null. Its scope is the stream
 * @param pins how many forks need this stream's data
 * @param deleted deleted, but kept for its forks
 * @param origin for a fork where it came from, else null
 */
public record StreamState(
        String path,
        long id,
        String contentType,
        long ttlMillis,
        long expiresAt,
        long createdAt,
        long accessedAt,
        long base,
        long tail,
        long shown,
        int missing,
        boolean closed,
        @Nullable ProducerTag closedBy,
        @Nullable String seq,
        int pins,
        boolean deleted,
        @Nullable Origin origin) {

    /** Accesses within this fraction of a sliding lifetime count as one, so that not every read has to be recorded. */
    private static final int ACCESS_GRAIN = 64;

    /**
     * Where a fork came from.
     *
     * @param requested the position asked for, or -1 for the source's tail
     * @param lineage where the inherited entries lie, oldest first
     */
    public record Origin(String sourcePath, long sourceId, String pinId, long requested, List<Span> lineage) {}

    /** Together with their ids, distinguishes the incarnations of this path from those of other paths. */
    public int pathHash() {
        return path.hashCode();
    }

    /**
     * The place that an offset of {@code position} names. Within the inherited part of a fork this is a place in the
     * ancestor, so the offsets there are those of the source. Everywhere else it is a place in the stream's own
     * incarnation.
     */
    public Place.Named place(long position) {
        if (origin != null && position < base) {
            for (Span span : origin.lineage()) {
                if (span.from() <= position && position < span.to()) {
                    return new Place.Named(span.streamId(), span.pathHash(), position);
                }
            }
        }
        return new Place.Named(id, pathHash(), position);
    }

    /** True if entries are JSON messages rather than bytes. */
    public boolean isJson() {
        return isJson(contentType);
    }

    /** True if entries are text that is not JSON. */
    public boolean isText() {
        return mediaType(contentType).startsWith("text/");
    }

    /** True if entries are text in UTF-8, whose characters must not be divided. */
    public boolean isUtf8() {
        if (!contentType.regionMatches(true, 0, "text/", 0, "text/".length())) {
            return false;
        }
        String parameters = contentType.toLowerCase(Locale.ROOT);
        return !parameters.contains("charset") || parameters.contains("utf-8") || parameters.contains("us-ascii");
    }

    /** True if {@code other} names the same media type. Case and parameters are ignored. */
    public boolean hasType(String other) {
        return contentType.equals(other) || mediaType(contentType).equals(mediaType(other));
    }

    /** True if {@code contentType} means JSON mode. */
    public static boolean isJson(String contentType) {
        return mediaType(contentType).equals("application/json");
    }

    private static String mediaType(String contentType) {
        int parameters = contentType.indexOf(';');
        return (parameters < 0 ? contentType : contentType.substring(0, parameters))
                .strip()
                .toLowerCase(Locale.ROOT);
    }

    /**
     * When the stream ends if nobody accesses it any more, in milliseconds since 1970, or {@link Long#MAX_VALUE}. With
     * a sliding lifetime, this is up to a 64th of the lifetime late, and never early.
     */
    public long deadline() {
        return deadline(accessedAt);
    }

    /** What {@link #deadline()} was when the stream was created. */
    long firstDeadline() {
        return deadline(createdAt);
    }

    private long deadline(long lastAccess) {
        if (ttlMillis >= 0) {
            return lastAccess + ttlMillis + ttlMillis / ACCESS_GRAIN;
        }
        return expiresAt >= 0 ? expiresAt : Long.MAX_VALUE;
    }

    /** True if the stream's lifetime is over at {@code time}. */
    public boolean expired(long time) {
        return time >= deadline();
    }

    /** True if an access at {@code time} has to be recorded. */
    public boolean wantsTouch(long time) {
        return ttlMillis >= 0 && time - accessedAt > ttlMillis / ACCESS_GRAIN;
    }

    /** True if the stream is neither deleted nor past its lifetime. */
    public boolean visible(long time) {
        return !deleted && !expired(time);
    }

    StreamState accessed(long time) {
        return wantsTouch(time) ? with(time, tail, shown, missing, closed, closedBy, seq, pins, deleted) : this;
    }

    StreamState appended(Payload payload, boolean nowClosed, @Nullable ProducerTag closer, @Nullable String newSeq) {
        StreamState after = withEntry(payload);
        return after.with(
                accessedAt,
                after.tail,
                nowClosed ? after.tail : after.shown,
                after.missing,
                nowClosed,
                closer,
                newSeq,
                pins,
                deleted);
    }

    /** The stream with one more entry. */
    StreamState withEntry(Payload payload) {
        long end = tail + payload.units();
        int lacks = isUtf8() ? Utf8.missingAfter(missing, payload.bytes()) : 0;
        boolean held = lacks > 0 && (shown == tail || end - shown <= Utf8.MAX_HELD_BYTES) && !payload.isEmpty();
        return withTail(end, held || payload.isEmpty() ? shown : end, lacks);
    }

    StreamState withPins(int count) {
        return with(accessedAt, tail, shown, missing, closed, closedBy, seq, count, deleted);
    }

    StreamState softDeleted() {
        return with(accessedAt, tail, shown, missing, closed, closedBy, seq, pins, true);
    }

    StreamState withTail(long newTail, long newShown, int newMissing) {
        return with(accessedAt, newTail, closed ? newTail : newShown, newMissing, closed, closedBy, seq, pins, deleted);
    }

    /** True if the two states differ only in the tail and in values that the store derives from the last entries. */
    boolean sameRecord(StreamState other) {
        return equals(other.with(
                other.accessedAt,
                tail,
                shown,
                missing,
                other.closed,
                other.closedBy,
                other.seq,
                other.pins,
                other.deleted));
    }

    private StreamState with(
            long newAccessedAt,
            long newTail,
            long newShown,
            int newMissing,
            boolean newClosed,
            @Nullable ProducerTag newClosedBy,
            @Nullable String newSeq,
            int newPins,
            boolean newDeleted) {
        return new StreamState(
                path,
                id,
                contentType,
                ttlMillis,
                expiresAt,
                createdAt,
                newAccessedAt,
                base,
                newTail,
                newShown,
                newMissing,
                newClosed,
                newClosedBy,
                newSeq,
                newPins,
                newDeleted,
                origin);
    }
}
