package dev.parley.server.occupancy;

import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.wire.Flags;
import dev.parley.server.wire.WireWriter;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArraySet;
import org.jspecify.annotations.Nullable;

/** Who is attached to which session in which modes, in numbers. Thread-safe. */
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

        /** As the value of {@code metrics}. */
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

    /** The modes that are counted, each in its place of {@link Counts}. */
    private static final int[] MODES = {
        Flags.PUBLISH,
        Flags.SUBSCRIBE,
        Flags.PRESENCE,
        Flags.PRESENCE_SUBSCRIBE,
        Flags.OBJECT_PUBLISH,
        Flags.OBJECT_SUBSCRIBE
    };

    private final ConcurrentHashMap<SessionName, Counts> bySession = new ConcurrentHashMap<>();

    /** Guarded by the map's lock on its session, but for the listeners. */
    private static final class Counts {
        private int connections;
        private final int[] byMode = new int[MODES.length];
        private final Set<Runnable> listeners = new CopyOnWriteArraySet<>();

        private boolean isEmpty() {
            return connections == 0 && listeners.isEmpty();
        }
    }

    /** A connection has attached with these modes. */
    public void attached(SessionName session, long modes) {
        change(session, 1, 0, modes);
    }

    /** An attachment has other modes now. */
    public void changed(SessionName session, long before, long after) {
        change(session, 0, before, after);
    }

    /** An attachment with these modes is over. */
    public void detached(SessionName session, long modes) {
        change(session, -1, modes, 0);
    }

    private void change(SessionName session, int connections, long before, long after) {
        Counts changed = bySession.compute(session, (name, existing) -> {
            Counts counts = existing == null ? new Counts() : existing;
            counts.connections += connections;
            for (int i = 0; i < MODES.length; i++) {
                counts.byMode[i] += has(after, i) - has(before, i);
            }
            return counts.isEmpty() ? null : counts;
        });
        if (changed != null) {
            changed.listeners.forEach(Runnable::run);
        }
    }

    private static int has(long modes, int index) {
        return (modes & MODES[index]) == 0 ? 0 : 1;
    }

    /** Calls {@code listener} after every change, on the thread that makes it. */
    public void listen(SessionName session, Runnable listener) {
        bySession.compute(session, (name, existing) -> {
            Counts counts = existing == null ? new Counts() : existing;
            counts.listeners.add(listener);
            return counts;
        });
    }

    /** The opposite of {@link #listen}. */
    public void ignore(SessionName session, Runnable listener) {
        bySession.computeIfPresent(session, (name, counts) -> {
            counts.listeners.remove(listener);
            return counts.isEmpty() ? null : counts;
        });
    }

    /**
     * The numbers of a session now.
     *
     * @param members how many presence members it has, which the session itself knows
     */
    public Metrics of(SessionName session, int members) {
        int[] numbers = new int[MODES.length + 1];
        bySession.computeIfPresent(session, (name, counts) -> {
            numbers[0] = counts.connections;
            System.arraycopy(counts.byMode, 0, numbers, 1, MODES.length);
            return counts;
        });
        return new Metrics(numbers[0], numbers[1], numbers[2], numbers[3], members, numbers[4], numbers[5], numbers[6]);
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
