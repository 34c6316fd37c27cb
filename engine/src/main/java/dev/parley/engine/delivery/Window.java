package dev.parley.engine.delivery;

import dev.parley.engine.memory.Purse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The newest entries of one log in memory: all entries after {@link #floor} up to {@link #top}. An entry that is larger
 * than the window stays only in the store. Not thread-safe.
 *
 * @param <E> an entry
 */
final class Window<E> {
    private final int maxEntries;
    private final int maxBytes;
    private final Purse windows;
    private final ToLongFunction<E> end;
    private final ToLongFunction<E> weight;
    private final ArrayDeque<E> recent = new ArrayDeque<>();
    private long bytes;
    private long floor = -1;
    private long top = -1;

    /** The last answer of {@link #since}, because readers that keep up all ask for the same entries. */
    private long askedFrom = -1;

    private List<E> answer = List.of();
    private boolean closed;

    /**
     * An empty window.
     *
     * @param windows the memory that all windows may use together
     * @param end the position of a reader that has been given this entry
     * @param weight the memory that an entry uses
     */
    Window(int maxEntries, int maxBytes, Purse windows, ToLongFunction<E> end, ToLongFunction<E> weight) {
        this.maxEntries = maxEntries;
        this.maxBytes = maxBytes;
        this.windows = windows;
        this.end = end;
        this.weight = weight;
    }

    /** The position of the newest entry; negative if none is known. */
    long top() {
        return top;
    }

    /** Forgets all entries. The next one follows {@code position}. */
    void restart(long position) {
        forgetAnswer();
        recent.clear();
        windows.adjust(-bytes);
        bytes = 0;
        floor = position;
        top = position;
    }

    private void forgetAnswer() {
        askedFrom = -1;
        answer = List.of();
    }

    /** Adds an entry that follows the one at {@code before}. */
    void append(long before, E entry) {
        if (closed) {
            return;
        }
        if (before != top) {
            restart(before);
        }
        long position = end.applyAsLong(entry);
        assert before < position : "entry " + position + " after " + before;
        assert before == (recent.isEmpty() ? floor : end.applyAsLong(recent.getLast())) : "a hole before " + position;
        forgetAnswer();
        long bytesBefore = bytes;
        recent.add(entry);
        bytes += weight.applyAsLong(entry);
        top = position;
        while (recent.size() > maxEntries || bytes > maxBytes) {
            forgetOldest();
        }
        long over = windows.adjust(bytes - bytesBefore);
        if (over > 0) {
            long grown = bytes;
            while (grown - bytes < over && !recent.isEmpty()) {
                forgetOldest();
            }
            windows.adjust(bytes - grown);
        }
    }

    private void forgetOldest() {
        E oldest = recent.remove();
        bytes -= weight.applyAsLong(oldest);
        floor = end.applyAsLong(oldest);
    }

    /** Releases everything. An entry that is about to be appended is not kept, either. */
    void close() {
        closed = true;
        restart(top);
    }

    /** The entries that end after {@code from}, or null if the first of them is no longer in memory. */
    @Nullable
    List<E> since(long from) {
        if (from >= top) {
            return List.of();
        }
        if (from < floor) {
            return null;
        }
        if (from != askedFrom) {
            List<E> found = new ArrayList<>();
            Iterator<E> newestFirst = recent.descendingIterator();
            while (newestFirst.hasNext()) {
                E entry = newestFirst.next();
                if (end.applyAsLong(entry) <= from) {
                    break;
                }
                found.add(entry);
            }
            Collections.reverse(found);
            askedFrom = from;
            answer = List.copyOf(found);
        }
        return answer;
    }
}
