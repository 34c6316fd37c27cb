package dev.parley.engine.stream;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.stream.StreamCommand.Span;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All streams as readers may see them: durable and applied. Thread-safe.
 *
 * <p>States of recently changed streams are kept in memory; the store has all of them.
 */
public final class Streams {
    private static final byte[] FIRST_ROW = {};
    private static final byte[] AFTER_LAST_PATH = {(byte) 0xFF};

    private final Store store;
    private final int maxCached;
    private final ConcurrentHashMap<String, StreamState> cached = new ConcurrentHashMap<>();

    /**
     * Reads from {@code store}.
     *
     * @param maxCached how many states are kept in memory at most
     */
    public Streams(Store store, int maxCached) {
        this.store = store;
        this.maxCached = maxCached;
    }

    /** The stream at {@code path}, also one that is deleted but kept, or past its lifetime; or null. */
    public @Nullable StreamState find(String path) {
        StreamState state = findCached(path);
        if (state != null) {
            return state;
        }
        byte[] row = store.get(Table.STREAMS, StreamRows.streamKey(path));
        return row == null ? null : withTail(StreamRows.stream(row));
    }

    /** As {@link #find}, but null also if the state is not in memory. Never blocks. */
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
        // Readers have not been shown an append that ends inside a character, nor those before it that do.
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

    /** True if {@code entry} may end inside a character: one that has nothing but the middle of one may. */
    private static boolean isCut(Entry entry) {
        return Utf8.missingAfter(3, entry.payload().bytes()) > 0;
    }

    void publish(String path, @Nullable StreamState state) {
        if (state == null) {
            cached.remove(path);
            return;
        }
        cached.put(path, state);
        if (cached.size() > maxCached) {
            evict();
        }
    }

    /** Any state may go: the store has it. Dropping a share at once keeps this off most publishes. */
    private void evict() {
        Iterator<String> paths = cached.keySet().iterator();
        for (int i = maxCached / 16 + 1; i > 0 && paths.hasNext(); i--) {
            paths.next();
            paths.remove();
        }
    }

    /**
     * Entries of {@code state} from position {@code from} on, inherited ones included, as far as they are shown. The first
     * begins there, or where it began if that is inside an append of bytes. Text ends with a whole character.
     *
     * @param maxBytes payload after which no further entry is begun; at least one entry is returned if there is any
     */
    public List<Entry> read(StreamState state, long from, long maxBytes) {
        return read(state, from, maxBytes, Allowance.ANY);
    }

    /** What a read may hold in memory. */
    @FunctionalInterface
    public interface Allowance {
        /** Everything. */
        Allowance ANY = bytes -> true;

        /**
         * Whether the read may go on to hold so many bytes in sum. Asked before each entry is fetched from the store.
         */
        boolean allows(long bytes);
    }

    /**
     * As {@link #read(StreamState, long, long)}, but ends, if need be without any entry, before one that is not allowed.
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
                            // The entry behind it went between the look at the state and the scan.
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
                    // A recreated or expired stream lost its entries between the look at its state and the scan.
                    return entries;
                }
            }
        }
        return text && whole && missing > 0 && at < state.shown() ? Utf8.whole(entries) : entries;
    }

    /** Reading goes on until the answer is full, and until it has text that can be cut behind it. */
    private static boolean wantsMore(long budget, boolean whole) {
        return budget > 0 || (!whole && budget > -Utf8.MAX_HELD_BYTES);
    }

    /** The key of the entry that holds {@code position}, which may begin before it. */
    private byte[] firstKey(Span span, long position) {
        byte[] exact = StreamRows.entryKey(span.streamId(), position);
        if (position == span.from()) {
            return exact;
        }
        byte[] holder = store.lastKey(
                Table.ENTRIES, StreamRows.idKey(span.streamId()), StreamRows.entryKey(span.streamId(), position + 1));
        // Entries follow each other without a hole: the last one that begins before a position holds it.
        return holder == null ? exact : holder;
    }

    /** The entry of {@code span} that holds {@code position}, clipped to the span. */
    @Nullable
    Entry entryAt(Span span, long position) {
        Row holder = store.last(
                Table.ENTRIES, StreamRows.idKey(span.streamId()), StreamRows.entryKey(span.streamId(), position + 1));
        return holder == null
                ? null
                : StreamRows.entry(holder.key(), holder.value()).clip(span.from(), span.to());
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

    /** Hands on every stream whose path begins with {@code prefix}, in the order of paths, deleted ones included. */
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

    /** Commands for the streams whose noted deadline is before {@code time}, at most {@code limit}. */
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

    /** Notes that wait for delivery to a source's shard. */
    public List<ForkRelease> releases() {
        List<ForkRelease> releases = new ArrayList<>();
        try (Rows rows = store.scan(Table.OUTBOX, FIRST_ROW, StreamRows.idKey(Long.MAX_VALUE))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                releases.add(StreamRows.release(row.key(), row.value()));
            }
        }
        return releases;
    }

    /** Pins whose fork never came to be, because a crash lay between the two. */
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
