package dev.parley.client;

import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The events of one session that wait for its listeners, which get them one after the other. It is as fast as the slowest
 * listener. What comes when it is full still finds room, but then the connection is not read any further.
 */
final class Inbox {
    /** Events that are delivered before another session may have the thread. */
    private static final int BATCH = 64;

    private static final Logger LOG = LoggerFactory.getLogger(Inbox.class);

    /** Receives events. Calls come one after the other. */
    interface Sink {
        /** Whether it can take an event now. If it cannot, it calls {@link Inbox#wake} when it can. */
        default boolean isReady() {
            return true;
        }

        void event(SessionEvent event);

        /** There will be no more events. */
        default void end(@Nullable ParleyException error) {}
    }

    /** What is in the queue. */
    private sealed interface Entry {}

    /**
     * An event.
     *
     * @param bytes what it counts for
     */
    private record Event(SessionEvent event, int bytes) implements Entry {}

    /** An event that was missed. */
    private record Missed(SessionEvent event) implements Entry {}

    /** Where the session is after the events before it. */
    private record Place(String position) implements Entry {}

    /** There will be no more events. */
    private record End(@Nullable ParleyException error) implements Entry {}

    private final String session;
    private final Executor executor;
    private final int maxEvents;
    private final int maxBytes;
    private final History history;
    private final Runnable onRoom;
    private final List<Sink> sinks = new CopyOnWriteArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private final ArrayDeque<Entry> queue = new ArrayDeque<>();

    @GuardedBy("lock")
    private int events;

    @GuardedBy("lock")
    private int bytes;

    @GuardedBy("lock")
    private boolean scheduled;

    @GuardedBy("lock")
    private boolean wantsRoom;

    @GuardedBy("lock")
    private @Nullable String delivered;

    /** What was missed and is read from the history, before the events in the queue; null if there is nothing. */
    private volatile @Nullable Refill refill;

    /**
     * An empty one.
     *
     * @param history reads what a gap has left out
     * @param onRoom called, without any lock, after each event that was delivered since {@link #isFull} was true
     */
    Inbox(String session, ClientOptions client, SessionOptions options, History history, Runnable onRoom) {
        this.session = session;
        this.executor = client.listenerExecutor();
        this.maxEvents = options.queueEvents();
        this.maxBytes = options.queueBytes();
        this.history = history;
        this.onRoom = onRoom;
    }

    /** Adds a listener. */
    Registration add(Sink sink) {
        sinks.add(sink);
        wake();
        return () -> {
            sinks.remove(sink);
            wake();
        };
    }

    /**
     * Adds the events of a frame.
     *
     * @param position where the session is after them
     */
    void offer(List<? extends SessionEvent> events, int frameBytes, String position) {
        lock.lock();
        try {
            boolean nobodyWaits = queue.isEmpty() && !scheduled && isEmpty();
            if (nobodyWaits && (events.isEmpty() || sinks.isEmpty())) {
                delivered = position;
            } else if (events.isEmpty()) {
                if (queue.peekLast() instanceof Place) {
                    queue.removeLast();
                }
                queue.add(new Place(position));
            } else {
                int weight = frameBytes / events.size();
                for (SessionEvent event : events) {
                    queue.add(new Event(event, weight));
                }
                this.events += events.size();
                bytes += weight * events.size();
                queue.add(new Place(position));
            }
            schedule();
        } finally {
            lock.unlock();
        }
    }

    /** Whether nothing more should be added. Once it was true, {@link Inbox} tells when there is room again. */
    boolean isFull() {
        lock.lock();
        try {
            boolean full = events >= maxEvents || bytes >= maxBytes;
            wantsRoom |= full;
            return full;
        } finally {
            lock.unlock();
        }
    }

    /** Whether less than this part of it is in use, in percent. */
    boolean isBelow(int percent) {
        lock.lock();
        try {
            return events * 100L <= maxEvents * (long) percent && bytes * 100L <= maxBytes * (long) percent;
        } finally {
            lock.unlock();
        }
    }

    /** There is room again, and somebody knows. */
    void roomNoted() {
        lock.lock();
        try {
            wantsRoom = false;
        } finally {
            lock.unlock();
        }
    }

    /** Where the session is after the last event that all listeners have had; null if it was never attached. */
    @Nullable
    String delivered() {
        lock.lock();
        try {
            return delivered;
        } finally {
            lock.unlock();
        }
    }

    /** Events that wait. */
    int size() {
        lock.lock();
        try {
            return events;
        } finally {
            lock.unlock();
        }
    }

    /** Forgets all events and where the session was. */
    void clear() {
        lock.lock();
        try {
            queue.clear();
            events = 0;
            bytes = 0;
            refill = null;
            delivered = null;
        } finally {
            lock.unlock();
        }
    }

    /** Tells the listeners that there will be no more events, after those that wait. */
    void end(@Nullable ParleyException error) {
        lock.lock();
        try {
            queue.add(new End(error));
            schedule();
        } finally {
            lock.unlock();
        }
    }

    /** A listener can take an event again. */
    void wake() {
        lock.lock();
        try {
            schedule();
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private void schedule() {
        if (!scheduled && !isEmpty() && canDeliver()) {
            scheduled = true;
            try {
                executor.execute(this::deliver);
            } catch (RejectedExecutionException e) {
                scheduled = false;
                LOG.error("The listener executor does not take tasks; session {} stands still", session, e);
            }
        }
    }

    /** Whether what comes next can be delivered: an event only if all listeners can take one. */
    @GuardedBy("lock")
    private boolean canDeliver() {
        boolean event = queue.isEmpty() || queue.getFirst() instanceof Event || (refill != null && !refill.isOver());
        return !event || sinks.stream().allMatch(Sink::isReady);
    }

    @GuardedBy("lock")
    private boolean isEmpty() {
        return queue.isEmpty() && (refill == null || refill.isOver());
    }

    private void deliver() {
        for (int i = 0; i < BATCH; i++) {
            readMissed();
            Entry entry = next();
            if (entry == null) {
                return;
            }
            deliver(entry);
            if (done(entry)) {
                onRoom.run();
            }
        }
        lock.lock();
        try {
            scheduled = false;
            schedule();
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Entry next() {
        lock.lock();
        try {
            if (isEmpty() || !canDeliver()) {
                scheduled = false;
                return null;
            }
            Message missed = refill == null ? null : refill.poll();
            return missed == null ? queue.remove() : new Missed(missed);
        } finally {
            lock.unlock();
        }
    }

    private void deliver(Entry entry) {
        if (entry instanceof Missed missed) {
            tell(missed.event());
        } else if (entry instanceof Event live && !isKnown(live.event())) {
            tell(live.event());
            if (live.event() instanceof Gap gap) {
                startRefill(gap);
            }
        } else if (entry instanceof End end) {
            tellAll(sink -> sink.end(end.error()));
        }
    }

    private boolean done(Entry entry) {
        lock.lock();
        try {
            if (entry instanceof Event event) {
                // The queue may have been cleared meanwhile.
                events = Math.max(0, events - 1);
                bytes = Math.max(0, bytes - event.bytes());
            } else if (entry instanceof Place place) {
                delivered = place.position();
            }
            return wantsRoom;
        } finally {
            lock.unlock();
        }
    }

    private void tell(SessionEvent event) {
        tellAll(sink -> sink.event(event));
    }

    private void tellAll(Consumer<Sink> what) {
        for (Sink sink : sinks) {
            try {
                what.accept(sink);
            } catch (Throwable e) {
                // Whatever it is, the session must not stand still.
                LOG.warn("A listener of session {} has failed", session, e);
            }
        }
    }

    // What a gap has left out

    private void startRefill(Gap gap) {
        lock.lock();
        try {
            refill = new Refill(history, gap);
        } finally {
            lock.unlock();
        }
    }

    private void readMissed() {
        Refill missed = refill;
        while (missed != null && missed.needsPage()) {
            Page<Message> page = null;
            try {
                page = missed.readPage();
            } catch (RuntimeException e) {
                // Also what is no page for this client: the session must not stand still.
                LOG.warn("What session {} has missed cannot be read", session, e);
            }
            lock.lock();
            try {
                missed.add(page);
            } finally {
                lock.unlock();
            }
        }
    }

    /** Whether the history has already shown what a live event says. */
    private boolean isKnown(SessionEvent event) {
        Refill missed = refill;
        return missed != null && event instanceof Message message && missed.knows(message);
    }
}
