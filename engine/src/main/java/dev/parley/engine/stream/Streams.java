package dev.parley.engine.stream;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.store.StateCache;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.stream.StreamCommand.Inherited;
import dev.parley.engine.stream.StreamCommand.Span;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All streams as readers may see them: durable and applied. Thread-safe.
 *
 * <p>States of recently changed streams are kept in memory. The store has all states.
 */
public final class Streams {
    /** The number of streams that one list looks at. If many of them are deleted, the list is short. */
    private static final int MAX_EXAMINED = 5_000;

    private static final byte[] FIRST_ROW = {};
    private static final byte[] AFTER_LAST_PATH = {(byte) 0xFF};

    private final Store store;
    private final StateCache<String, StreamState> cached;

    /**
     * Reads from {@code store}.
     *
     * @param maxCached the greatest number of states that are kept in memory
     */
    public Streams(Store store, int maxCached) {
        this.store = store;
        this.cached = new StateCache<>(maxCached);
    }

    /**
     * The stream at {@code path}, or null. Includes streams that are deleted but kept, and streams past their lifetime.
     */
    public @Nullable StreamState find(String path) {
        StreamState state = findCached(path);
        if (state != null) {
            return state;
        }
        byte[] row = store.get(Table.STREAMS, StreamRows.streamKey(path));
        return row == null ? null : withTail(StreamRows.stream(row));
    }

    /** As {@link #find}, but returns null also if the state is not in memory. Never blocks. */
    public @Nullable StreamState findCached(String path) {
        return cached.get(path);
    }

    private StreamState withTail(StreamState recorded) {
        byte[] first = StreamRows.entryKey(recorded.id(), recorded.base());
        Row row = store.last(Table.ENTRIES, first, StreamRows.idKey(recorded.id() + 1));
        if (row == null) {
            return recorded;
        }
        Entry last = StreamRows.entry(row.key(), row.value());
        if (!recorded.isUtf8() || !isCut(last)) {
            return recorded.withTail(last.end(), last.end(), 0);
        }
        // Readers have not been shown an append that ends inside a character, nor the preceding appends that do.
        ArrayDeque<Entry> held = new ArrayDeque<>();
        long bytes = 0;
        while (row != null && bytes <= Utf8.MAX_HELD_BYTES) {
            Entry entry = StreamRows.entry(row.key(), row.value());
            if (!held.isEmpty() && !isCut(entry)) {
                break;
            }
            held.addFirst(entry);
            bytes += entry.payload().bytes().length;
            row = store.last(Table.ENTRIES, first, row.key());
        }
        long start = held.getFirst().start();
        StreamState state = recorded.withTail(start, start, 0);
        for (Entry entry : held) {
            state = state.withEntry(entry.payload());
        }
        return state;
    }

    /** True if {@code entry} may end inside a character. An entry that contains only the middle of a character may. */
    private static boolean isCut(Entry entry) {
        return Utf8.missingAfter(3, entry.payload().bytes()) > 0;
    }

    void show(String path, @Nullable StreamState state) {
        if (state == null) {
            cached.remove(path);
        } else {
            cached.put(path, state);
        }
    }

    /**
     * Reads entries of {@code state} from position {@code from} on, including inherited ones, as far as they are
     * visible to readers. The first entry begins there, or at its own start if {@code from} is inside an append of
     * bytes. Text ends with a whole character.
     *
     * @param maxBytes payload after which no further entry is added; at least one entry is returned if there is any
     */
    public List<Entry> read(StreamState state, long from, long maxBytes) {
        return read(state, from, maxBytes, Allowance.ANY);
    }

    /** Limits the memory that a read may use. */
    @FunctionalInterface
    public interface Allowance {
        /** No limit. */
        Allowance ANY = bytes -> true;

        /** Whether the read may use this number of bytes in total. Called before each entry is read from the store. */
        boolean allows(long bytes);
    }

    /**
     * As {@link #read(StreamState, long, long)}, but stops before an entry that is not allowed, even if that is the
     * first one.
     */
    public List<Entry> read(StreamState state, long from, long maxBytes, Allowance allowance) {
        List<Entry> entries = new ArrayList<>();
        boolean text = state.isUtf8();
        long budget = maxBytes;
        long held = 0;
        long at = from;
        int missing = 0;
        boolean whole = !text;
        for (Span span : spans(state)) {
            long end = Math.min(span.to(), state.shown());
            while (at < end && wantsMore(budget, whole)) {
                long before = at;
                try (Rows rows =
                        store.scan(Table.ENTRIES, firstKey(span, at), StreamRows.entryKey(span.streamId(), end))) {
                    for (int next = rows.nextLength();
                            next >= 0 && wantsMore(budget, whole);
                            next = rows.nextLength()) {
                        held += next;
                        if (!allowance.allows(held)) {
                            if (!text || missing == 0) {
                                return entries;
                            }
                            return whole ? Utf8.whole(entries) : List.of();
                        }
                        Row row = Objects.requireNonNull(rows.next());
                        Entry stored = StreamRows.entry(row.key(), row.value());
                        if (stored.end() <= at) {
                            // The entry after it was removed between the look-up of the state and the scan.
                            continue;
                        }
                        Entry entry = stored.clip(span.from(), end).from(at);
                        entries.add(entry);
                        budget -= entry.payload().bytes().length;
                        at = entry.end();
                        if (text) {
                            missing = Utf8.missingAfter(missing, entry.payload().bytes());
                            whole |= missing == 0;
                        }
                    }
                }
                if (at == before) {
                    // The stream was created anew or has expired, and lost its entries between the look-up of its state
                    // and the scan.
                    return entries;
                }
            }
        }
        return text && whole && missing > 0 && at < state.shown() ? Utf8.whole(entries) : entries;
    }

    /** Whether to continue reading: until the answer is full, and until its text can be cut after it. */
    private static boolean wantsMore(long budget, boolean whole) {
        return budget > 0 || (!whole && budget > -Utf8.MAX_HELD_BYTES);
    }

    /** The key of the entry that contains {@code position}. The entry may begin before the position. */
    private byte[] firstKey(Span span, long position) {
        byte[] exact = StreamRows.entryKey(span.streamId(), position);
        if (position == span.from()) {
            return exact;
        }
        byte[] holder = store.lastKey(
                Table.ENTRIES, StreamRows.idKey(span.streamId()), StreamRows.entryKey(span.streamId(), position + 1));
        // Entries follow each other without a hole, so the last one that begins before a position contains it.
        return holder == null ? exact : holder;
    }

    /** The entry of {@code span} that contains {@code position}, clipped to the span. */
    @Nullable
    Entry entryAt(Span span, long position) {
        Row holder = store.last(
                Table.ENTRIES, StreamRows.idKey(span.streamId()), StreamRows.entryKey(span.streamId(), position + 1));
        return holder == null
                ? null
                : StreamRows.entry(holder.key(), holder.value()).clip(span.from(), span.to());
    }

    /** Where the data of {@code state} at {@code position} lies, or null if the position is the tail. */
    static @Nullable Span spanAt(StreamState state, long position) {
        for (Span span : spans(state)) {
            if (position >= span.from() && position < span.to()) {
                return span;
            }
        }
        return null;
    }

    /** What a pin of the stream at {@code path} has to say about the entry at {@code place}; null stands for the tail. */
    public Inherited inherited(String path, @Nullable Place place) {
        StreamState state = find(path);
        if (state != null && place != null && place.in(state) instanceof Place.At(long position)) {
            Span span = spanAt(state, position);
            Entry entry = span == null || span.streamId() == state.id() ? null : entryAt(span, position);
            if (span != null && entry != null) {
                return new Inherited.Until(span.streamId(), position, entry.end());
            }
        }
        return new Inherited.Unknown();
    }

    static List<Span> spans(StreamState state) {
        StreamState.Origin origin = state.origin();
        Span own = new Span(state.id(), state.pathHash(), state.base(), state.tail());
        if (origin == null) {
            return List.of(own);
        }
        List<Span> spans = new ArrayList<>(origin.lineage());
        spans.add(own);
        return spans;
    }

    /** Passes on every stream whose path begins with {@code prefix}, in the order of paths, including deleted ones. */
    public void forEach(String prefix, Consumer<StreamState> action) {
        byte[] from = prefix.getBytes(StandardCharsets.UTF_8);
        try (Rows rows = store.scan(Table.STREAMS, from.length == 0 ? FIRST_ROW : from, AFTER_LAST_PATH)) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                StreamState state = StreamRows.stream(row.value());
                if (!state.path().startsWith(prefix)) {
                    return;
                }
                StreamState newest = find(state.path());
                if (newest != null) {
                    action.accept(newest);
                }
            }
        }
    }

    /**
     * Streams by their paths.
     *
     * @param next the path after which there is more, or null
     */
    public record Listed(
            List<StreamState> streams, @Nullable String next) {}

    /** Up to {@code limit} streams that are not deleted, whose paths begin with {@code prefix} and come after {@code after}. */
    public Listed list(String prefix, @Nullable String after, int limit) {
        List<StreamState> found = new ArrayList<>();
        String last = after == null ? "" : after;
        int examined = 0;
        // The path itself with nothing behind it comes right before this.
        String from = last.compareTo(prefix) < 0 ? prefix : last + '\0';
        byte[] first = from.getBytes(StandardCharsets.UTF_8);
        try (Rows rows = store.scan(Table.STREAMS, first.length == 0 ? FIRST_ROW : first, AFTER_LAST_PATH)) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                StreamState state = StreamRows.stream(row.value());
                if (!state.path().startsWith(prefix)) {
                    break;
                }
                if (found.size() == limit || examined == MAX_EXAMINED) {
                    return new Listed(found, last);
                }
                examined++;
                last = state.path();
                if (!state.deleted()) {
                    found.add(state);
                }
            }
        }
        return new Listed(found, null);
    }

    /** Commands for up to {@code limit} streams whose recorded deadline is before {@code time}. */
    public List<StreamCommand.Expire> due(long time, int limit) {
        List<StreamCommand.Expire> due = new ArrayList<>();
        try (Rows rows = store.scan(Table.DEADLINES, FIRST_ROW, StreamRows.idKey(time + 1))) {
            for (Row row = rows.next(); row != null && due.size() < limit; row = rows.next()) {
                BinaryReader key = new BinaryReader(row.key());
                long deadline = key.fixed64();
                long id = key.fixed64();
                due.add(new StreamCommand.Expire(new String(row.value(), StandardCharsets.UTF_8), time, id, deadline));
            }
        }
        return due;
    }

    /** Notes that wait to be delivered to a source's shard. */
    public List<ForkRelease> releases() {
        List<ForkRelease> releases = new ArrayList<>();
        try (Rows rows = store.scan(Table.OUTBOX, FIRST_ROW, StreamRows.idKey(Long.MAX_VALUE))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                releases.add(StreamRows.release(row.key(), row.value()));
            }
        }
        return releases;
    }

    /** Pins whose fork was never created, because a crash happened between the two steps. */
    public List<ForkRelease> orphanedPins() {
        List<ForkRelease> orphans = new ArrayList<>();
        try (Rows rows = store.scan(Table.PINS, FIRST_ROW, StreamRows.idKey(Long.MAX_VALUE))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                ForkRelease pin = StreamRows.pin(row.key(), row.value());
                StreamState fork = find(pin.forkPath());
                if (fork == null
                        || fork.origin() == null
                        || !fork.origin().pinId().equals(pin.pinId())) {
                    orphans.add(pin);
                }
            }
        }
        return orphans;
    }
}
