package dev.parley.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which part of a session's history is read.
 *
 * @param forwards oldest first; otherwise newest first
 * @param limit the greatest number of messages on a page, 1 to 1,000
 * @param start the oldest time, or null
 * @param end the newest time, or null
 * @param untilAttach ends where live delivery began, so that there is neither a gap nor an overlap between the two. The
 *     session has to be attached
 */
public record HistoryQuery(
        boolean forwards,
        int limit,
        @Nullable Instant start,
        @Nullable Instant end,
        boolean untilAttach) {
    /** Newest first, in pages of 100. */
    public static final HistoryQuery BACKWARDS = new HistoryQuery(false, 100, null, null, false);

    /** Oldest first, in pages of 100. */
    public static final HistoryQuery FORWARDS = new HistoryQuery(true, 100, null, null, false);

    /** Checks the limit. */
    public HistoryQuery {
        if (limit < 1 || limit > 1_000) {
            throw new IllegalArgumentException("A page has 1 to 1,000 messages, not " + limit + ".");
        }
    }

    /** {@return the same up to the point at which the session was attached} */
    public HistoryQuery upToAttach() {
        return new HistoryQuery(forwards, limit, start, end, true);
    }

    /**
     * {@return the same in pages of this size}
     *
     * @param newLimit 1 to 1,000
     */
    public HistoryQuery withLimit(int newLimit) {
        return new HistoryQuery(forwards, newLimit, start, end, untilAttach);
    }
}
