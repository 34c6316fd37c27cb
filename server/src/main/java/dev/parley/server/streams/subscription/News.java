package dev.parley.server.streams.subscription;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.memory.Room;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The events since the dispatcher last looked. Several events about the same thing are reported once. Thread-safe. */
final class News {
    /** If more streams than this have changed, only that is reported. */
    static final int MAX_STREAMS = 100_000;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition filled = lock.newCondition();
    private final Condition drained = lock.newCondition();

    @GuardedBy("lock")
    private Batch gathering = new Batch();

    @GuardedBy("lock")
    private boolean closed;

    /**
     * A command or a delivery is over.
     *
     * @param id the id of the subscription
     * @param wakeId the wake that was delivered, or null for a command
     * @param well whether the engine has accepted it
     */
    record Finished(String id, @Nullable String wakeId, boolean well) {}

    /** News that arrived together. */
    static final class Batch {
        /** Changed streams. */
        final Set<String> streams = new HashSet<>();

        /** Changed subscriptions. */
        final Set<String> subscriptions = new HashSet<>();

        /** Commands and deliveries that are over. */
        final List<Finished> finished = new ArrayList<>();

        /** Whether more streams have changed than {@link #streams} contains. */
        boolean more;

        /** Where there is room again for links that could not be made. */
        final Set<Room> rooms = new HashSet<>();

        void add(Batch other) {
            other.streams.forEach(this::addStream);
            subscriptions.addAll(other.subscriptions);
            finished.addAll(other.finished);
            more |= other.more;
            rooms.addAll(other.rooms);
        }

        /** Adds a stream, or notes that there are too many. */
        void addStream(String path) {
            if (streams.size() < MAX_STREAMS) {
                streams.add(path);
            } else {
                more = true;
            }
        }

        boolean isEmpty() {
            return streams.isEmpty() && subscriptions.isEmpty() && finished.isEmpty() && !more && rooms.isEmpty();
        }
    }

    void streams(Collection<String> paths) {
        lock.lock();
        try {
            if (gathering.streams.size() + paths.size() > MAX_STREAMS) {
                gathering.more = true;
            } else {
                gathering.streams.addAll(paths);
            }
            filled.signal();
        } finally {
            lock.unlock();
        }
    }

    void room(Room free) {
        lock.lock();
        try {
            gathering.rooms.add(free);
            filled.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Reports one stream when there is room for it. Blocks, so engine threads must not call it. */
    void streamInTurn(String path) throws InterruptedException {
        lock.lock();
        try {
            while (gathering.streams.size() >= MAX_STREAMS && !closed) {
                drained.await();
            }
            gathering.streams.add(path);
            filled.signal();
        } finally {
            lock.unlock();
        }
    }

    void subscriptions(Collection<String> ids) {
        lock.lock();
        try {
            gathering.subscriptions.addAll(ids);
            filled.signal();
        } finally {
            lock.unlock();
        }
    }

    void finished(String id, @Nullable String wakeId, boolean well) {
        lock.lock();
        try {
            gathering.finished.add(new Finished(id, wakeId, well));
            filled.signal();
        } finally {
            lock.unlock();
        }
    }

    void close() {
        lock.lock();
        try {
            closed = true;
            filled.signal();
            drained.signalAll();
        } finally {
            lock.unlock();
        }
    }

    boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /** Waits for news for at most {@code millis}. If there is none, the batch is empty. */
    Batch take(long millis) throws InterruptedException {
        lock.lock();
        try {
            long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
            while (gathering.isEmpty() && !closed && nanos > 0) {
                nanos = filled.awaitNanos(nanos);
            }
            Batch taken = gathering;
            gathering = new Batch();
            drained.signalAll();
            return taken;
        } finally {
            lock.unlock();
        }
    }
}
