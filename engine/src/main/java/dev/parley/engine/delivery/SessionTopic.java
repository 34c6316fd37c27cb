package dev.parley.engine.delivery;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionState;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A session that has live readers: its newest entries in memory, and the listeners of its readers. */
final class SessionTopic {
    private static final int MAX_RECENT_BYTES = 1 << 20;

    private final Listeners listeners;

    @GuardedBy("this")
    private final Window<SessionEntry> window;

    @GuardedBy("this")
    private @Nullable SessionState state;

    /** Whether {@link #state} is known. */
    @GuardedBy("this")
    private boolean seeded;

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
        this.window =
                new Window<>(maxRecentEntries, MAX_RECENT_BYTES, windows, SessionEntry::position, SessionEntry::weight);
        this.listeners = new Listeners(failures);
    }

    Listeners listeners() {
        return listeners;
    }

    /** Sets the state that a new reader found in the store. A state that was shown meanwhile is newer and stays. */
    synchronized void seed(@Nullable SessionState found) {
        if (!seeded) {
            seeded = true;
            state = found;
            if (window.top() < 0) {
                window.restart(last(found));
            }
        }
    }

    private static long last(@Nullable SessionState found) {
        return found == null ? 0 : found.last();
    }

    /** Adds an entry that follows the one at {@code before}. */
    synchronized void append(long before, SessionEntry entry) {
        window.append(before, entry);
    }

    /** Releases everything when the last reader has left. */
    synchronized void leave() {
        window.close();
    }

    void show(@Nullable SessionState newest) {
        synchronized (this) {
            seeded = true;
            state = newest;
            if (window.top() != last(newest)) {
                // Entries were shown before the first listener joined.
                window.restart(last(newest));
            }
        }
        listeners.tell();
    }

    synchronized Look since(long from) {
        return new Look(state, window.top(), window.since(from));
    }
}
