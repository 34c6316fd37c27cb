package dev.parley.engine.delivery;

import dev.parley.engine.stream.Entry;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.stream.Streams;
import dev.parley.engine.stream.Utf8;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A reader's place in a stream: history, then live, without a seam.
 *
 * <p>The tail holds a position and no queue. It is told that there is more and asks when it can take more, so a slow
 * reader costs nothing and later gets in one piece what it missed. Called by one thread at a time.
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

    /** What a tail yields at one moment. */
    public sealed interface Next {}

    /**
     * Entries in order; the reader's place is behind them now.
     *
     * @param from where the first begins: the reader's place before, unless that was inside an append of bytes
     */
    public record More(List<Entry> entries, StreamState state, long from, long to) implements Next {
        /** True if nothing was left to read when this was taken. */
        public boolean upToDate() {
            return to >= state.shown();
        }

        /** True if nothing will ever follow. */
        public boolean atEnd() {
            return state.closed() && upToDate();
        }
    }

    /** Nothing to read yet; the listener is called when there is. */
    public record Nothing(StreamState state) implements Next {}

    /** The entries are no longer in memory: call {@link #readStore} where blocking is fine. */
    public record InStore() implements Next {}

    /** The stream is no more. */
    public record Ended() implements Next {}

    /** The reader's place: everything before it has been read. */
    public long position() {
        return position;
    }

    /** The newest state of the stream that is known here. */
    public StreamState state() {
        return Objects.requireNonNull(topic.state());
    }

    /** What comes next, as far as memory has it; never blocks. At least one entry if there is any. */
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

    /** Goes on at {@code to}: the reader got what lies before that in another way. */
    public void skipTo(long to) {
        position = to;
    }

    /** Puts back what was yielded last, so that it comes again. */
    public void putBack(More more) {
        position = more.from();
    }

    /** What comes next, from the store; blocks on the disk. At least one entry if there is any. */
    public Next readStore(int maxBytes) {
        return Objects.requireNonNull(readStore(maxBytes, Streams.Allowance.ANY));
    }

    /** As {@link #readStore(int)}, but null if {@code allowance} does not allow for a single entry. */
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

    /** As much of {@code entries}, which are in the window, as is shown and ends with a whole character. */
    private List<Entry> uncut(List<Entry> entries, StreamState state) {
        List<Entry> whole = Utf8.whole(shown(entries, state));
        if (!whole.isEmpty()) {
            return whole;
        }
        // The first character to end is further on, or none does: then it is shown all the same.
        List<Entry> all = topic.since(position, Integer.MAX_VALUE);
        return Utf8.firstWhole(shown(all == null ? entries : all, state));
    }

    /** The window may run ahead of the state. */
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
        // The window may run ahead of the state by a moment; what it holds is durable all the same.
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
