package dev.parley.engine.delivery;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionState;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A session that has live readers: its newest entries in memory, and the listeners of its readers. */
final class SessionTopic {
    private static final int MAX_RECENT_BYTES = 1 << 20;

    private final int maxRecentEntries;
    private final Purse windows;
    private final Listeners listeners;

    @GuardedBy("this")
    private @Nullable SessionState state;

    /** Whether {@link #state} is known. */
    @GuardedBy("this")
    private boolean seeded;

    /** All entries after {@link #floor} up to {@link #top}. */
    @GuardedBy("this")
    private final ArrayDeque<SessionEntry> recent = new ArrayDeque<>();

    @GuardedBy("this")
    private long recentBytes;

    @GuardedBy("this")
    private long floor = -1;

    @GuardedBy("this")
    private long top = -1;

    /** The last answer of {@link #since}, because readers that keep up all ask for the same entries. */
    @GuardedBy("this")
    private long askedFrom = -1;

    @GuardedBy("this")
    private List<SessionEntry> answer = List.of();

    @GuardedBy("this")
    private boolean left;

    /**
     * What a reader is shown.
     *
     * @param state the session, or null if there is none
     * @param entries the entries after the reader's place, or null if the first of them is no longer in memory
     */
    record Look(
            @Nullable SessionState state,
            long top,
            @Nullable List<SessionEntry> entries) {}

    SessionTopic(int maxRecentEntries, Purse windows, CallbackFailures failures) {
        this.maxRecentEntries = maxRecentEntries;
        this.windows = windows;
        this.listeners = new Listeners(failures);
    }

    Listeners listeners() {
        return listeners;
    }

    /** Sets the state that a new reader found in the store. A state that was published meanwhile is newer and stays. */
    synchronized void seed(@Nullable SessionState found) {
        if (!seeded) {
            seeded = true;
            state = found;
            if (top < 0) {
                restart(last(found));
            }
        }
    }

    private static long last(@Nullable SessionState found) {
        return found == null ? 0 : found.last();
    }

    @GuardedBy("this")
    private void restart(long position) {
        forgetAnswer();
        recent.clear();
        windows.adjust(-recentBytes);
        recentBytes = 0;
        floor = position;
        top = position;
    }

    @GuardedBy("this")
    private void forgetAnswer() {
        askedFrom = -1;
        answer = List.of();
    }

    /** Adds an entry that follows the one at {@code before}. */
    synchronized void append(long before, SessionEntry entry) {
        if (left) {
            return;
        }
        if (before != top) {
            restart(before);
        }
        assert before < entry.position() : "entry " + entry.position() + " after " + before;
        assert before == (recent.isEmpty() ? floor : recent.getLast().position()) : "a hole before " + entry.position();
        forgetAnswer();
        long bytesBefore = recentBytes;
        recent.add(entry);
        recentBytes += entry.weight();
        top = entry.position();
        while (recent.size() > maxRecentEntries || (recentBytes > MAX_RECENT_BYTES && recent.size() > 1)) {
            forgetOldest();
        }
        long over = windows.adjust(recentBytes - bytesBefore);
        if (over > 0) {
            long grown = recentBytes;
            while (grown - recentBytes < over && !recent.isEmpty()) {
                forgetOldest();
            }
            windows.adjust(recentBytes - grown);
        }
    }

    @GuardedBy("this")
    private void forgetOldest() {
        SessionEntry oldest = recent.remove();
        recentBytes -= oldest.weight();
        floor = oldest.position();
    }

    /**
     * Releases everything when the last reader has left. An entry that an engine thread is about to append is not kept,
     * either.
     */
    synchronized void leave() {
        left = true;
        restart(top);
    }

    void publish(@Nullable SessionState newest) {
        synchronized (this) {
            seeded = true;
            state = newest;
            if (top != last(newest)) {
                // Entries were published before the first listener joined.
                restart(last(newest));
            }
        }
        listeners.tell();
    }

    synchronized Look since(long from) {
        if (from >= top) {
            return new Look(state, top, List.of());
        }
        if (from < floor) {
            return new Look(state, top, null);
        }
        if (from != askedFrom) {
            List<SessionEntry> found = new ArrayList<>();
            Iterator<SessionEntry> newestFirst = recent.descendingIterator();
            while (newestFirst.hasNext()) {
                SessionEntry entry = newestFirst.next();
                if (entry.position() <= from) {
                    break;
                }
                found.add(entry);
            }
            Collections.reverse(found);
            askedFrom = from;
            answer = List.copyOf(found);
        }
        return new Look(state, top, answer);
    }
}
