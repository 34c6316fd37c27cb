package dev.parley.engine.delivery;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.StreamState;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A stream that has live readers: its newest entries in memory, and the listeners of its readers. */
final class Topic {
    private static final int MAX_RECENT_ENTRIES = 1024;
    private static final int MAX_RECENT_BYTES = 256 << 10;

    private final Listeners listeners;
    private final AtomicReference<@Nullable StreamState> state = new AtomicReference<>();

    @GuardedBy("itself")
    private final Window<Entry> window;

    private volatile boolean ended;

    Topic(Purse windows, CallbackFailures failures) {
        this.window = new Window<>(MAX_RECENT_ENTRIES, MAX_RECENT_BYTES, windows, Entry::end, Entry::weight);
        this.listeners = new Listeners(failures);
    }

    Listeners listeners() {
        return listeners;
    }

    /** Sets the state that a new reader found in the store. A state that was shown meanwhile is newer and stays. */
    void seed(StreamState found) {
        state.compareAndSet(null, found);
    }

    @Nullable
    StreamState state() {
        return state.get();
    }

    boolean ended() {
        return ended;
    }

    /** Adds the next entry. */
    void append(Entry entry) {
        synchronized (window) {
            window.append(entry.start(), entry);
        }
    }

    /** Releases everything when the last reader has left. */
    void leave() {
        synchronized (window) {
            window.close();
        }
    }

    void show(StreamState newest) {
        state.set(newest);
        listeners.tell();
    }

    void end() {
        ended = true;
        listeners.tell();
    }

    /**
     * Returns the entries from {@code from} on, or null if the first of them is not in memory. The first entry begins at
     * {@code from}, or at its own start if {@code from} is inside an append of bytes.
     */
    @Nullable
    List<Entry> since(long from, int maxBytes) {
        List<Entry> found;
        synchronized (window) {
            found = window.since(from);
        }
        if (found == null || found.isEmpty()) {
            return null;
        }
        Entry first = found.getFirst();
        return bounded(first.start() < from ? startingWith(first.from(from), found) : found, maxBytes);
    }

    private static List<Entry> startingWith(Entry first, List<Entry> entries) {
        List<Entry> cut = new ArrayList<>(entries);
        cut.set(0, first);
        return cut;
    }

    private static List<Entry> bounded(List<Entry> entries, int maxBytes) {
        int bytes = 0;
        for (int i = 0; i < entries.size(); i++) {
            bytes += entries.get(i).payload().bytes().length;
            if (bytes >= maxBytes) {
                return entries.subList(0, i + 1);
            }
        }
        return entries;
    }
}
