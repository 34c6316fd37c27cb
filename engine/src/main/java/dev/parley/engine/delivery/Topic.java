package dev.parley.engine.delivery;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.StreamState;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A stream that has live readers: its newest entries in memory, and the listeners of its readers. */
final class Topic {
    private static final int MAX_RECENT_ENTRIES = 1024;
    private static final int MAX_RECENT_BYTES = 256 << 10;

    private final Purse windows;
    private final Listeners listeners;
    private final AtomicReference<@Nullable StreamState> state = new AtomicReference<>();
    /** Consecutive entries, without a hole between them. */
    @GuardedBy("itself")
    private final ArrayDeque<Entry> recent = new ArrayDeque<>();

    @GuardedBy("recent")
    private int recentBytes;

    /** The last answer of {@link #since}, because readers that keep up all ask for the same entries. */
    @GuardedBy("recent")
    private long askedFrom = -1;

    @GuardedBy("recent")
    private List<Entry> answer = List.of();

    @GuardedBy("recent")
    private boolean left;

    private volatile boolean ended;

    Topic(Purse windows, CallbackFailures failures) {
        this.windows = windows;
        this.listeners = new Listeners(failures);
    }

    Listeners listeners() {
        return listeners;
    }

    /** Sets the state that a new reader found in the store. A state that was published meanwhile is newer and stays. */
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

    /** Adds the next entry. An entry that is larger than the window stays only in the store. */
    void append(Entry entry) {
        synchronized (recent) {
            if (left) {
                return;
            }
            assert recent.isEmpty() || recent.getLast().end() == entry.start() : "a hole before " + entry.start();
            forgetAnswer();
            int before = recentBytes;
            recent.add(entry);
            recentBytes += entry.weight();
            while (recent.size() > MAX_RECENT_ENTRIES || recentBytes > MAX_RECENT_BYTES) {
                forgetOldest();
            }
            long over = windows.adjust(recentBytes - before);
            if (over > 0) {
                int grown = recentBytes;
                while (grown - recentBytes < over && !recent.isEmpty()) {
                    forgetOldest();
                }
                windows.adjust(recentBytes - grown);
            }
        }
    }

    @GuardedBy("recent")
    private void forgetOldest() {
        recentBytes -= recent.remove().weight();
    }

    @GuardedBy("recent")
    private void forgetAnswer() {
        askedFrom = -1;
        answer = List.of();
    }

    /**
     * Releases everything when the last reader has left. An entry that an engine thread is about to append is not kept,
     * either.
     */
    void leave() {
        synchronized (recent) {
            left = true;
            forgetAnswer();
            recent.clear();
            windows.adjust(-recentBytes);
            recentBytes = 0;
        }
    }

    void publish(StreamState newest) {
        state.set(newest);
        listeners.tell();
    }

    void end() {
        ended = true;
        listeners.tell();
    }

    /**
     * Returns the entries from {@code from} on, or null if the first of them is no longer in memory. The first entry
     * begins at {@code from}, or at its own start if {@code from} is inside an append of bytes.
     */
    @Nullable
    List<Entry> since(long from, int maxBytes) {
        synchronized (recent) {
            if (from == askedFrom) {
                return bounded(answer, maxBytes);
            }
            List<Entry> found = new ArrayList<>();
            Iterator<Entry> newestFirst = recent.descendingIterator();
            boolean covered = false;
            while (newestFirst.hasNext() && !covered) {
                Entry entry = newestFirst.next();
                if (entry.end() <= from) {
                    break;
                }
                found.add(entry.start() < from ? entry.from(from) : entry);
                covered = entry.start() <= from;
            }
            if (!covered) {
                return null;
            }
            Collections.reverse(found);
            askedFrom = from;
            answer = found;
            return bounded(found, maxBytes);
        }
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
