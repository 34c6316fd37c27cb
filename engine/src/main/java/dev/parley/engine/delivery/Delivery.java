package dev.parley.engine.delivery;

import dev.parley.engine.memory.Purse;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionBatch.Added;
import dev.parley.engine.session.machine.SessionTx;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.stream.StreamState;
import dev.parley.engine.stream.StreamTx;
import dev.parley.engine.stream.Streams;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Delivers new entries to live readers. Thread-safe. */
public final class Delivery {
    private static final int MAX_RECENT_ENTRIES = 1024;

    private final Streams streams;
    private final Sessions sessions;
    private final int maxRecentEntries;
    private final Purse windows;
    private final CallbackFailures failures;
    private final ConcurrentHashMap<Long, Topic> topics = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<SessionName, SessionTopic> sessionTopics = new ConcurrentHashMap<>();

    /**
     * Delivers the entries of {@code streams} and {@code sessions}.
     *
     * @param failures receives exceptions that listeners throw
     * @param windows the memory that the newest entries of all streams and sessions may use together
     */
    public Delivery(Streams streams, Sessions sessions, CallbackFailures failures, Purse windows) {
        this(streams, sessions, failures, MAX_RECENT_ENTRIES, windows);
    }

    /**
     * Delivers the entries of {@code streams} and {@code sessions}.
     *
     * @param failures receives exceptions that listeners throw
     * @param maxRecentEntries how many of a session's newest entries stay in memory while the session has live readers
     * @param windows the memory that the newest entries of all streams and sessions may use together
     */
    public Delivery(
            Streams streams, Sessions sessions, CallbackFailures failures, int maxRecentEntries, Purse windows) {
        this.failures = failures;
        this.streams = streams;
        this.sessions = sessions;
        this.maxRecentEntries = maxRecentEntries;
        this.windows = windows;
    }

    /**
     * Opens a tail at {@code position}. The caller has to close it. Returns null if the stream no longer exists.
     *
     * @param state the stream as the caller found it
     * @param listener is told by an engine thread that there may be more to read; it must hand the work over to another
     *     thread and return. Several tails of one stream may share a listener, which is then called once for all of
     *     them
     */
    public @Nullable Tail tail(StreamState state, long position, Runnable listener) {
        return tail(state, position, listener, streams::find);
    }

    /**
     * As {@link #tail(StreamState, long, Runnable)}, but never blocks. Returns null also if the stream is not in
     * memory.
     */
    public @Nullable Tail tailInMemory(StreamState state, long position, Runnable listener) {
        return tail(state, position, listener, streams::findCached);
    }

    private @Nullable Tail tail(
            StreamState state, long position, Runnable listener, Function<String, @Nullable StreamState> find) {
        Topic topic = topics.compute(state.id(), (id, existing) -> {
            Topic joined = existing == null ? new Topic(windows, failures) : existing;
            joined.listeners().add(listener);
            return joined;
        });
        try {
            // Looked up after joining, so that everything that is shown from now on reaches the topic.
            if (topic.state() == null) {
                StreamState newest = find.apply(state.path());
                if (newest != null && newest.id() == state.id()) {
                    topic.seed(newest);
                }
            }
        } catch (RuntimeException | Error e) {
            detach(state.id(), topic, listener);
            throw e;
        }
        if (topic.state() == null || topic.ended()) {
            detach(state.id(), topic, listener);
            return null;
        }
        return new Tail(this, streams, topic, state.id(), position, listener);
    }

    /**
     * Opens a tail of a session, which need not exist. The caller has to close it.
     *
     * @param from the reader's place, or null for the current end of the log, the attach point. If entries after
     *     {@code from} are gone, or {@code from} is not a place in this log, the tail starts at the end and
     *     {@link SessionTail#resumed} is false
     * @param whole whether messages are always delivered whole, never as an APPEND
     * @param listener as for streams
     */
    public SessionTail tail(SessionName session, @Nullable Long from, boolean whole, Runnable listener) {
        SessionTopic topic = sessionTopics.compute(session, (name, existing) -> {
            SessionTopic joined = existing == null ? new SessionTopic(maxRecentEntries, windows, failures) : existing;
            joined.listeners().add(listener);
            return joined;
        });
        try {
            // Looked up after joining, so that everything that is shown from now on reaches the topic.
            topic.seed(sessions.find(session));
        } catch (RuntimeException | Error e) {
            detach(session, topic, listener);
            throw e;
        }
        SessionTopic.Look look = topic.since(Positions.START);
        SessionState state = look.state();
        // Memory may be ahead of the state for a moment, and a reader may come back from a place there.
        long end = look.top();
        boolean resumed =
                from != null && from <= end && (state == null ? from == Positions.START : from >= state.horizon());
        long begin = from != null && resumed ? from : end;
        return new SessionTail(
                this, sessions, topic, session, state == null ? 0 : state.id(), begin, resumed, whole, listener);
    }

    void detach(long streamId, Topic topic, Runnable listener) {
        topics.computeIfPresent(streamId, (id, current) -> {
            if (current != topic || !topic.listeners().remove(listener)) {
                return current;
            }
            topic.leave();
            return null;
        });
    }

    void detach(SessionName session, SessionTopic topic, Runnable listener) {
        sessionTopics.computeIfPresent(session, (name, current) -> {
            if (current != topic || !topic.listeners().remove(listener)) {
                return current;
            }
            topic.leave();
            return null;
        });
    }

    /** Whether a session has live readers. */
    public boolean isRead(SessionName session) {
        return sessionTopics.containsKey(session);
    }

    /** Number of streams and sessions that have live readers. */
    public int topics() {
        return topics.size() + sessionTopics.size();
    }

    /** Shows a written batch to readers: first the entries, then the states, and then the listeners are told. */
    public void show(StreamTx written) {
        if (!topics.isEmpty()) {
            for (StreamTx.Appended appended : written.appended()) {
                Topic topic = topics.get(appended.streamId());
                if (topic != null) {
                    topic.append(appended.entry());
                }
            }
        }
        written.show();
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
                        topic.show(state);
                    }
                });
            }
        }
    }

    /** Shows a written batch to readers: first the entries, then the states, and then the listeners are told. */
    public void show(SessionTx written) {
        if (!sessionTopics.isEmpty()) {
            for (Added added : written.added()) {
                SessionTopic topic = sessionTopics.get(added.session());
                if (topic != null) {
                    topic.append(added.before(), added.entry());
                }
            }
        }
        written.show();
        if (!sessionTopics.isEmpty()) {
            written.changed().forEach((name, state) -> {
                SessionTopic topic = sessionTopics.get(name);
                if (topic != null) {
                    topic.show(state.orElse(null));
                }
            });
        }
    }
}
