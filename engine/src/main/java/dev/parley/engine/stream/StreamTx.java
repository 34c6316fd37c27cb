package dev.parley.engine.stream;

import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import dev.parley.engine.stream.StreamCommand.Span;
import dev.parley.engine.stream.StreamRows.Producer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The streams as a batch of commands sees and changes them. Nobody else sees the changes before {@link #show()},
 * which is called after the batch is written. Not thread-safe.
 */
public final class StreamTx {
    /** An entry that was appended to the stream with id {@code streamId}. */
    public record Appended(long streamId, Entry entry) {}

    private final Streams streams;
    private final StoreTx rows;
    private final Map<String, Optional<StreamState>> changed = new HashMap<>();
    private final List<Appended> appended = new ArrayList<>();
    private final List<ForkRelease> releases = new ArrayList<>();
    private final List<Long> erased = new ArrayList<>();

    /** Starts with the streams that {@code streams} shows, and writes to {@code rows}. */
    public StreamTx(Streams streams, StoreTx rows) {
        this.streams = streams;
        this.rows = rows;
    }

    /** Entries appended so far, oldest first. */
    public List<Appended> appended() {
        return appended;
    }

    /** Streams changed so far; an absent state is a stream that is gone. */
    public Map<String, Optional<StreamState>> changed() {
        return changed;
    }

    /** Pins that deleted forks give back. */
    public List<ForkRelease> releases() {
        return releases;
    }

    /** Ids of the streams that are gone for good. */
    public List<Long> erased() {
        return erased;
    }

    /** Makes the changes visible to readers. The batch must have been written. */
    public void show() {
        changed.forEach((path, state) -> streams.show(path, state.orElse(null)));
    }

    @Nullable
    StreamState find(String path) {
        Optional<StreamState> state = changed.get(path);
        return state == null ? streams.find(path) : state.orElse(null);
    }

    void create(StreamState state) {
        changed.put(state.path(), Optional.of(state));
        rows.append(Table.STREAMS, StreamRows.streamKey(state.path()), StreamRows.stream(state));
        if (state.deadline() != Long.MAX_VALUE) {
            noteDeadline(state);
        }
    }

    void update(StreamState before, StreamState after) {
        changed.put(after.path(), Optional.of(after));
        if (!after.sameRecord(before)) {
            rows.append(Table.STREAMS, StreamRows.streamKey(after.path()), StreamRows.stream(after));
        }
    }

    void append(long streamId, Entry entry) {
        appended.add(new Appended(streamId, entry));
        rows.append(Table.ENTRIES, StreamRows.entryKey(streamId, entry.start()), StreamValues.payload(entry.payload()));
    }

    void erase(StreamState state, long position) {
        changed.put(state.path(), Optional.empty());
        erased.add(state.id());
        rows.remove(Table.STREAMS, StreamRows.streamKey(state.path()));
        byte[] from = StreamRows.idKey(state.id());
        byte[] to = StreamRows.idKey(state.id() + 1);
        if (state.tail() > state.base()) {
            // Every removed range makes later reads of the table slower, so ranges are removed only if necessary.
            rows.removeRange(Table.ENTRIES, from, to);
        }
        rows.removeRange(Table.PRODUCERS, from, to);
        if (state.deadline() != Long.MAX_VALUE) {
            // A stream whose lifetime was renewed beyond its first deadline has a later row, which the state does not
            // know. That row stays for one lifetime at most.
            forgetDeadline(state.firstDeadline(), state.id());
        }
        StreamState.Origin origin = state.origin();
        if (origin != null) {
            ForkRelease release =
                    new ForkRelease(position, state.path(), origin.sourcePath(), origin.sourceId(), origin.pinId());
            releases.add(release);
            rows.append(Table.OUTBOX, StreamRows.idKey(position), StreamRows.release(release));
        }
    }

    void settle(long note) {
        rows.remove(Table.OUTBOX, StreamRows.idKey(note));
    }

    @Nullable
    Producer producer(long streamId, String producerId) {
        byte[] row = rows.get(Table.PRODUCERS, StreamRows.producerKey(streamId, producerId));
        return row == null ? null : StreamRows.producer(row);
    }

    void putProducer(long streamId, ProducerTag tag) {
        rows.put(
                Table.PRODUCERS,
                StreamRows.producerKey(streamId, tag.id()),
                StreamRows.producer(new Producer(tag.epoch(), tag.seq())));
    }

    boolean hasPin(long streamId, String pinId) {
        return rows.get(Table.PINS, StreamRows.pinKey(streamId, pinId)) != null;
    }

    void putPin(StreamState source, String pinId, String forkPath) {
        rows.put(Table.PINS, StreamRows.pinKey(source.id(), pinId), StreamRows.pin(source.path(), forkPath));
    }

    void removePin(long streamId, String pinId) {
        rows.remove(Table.PINS, StreamRows.pinKey(streamId, pinId));
    }

    void noteDeadline(StreamState state) {
        rows.append(
                Table.DEADLINES,
                StreamRows.deadlineKey(state.deadline(), state.id()),
                StreamRows.streamKey(state.path()));
    }

    void forgetDeadline(long deadline, long streamId) {
        rows.remove(Table.DEADLINES, StreamRows.deadlineKey(deadline, streamId));
    }

    /**
     * The entry at {@code position}, or null if the position is the tail. It may be an inherited one only for commands of
     * format 1, which are replayed in the order of the journal across all shards.
     */
    @Nullable
    Entry entryAt(StreamState state, long position) {
        Span span = Streams.spanAt(state, position);
        if (span == null) {
            return null;
        }
        Entry recent = recentEntryAt(span.streamId(), position);
        return recent == null ? streams.entryAt(span, position) : recent.clip(span.from(), span.to());
    }

    private @Nullable Entry recentEntryAt(long streamId, long position) {
        for (Appended recent : appended) {
            Entry entry = recent.entry();
            if (recent.streamId() == streamId && entry.start() <= position && position < entry.end()) {
                return entry;
            }
        }
        return null;
    }
}
