package dev.parley.server.timeline;

import org.jspecify.annotations.Nullable;

/**
 * What one attachment to a session was given, from when it came until it has ended. Written by the thread of its connection, and read by
 * any thread; what is read may be a moment old.
 */
public final class Visit {
    private final long since;
    private final String connectionId;
    private final @Nullable String clientId;
    private final Runnable onEnd;

    private volatile @Nullable Place place;
    private volatile long written;
    private volatile long replayed;
    private volatile int placed;
    private volatile int gaps;
    private volatile long gapAt;
    private volatile int waits;
    private volatile @Nullable End end;

    /**
     * Where an attachment began, for the last time.
     *
     * @param at when, in milliseconds since 1970
     * @param position everything after it was live, or was replayed
     * @param resumed whether nothing is missing after the place that the client has asked for
     */
    public record Place(long at, long position, boolean resumed) {}

    /**
     * How an attachment has ended.
     *
     * @param at when, in milliseconds since 1970
     */
    public record End(long at, String reason) {}

    Visit(long since, String connectionId, @Nullable String clientId, Runnable onEnd) {
        this.since = since;
        this.connectionId = connectionId;
        this.clientId = clientId;
        this.onEnd = onEnd;
    }

    /** When it came, in milliseconds since 1970. */
    public long since() {
        return since;
    }

    /** The connection. */
    public String connectionId() {
        return connectionId;
    }

    /** The client; null if it has no id. */
    public @Nullable String clientId() {
        return clientId;
    }

    /** Where it began; null if it never did. */
    public @Nullable Place place() {
        return place;
    }

    /** How often it was given a place: once, and again if it was attached anew. */
    public int placed() {
        return placed;
    }

    /** The position up to which everything was given to its socket; 0 if nothing was. */
    public long written() {
        return written;
    }

    /** How many entries were read from the store for it, as it had missed them or could not keep up. */
    public long replayed() {
        return replayed;
    }

    /** How often entries were missing for it. */
    public int gaps() {
        return gaps;
    }

    /** When entries were missing last, in milliseconds since 1970; 0 if that never happened. */
    public long gapAt() {
        return gapAt;
    }

    /** How often there was something for which its socket had no room. */
    public int waits() {
        return waits;
    }

    /** How it has ended; null if it goes on. */
    public @Nullable End end() {
        return end;
    }

    /** Notes that the attachment has a place in the log. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread writes.
    public void begin(Place now) {
        place = now;
        placed++;
        written = Math.max(written, now.position());
    }

    /** Notes what was given to the socket. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread writes.
    public void write(int entries, long position, boolean fromMemory) {
        if (!fromMemory) {
            replayed += entries;
        }
        written = position;
    }

    /** Notes that entries are missing. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread writes.
    public void gap(long at) {
        gaps++;
        gapAt = at;
    }

    /** Notes that there was no room. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread writes.
    public void waitForRoom() {
        waits++;
    }

    /** Notes the end. The first one counts. */
    public void end(long at, String reason) {
        if (end == null) {
            end = new End(at, reason);
            onEnd.run();
        }
    }
}
