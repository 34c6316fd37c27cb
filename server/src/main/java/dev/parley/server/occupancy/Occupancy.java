package dev.parley.server.occupancy;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.wire.Flags;
import dev.parley.server.wire.WireWriter;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArraySet;
import org.jspecify.annotations.Nullable;

/** Counts the attachments of sessions, by mode. Thread-safe. */
public final class Occupancy {
    /** The numbers of one session. */
    public record Metrics(
            int connections,
            int publishers,
            int subscribers,
            int presenceConnections,
            int presenceMembers,
            int presenceSubscribers,
            int objectPublishers,
            int objectSubscribers) {

        /** Writes the value of the field {@code metrics}. */
        public void write(WireWriter to) {
            to.beginObject()
                    .field("connections", connections)
                    .field("publishers", publishers)
                    .field("subscribers", subscribers)
                    .field("presenceConnections", presenceConnections)
                    .field("presenceMembers", presenceMembers)
                    .field("presenceSubscribers", presenceSubscribers)
                    .field("objectPublishers", objectPublishers)
                    .field("objectSubscribers", objectSubscribers)
                    .endObject();
        }
    }

    /** The modes that are counted, in the order of the numbers in {@link Counts}. */
    private static final int[] MODES = {
        Flags.PUBLISH,
        Flags.SUBSCRIBE,
        Flags.PRESENCE,
        Flags.PRESENCE_SUBSCRIBE,
        Flags.OBJECT_PUBLISH,
        Flags.OBJECT_SUBSCRIBE
    };

    private final ConcurrentHashMap<SessionName, Counts> bySession = new ConcurrentHashMap<>();

    /**
     * The numbers of one session. They are changed under the map's lock on the session as well, so that nobody changes numbers
     * that are being removed because they are zero.
     */
    private static final class Counts {
        @GuardedBy("this")
        private int connections;

        @GuardedBy("this")
        private final int[] byMode = new int[MODES.length];

        private final Set<Runnable> listeners = new CopyOnWriteArraySet<>();

        synchronized boolean isEmpty() {
            return connections == 0 && listeners.isEmpty();
        }

        synchronized void change(int more, long before, long after) {
            connections += more;
            for (int i = 0; i < MODES.length; i++) {
                byMode[i] += has(after, i) - has(before, i);
            }
        }

        synchronized Metrics metrics(int members) {
            return new Metrics(connections, byMode[0], byMode[1], byMode[2], members, byMode[3], byMode[4], byMode[5]);
        }
    }

    /** That a connection is attached to a session, until it is closed for the first time. Used by one thread at a time. */
    public final class Attached implements AutoCloseable {
        private final SessionName session;
        private long modes;
        private boolean closed;

        private Attached(SessionName session) {
            this.session = session;
        }

        /** The attachment has these modes from now on. */
        public void change(long granted) {
            if (!closed) {
                Occupancy.this.change(session, 0, modes, granted);
                modes = granted;
            }
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                Occupancy.this.change(session, -1, modes, 0);
            }
        }
    }

    /** Counts an attachment, which has no modes yet. */
    public Attached attach(SessionName session) {
        change(session, 1, 0, 0);
        return new Attached(session);
    }

    private void change(SessionName session, int connections, long before, long after) {
        Counts changed = bySession.compute(session, (name, existing) -> {
            Counts counts = existing == null ? new Counts() : existing;
            counts.change(connections, before, after);
            return counts.isEmpty() ? null : counts;
        });
        if (changed != null) {
            changed.listeners.forEach(Runnable::run);
        }
    }

    private static int has(long modes, int index) {
        return (modes & MODES[index]) == 0 ? 0 : 1;
    }

    /** That somebody is told of changes, until it is closed. */
    public interface Listening extends AutoCloseable {
        @Override
        void close();
    }

    /** Calls {@code listener} after every change, on the thread that makes it. A listener listens once. */
    public Listening listen(SessionName session, Runnable listener) {
        bySession.compute(session, (name, existing) -> {
            Counts counts = existing == null ? new Counts() : existing;
            counts.listeners.add(listener);
            return counts;
        });
        return () -> ignore(session, listener);
    }

    private void ignore(SessionName session, Runnable listener) {
        bySession.computeIfPresent(session, (name, counts) -> {
            counts.listeners.remove(listener);
            return counts.isEmpty() ? null : counts;
        });
    }

    /**
     * The present numbers of a session.
     *
     * @param members the number of presence members, which the caller reads from the session
     */
    public Metrics of(SessionName session, int members) {
        Counts counts = bySession.get(session);
        return counts == null ? new Metrics(0, 0, 0, 0, members, 0, 0, 0) : counts.metrics(members);
    }

    /** Sessions of an app to which somebody is attached, in the order of their names. */
    public List<String> active(String app, String prefix, @Nullable String after, int limit) {
        return bySession.keySet().stream()
                .filter(session -> session.app().equals(app))
                .map(SessionName::name)
                .filter(name -> name.startsWith(prefix) && (after == null || Sessions.BY_NAME.compare(name, after) > 0))
                .sorted(Sessions.BY_NAME)
                .limit(limit)
                .toList();
    }
}
