package dev.parley.server.timeline;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.session.SessionName;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What happened between sessions and those who read them. It is kept in memory, for the sessions in which something has happened last, so
 * a restart begins anew. Thread-safe.
 */
public final class Timelines {
    /** How many sessions have a timeline; of more, those in which something has happened last. */
    public static final int MAX_SESSIONS = 1_000;

    /** How many attachments of one session are remembered; of more, those that have ended first are forgotten first. */
    public static final int MAX_VISITS = 32;

    /** How many other events of one session are remembered; of more, the newest. */
    public static final int MAX_EVENTS = 32;

    /** How many attachments that go on are followed in all sessions together. */
    public static final int MAX_FOLLOWED = 10_000;

    private static final int MAX_DETAIL_CHARS = 300;

    @GuardedBy("this")
    private final Map<SessionName, Timeline> timelines = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<SessionName, Timeline> eldest) {
            return size() > MAX_SESSIONS;
        }
    };

    private final AtomicInteger followed = new AtomicInteger();

    private static final class Timeline {
        private final Deque<Visit> visits = new ArrayDeque<>();
        private final Deque<Event> events = new ArrayDeque<>();
        private long forgotten;
    }

    /**
     * Something that has happened once.
     *
     * @param at when, in milliseconds since 1970
     * @param type {@code refusal}, {@code wake-call} or {@code notify-call}
     * @param who a connection, an agent, or of which event an application was told
     * @param clientId the client, if it has an id
     * @param what a request, a wake, or a notification
     * @param code of the error; or what was answered; 0 if there is none
     * @param detail what is to be said of it
     */
    public record Event(
            long at, String type, String who, @Nullable String clientId, String what, int code, String detail) {
        public Event {
            detail = detail.length() > MAX_DETAIL_CHARS ? detail.substring(0, MAX_DETAIL_CHARS) : detail;
        }

        /**
         * A call of somebody by the server.
         *
         * @param id of what the call was for
         * @param attempts how many calls for it there were before
         * @param status what was answered; 0 if nothing was
         */
        public static Event call(
                long at, String type, String who, String id, long attempts, int status, String detail) {
            return new Event(at, type, who, null, id + ", attempt " + (attempts + 1), status, detail);
        }
    }

    /**
     * What is remembered of a session.
     *
     * @param visits the oldest first
     * @param events the oldest first
     * @param forgotten how many attachments and events were forgotten for lack of room
     */
    public record View(List<Visit> visits, List<Event> events, long forgotten) {}

    /**
     * Begins to follow an attachment.
     *
     * @return null if too many are followed
     */
    public @Nullable Visit follow(SessionName session, long now, String connectionId, @Nullable String clientId) {
        if (followed.incrementAndGet() > MAX_FOLLOWED) {
            followed.decrementAndGet();
            return null;
        }
        Visit visit = new Visit(now, connectionId, clientId, followed::decrementAndGet);
        synchronized (this) {
            Timeline timeline = timelines.computeIfAbsent(session, name -> new Timeline());
            if (timeline.visits.size() >= MAX_VISITS) {
                timeline.forgotten++;
                forgetOne(timeline.visits);
            }
            timeline.visits.add(visit);
        }
        return visit;
    }

    /** Forgets the attachment that has ended and came first; if none has ended, the one that came first. */
    private static void forgetOne(Deque<Visit> visits) {
        for (Iterator<Visit> each = visits.iterator(); each.hasNext(); ) {
            if (each.next().end() != null) {
                each.remove();
                return;
            }
        }
        visits.removeFirst();
    }

    /** Notes something. */
    public synchronized void note(SessionName session, Event event) {
        Timeline timeline = timelines.computeIfAbsent(session, name -> new Timeline());
        if (timeline.events.size() >= MAX_EVENTS) {
            timeline.forgotten++;
            timeline.events.removeFirst();
        }
        timeline.events.add(event);
    }

    /** What is remembered of a session. */
    public synchronized View of(SessionName session) {
        Timeline timeline = timelines.get(session);
        return timeline == null
                ? new View(List.of(), List.of(), 0)
                : new View(new ArrayList<>(timeline.visits), new ArrayList<>(timeline.events), timeline.forgotten);
    }

    /** Forgets all of a session, which was erased. */
    public synchronized void forget(SessionName session) {
        timelines.remove(session);
    }
}
