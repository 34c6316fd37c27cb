package dev.parley.engine.delivery;

import dev.parley.engine.session.SessionName;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.stream.StreamTx;
import dev.parley.engine.stream.Streams;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Brings new entries to live readers. Thread-safe. */
@SuppressWarnings("DoNotCallSuggester")
public final class Delivery {
    private final Streams streams;
    private final ConcurrentHashMap<Long, Topic> topics = new ConcurrentHashMap<>();

    /** Delivers what {@code streams} shows. */
    public Delivery(Streams streams) {
        this.streams = streams;
    }

    /**
     * Opens a tail at {@code position}, or returns null if the stream is no more. Close it.
     *
     * @param state the stream as the caller found it
     * @param listener told, by an engine thread, that there may be more to read: pass the word on and return. Tails of
     *     one stream may share it and are then told together
     */
    public @Nullable Tail tail(StreamState state, long position, Runnable listener) {
        Topic topic = topics.compute(state.id(), (id, existing) -> {
            Topic joined = existing == null ? new Topic() : existing;
            joined.add(listener);
            return joined;
        });
        // Looked up after joining: whatever is published from now on reaches the topic.
        StreamState newest = streams.find(state.path());
        if (newest == null || newest.id() != state.id()) {
            detach(state.id(), topic, listener);
            return null;
        }
        topic.seed(newest);
        return new Tail(this, streams, topic, state.id(), position, listener);
    }

    /**
     * Opens a tail of a session, which need not exist. Close it.
     *
     * @param from the reader's place, or null for the end of the log as it is now, the attach point. If entries behind
     *     {@code from} are gone or it is not a place of this log, the tail starts at the end and says so
     * @param whole whether messages always come whole, never as an APPEND
     * @param listener as for streams
     */
    public SessionTail tail(SessionName session, @Nullable Long from, boolean whole, Runnable listener) {
        throw new UnsupportedOperationException(session.key() + from + whole + listener);
    }

    void detach(long streamId, Topic topic, Runnable listener) {
        topics.computeIfPresent(streamId, (id, current) -> current == topic && topic.remove(listener) ? null : current);
    }

    /** How many streams are being read live. */
    public int topics() {
        return topics.size();
    }

    /** Shows a written batch: entries first, then states, then the word to readers. */
    public void publish(StreamTx written) {
        if (!topics.isEmpty()) {
            for (StreamTx.Appended appended : written.appended()) {
                Topic topic = topics.get(appended.streamId());
                if (topic != null) {
                    topic.append(appended.entry());
                }
            }
        }
        written.publish();
        if (!topics.isEmpty()) {
            written.erased().forEach(id -> {
                Topic topic = topics.get(id);
                if (topic != null) {
                    topic.end();
                }
            });
            for (Optional<StreamState> changed : written.changed().values()) {
                changed.ifPresent(state -> {
                    Topic topic = topics.get(state.id());
                    if (topic != null) {
                        topic.publish(state);
                    }
                });
            }
        }
    }
}
