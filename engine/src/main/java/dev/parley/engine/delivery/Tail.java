package dev.parley.engine.delivery;

import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.stream.Streams;
import dev.parley.engine.stream.Utf8;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A reader's place in a stream. The reader gets history and then live entries, without a gap or an overlap.
 *
 * <p>The tail holds a position and no queue. Its listener is told that there is more, and the reader asks for it when
 * it can take more. A slow reader therefore needs no memory, and later gets in one piece what it missed. Called by one
 * thread at a time.
 */
public final class Tail implements AutoCloseable {
    private final Delivery delivery;
    private final Streams streams;
    private final Topic topic;
    private final long streamId;
    private final Runnable listener;
    private long position;

    Tail(Delivery delivery, Streams streams, Topic topic, long streamId, long position, Runnable listener) {
        this.delivery = delivery;
        this.streams = streams;
        this.topic = topic;
        this.streamId = streamId;
        this.position = position;
        this.listener = listener;
    }

    /** What a tail has for its reader at one moment. */
    public sealed interface Next {}

    /**
     * Entries in order. The reader's place is now after them.
     *
     * @param from where the first entry begins: the reader's previous place, unless that was inside an append of bytes
     */
    public record More(List<Entry> entries, StreamState state, long from, long to) implements Next {
        /** True if nothing was left to read when these entries were taken. */
        public boolean upToDate() {
            return to >= state.shown();
        }

        /** True if nothing will ever follow. */
        public boolean atEnd() {
            return state.closed() && upToDate();
        }
    }

    /** There is nothing to read yet. The listener is called when there is. */
    public record Nothing(StreamState state) implements Next {}

    /** The entries are no longer in memory. Call {@link #readStore} on a thread that may block. */
    public record InStore() implements Next {}

    /** The stream no longer exists. */
    public record Ended() implements Next {}

    /** The reader's place: the reader has been given everything before it. */
    public long position() {
        return position;
    }

    /** The newest state of the stream that is known here. */
    public StreamState state() {
        return Objects.requireNonNull(topic.state());
    }

    /** Whether there are entries to read. If not, the listener is called when there are, and when the stream ends. */
    public boolean hasMore() {
        return position < state().shown();
    }

    /** Returns the next entries, if they are in memory; never blocks. Returns at least one entry if there is any. */
    public Next poll(int maxBytes) {
        StreamState state = state();
        if (topic.ended() || state.deleted()) {
            return new Ended();
        }
        if (position >= state.shown()) {
            return new Nothing(state);
        }
        List<Entry> entries = topic.since(position, maxBytes);
        if (entries == null) {
            return new InStore();
        }
        return advance(state.isUtf8() ? uncut(entries, state) : entries, state);
    }

    /** Continues at {@code to}. The reader got the entries before it in another way. */
    public void skipTo(long to) {
        position = to;
    }

    /** Takes back the entries that were delivered last, so that they are delivered again. */
    public void putBack(More more) {
        position = more.from();
    }

    /** Returns the next entries from the store; blocks on the disk. Returns at least one entry if there is any. */
    public Next readStore(int maxBytes) {
        return Objects.requireNonNull(readStore(maxBytes, Streams.Allowance.ANY));
    }

    /** As {@link #readStore(int)}, but returns null if {@code allowance} does not allow for a single entry. */
    public @Nullable Next readStore(int maxBytes, Streams.Allowance allowance) {
        StreamState state = state();
        if (position >= state.shown()) {
            return new Nothing(state);
        }
        var asked = new Object() {
            boolean refused;
        };
        List<Entry> entries = streams.read(state, position, maxBytes, bytes -> {
            asked.refused = !allowance.allows(bytes);
            return !asked.refused;
        });
        if (entries.isEmpty()) {
            return asked.refused ? null : new Ended();
        }
        return advance(entries, state);
    }

    /**
     * The part of {@code entries}, which are in the window, that is visible to readers and ends with a whole character.
     */
    private List<Entry> uncut(List<Entry> entries, StreamState state) {
        List<Entry> whole = Utf8.whole(shown(entries, state));
        if (!whole.isEmpty()) {
            return whole;
        }
        // The first whole character ends in a later entry. If there is none, the entries are shown nevertheless.
        List<Entry> all = topic.since(position, Integer.MAX_VALUE);
        return Utf8.firstWhole(shown(all == null ? entries : all, state));
    }

    /** Removes entries that the state does not show yet, because the window may be ahead of the state. */
    private static List<Entry> shown(List<Entry> entries, StreamState state) {
        int count = entries.size();
        while (count > 1 && entries.get(count - 1).end() > state.shown()) {
            count--;
        }
        return count == entries.size() ? entries : entries.subList(0, count);
    }

    private More advance(List<Entry> entries, StreamState state) {
        long from = entries.getFirst().start();
        position = entries.getLast().end();
        // The window may be ahead of the state for a moment. Its entries are durable nevertheless.
        return new More(entries, position > state.shown() ? ahead(state) : state, from, position);
    }

    private StreamState ahead(StreamState seen) {
        @Nullable StreamState newest = topic.state();
        return newest == null ? seen : newest;
    }

    @Override
    public void close() {
        delivery.detach(streamId, topic, listener);
    }
}
