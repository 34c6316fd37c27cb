package dev.parley.engine.session.machine;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Removed;
import dev.parley.engine.session.log.SessionStates;
import dev.parley.engine.session.presence.Presence;
import dev.parley.engine.session.request.Requests;
import dev.parley.engine.session.wake.Wakes;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Moment;
import dev.parley.engine.store.View;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What somebody has to be told who keeps a copy of what a session has: of its messages, each in its newest version, of its
 * presence members and of its agents. Whoever takes all parts, from whatever place on, has the same copy as somebody who
 * begins now. Thread-safe; reads block on the disk.
 */
public final class Changes {
    /** What it takes to tell of a message that was removed, by an estimate. */
    private static final int REMOVED_BYTES = 100;

    private final Store store;
    private final Sessions sessions;

    /** Reads from {@code store}. */
    Changes(Store store, Sessions sessions) {
        this.store = store;
        this.sessions = sessions;
    }

    /**
     * How far a copy has got.
     *
     * @param session the id of the session
     * @param position the position up to which it has everything
     * @param horizon the horizon of the session by then: the copy has no message that was removed up to there
     */
    public record Place(long session, long position, long horizon) {}

    /** What there is after a place. */
    public sealed interface Found {}

    /** There is no session of this name. */
    public record NoSession() implements Found {}

    /** Nobody knows any more what has changed since, or the session is another one. The copy has to be begun anew. */
    public record Lost() implements Found {}

    /** The place is after the end of the log. */
    public record Beyond() implements Found {}

    /**
     * What has changed, all at one moment.
     *
     * @param removed the serials of messages that retention has removed
     * @param entries in order; members that have not changed for long come first, as PRESENT
     * @param agents all agents at that moment
     * @param open all open requests at that moment
     * @param closed the requests that were closed after the place that was asked about
     * @param to the place afterwards
     */
    public record Part(
            SessionState session,
            List<Long> removed,
            List<SessionEntry> entries,
            List<Agent> agents,
            List<SessionRequest> open,
            List<Requests.Closed> closed,
            Place to)
            implements Found {
        /** Whether nothing more had happened by then. */
        public boolean upToDate() {
            return to.position() >= session.last() && to.horizon() == session.horizon();
        }
    }

    /** The end of a session, without what there is before. */
    public Found end(SessionName name) {
        try (Moment now = store.snapshot()) {
            SessionState s = SessionStates.find(name, now);
            return s == null ? new NoSession() : part(now, s, List.of(), List.of(), List.of(), s.last());
        }
    }

    /**
     * What has changed after a place.
     *
     * @param place null for all that there is
     * @param maxBytes the weight of entries after which no further one is begun
     */
    public Found since(SessionName name, @Nullable Place place, int maxBytes) {
        try (Moment now = store.snapshot()) {
            SessionState s = SessionStates.find(name, now);
            if (s == null) {
                return place == null ? new NoSession() : new Lost();
            }
            if (place != null && place.session() != s.id()) {
                return new Lost();
            }
            long position = place == null ? Positions.START : place.position();
            if (position > s.last()) {
                return new Beyond();
            }
            List<Requests.Closed> closed = Requests.closedSince(now, s, position);
            if (closed == null && place != null) {
                return new Lost();
            }
            List<Requests.Closed> gone = closed == null ? List.of() : closed;
            List<Long> removed = List.of();
            if (place != null && place.horizon() != s.horizon()) {
                // Who has left, of the members that were removed from the log, is not known.
                Removed.After after = position < s.horizon()
                        ? null
                        : Removed.since(now, s, place.horizon(), Math.max(1, maxBytes / REMOVED_BYTES));
                if (after == null) {
                    return new Lost();
                }
                removed = after.serials();
                if (after.horizon() != s.horizon()) {
                    Place to = new Place(s.id(), position, after.horizon());
                    return new Part(s, removed, List.of(), new Wakes(now).agents(s), List.of(), List.of(), to);
                }
            }
            List<SessionEntry> entries = new ArrayList<>();
            long left = maxBytes;
            if (position < s.horizon()) {
                Members members = new Members(position, s.horizon(), maxBytes);
                Presence.forEachMember(now, s.id(), members::add);
                entries.addAll(members.found.values());
                if (members.more) {
                    return part(now, s, removed, entries, gone, members.found.lastKey());
                }
                position = s.horizon();
                left -= members.bytes;
                if (left <= 0) {
                    return part(now, s, removed, entries, gone, position);
                }
            }
            Sessions.Part after = sessions.since(now, s, position, (int) left);
            entries.addAll(after.entries());
            return part(now, s, removed, entries, gone, after.to());
        }
    }

    private static Part part(
            View now,
            SessionState s,
            List<Long> removed,
            List<SessionEntry> entries,
            List<Requests.Closed> closed,
            long to) {
        return new Part(
                s,
                removed,
                entries,
                new Wakes(now).agents(s),
                Requests.open(now, s),
                closed,
                new Place(s.id(), to, s.horizon()));
    }

    /** The members whose last events are no longer in the log, by position, as many as there is room for. */
    private static final class Members {
        private final TreeMap<Long, PresenceEntry> found = new TreeMap<>();
        private final long after;
        private final long upTo;
        private final int maxBytes;
        private long bytes;
        private boolean more;

        Members(long after, long upTo, int maxBytes) {
            this.after = after;
            this.upTo = upTo;
            this.maxBytes = maxBytes;
        }

        void add(PresenceEntry member) {
            if (member.position() <= after || member.position() > upTo) {
                return;
            }
            found.put(member.position(), member);
            bytes += member.weight();
            while (bytes > maxBytes && found.size() > 1) {
                bytes -= found.pollLastEntry().getValue().weight();
                more = true;
            }
        }
    }
}
