package dev.parley.engine.session.request;

import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Status;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Range;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What people are asked in sessions. Thread-safe; reads block on the disk. */
public final class Requests {
    /** The number of requests that one look into the inbox examines. If few of them fit the filter, the page is short. */
    public static final int MAX_EXAMINED = 5_000;

    private static final byte[] FIRST_ROW = {};

    private final Store store;

    /** Reads from {@code store}. */
    public Requests(Store store) {
        this.store = store;
    }

    /**
     * What the inbox has of a request, by which one can choose.
     *
     * @param sessionId the id of the session
     * @param due as in {@link SessionRequest.Terms}
     * @param clientIds as in {@link SessionRequest.Terms}
     * @param grants as in {@link SessionRequest.Terms}; none of what an older program has listed
     */
    public record Listed(
            SessionName session,
            long sessionId,
            String id,
            Kind kind,
            Status status,
            long due,
            List<String> clientIds,
            List<String> grants) {
        static Listed of(long sessionId, SessionRequest request) {
            SessionRequest.Terms terms = request.terms();
            return new Listed(
                    request.session(),
                    sessionId,
                    request.id(),
                    terms.kind(),
                    request.status(),
                    terms.due(),
                    terms.clientIds(),
                    terms.grants());
        }

        /** Whether it asks a client, or whoever has credentials that grant one of these; or everybody. */
        public boolean asks(@Nullable String clientId, List<String> granted) {
            return (clientIds.isEmpty() && grants.isEmpty())
                    || (clientId != null && clientIds.contains(clientId))
                    || granted.stream().anyMatch(grants::contains);
        }

        private Place place() {
            return new Place(session.name(), id);
        }
    }

    /** Where somebody has come in the inbox: a session and a request, both of which may be gone. */
    public record Place(String session, String requestId) {}

    /**
     * A part of the inbox.
     *
     * @param next where it continues; null at its end
     */
    public record Inbox(
            List<SessionRequest> requests, @Nullable Place next) {}

    /** The ranges of keys in which the inbox may have had something of a session. */
    public static List<Range> rangesOf(SessionName session) {
        String key = session.key();
        return List.of(
                new Range(Table.INBOX, RequestRows.inboxKey(true, key, ""), RequestRows.inboxEnd(true, key)),
                new Range(Table.INBOX, RequestRows.inboxKey(false, key, ""), RequestRows.inboxEnd(false, key)));
    }

    /** The range of keys of the list of what is due, which all sessions share. */
    public static Range times() {
        return new Range(Table.DUE, FIRST_ROW, RequestRows.dueEnd(Long.MAX_VALUE - 1));
    }

    /** A request, or null if there is none with this id. */
    public @Nullable SessionRequest find(SessionState session, String id) {
        return find(session.id(), id);
    }

    private @Nullable SessionRequest find(long session, String id) {
        byte[] row = store.get(Table.ASKED, RequestRows.requestKey(session, id));
        return row == null ? null : RequestRows.request(row);
    }

    /**
     * The requests of a session by their ids, as they compare in UTF-8.
     *
     * @param after the id after which they come; empty for the first ones
     * @param maxBytes the weight after which no further one is begun
     */
    public Page<SessionRequest> of(SessionState session, String after, int limit, int maxBytes) {
        List<SessionRequest> found = new ArrayList<>();
        byte[] from = RequestRows.requestKey(session.id(), after);
        int bytes = 0;
        try (Rows rows = store.scan(Table.ASKED, from, RequestRows.requestsEnd(session.id()))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                if (!after.isEmpty() && Arrays.equals(row.key(), from)) {
                    continue;
                }
                if (found.size() == limit || bytes >= maxBytes) {
                    return new Page<>(found, true);
                }
                SessionRequest request = RequestRows.request(row.value());
                found.add(request);
                bytes += request.weight();
            }
        }
        return new Page<>(found, false);
    }

    /** Whether a request that was closed up to {@code position} is kept. */
    public boolean isAnyClosed(SessionState session, long position) {
        return !store.isEmpty(
                Table.ASKED,
                RequestRows.closedKey(session.id(), 0, ""),
                RequestRows.closedKey(session.id(), position + 1, ""));
    }

    /** How many requests of a session are open, as far as {@link RequestMachine#MAX_OPEN}. */
    public int countOpen(SessionName session) {
        int count = 0;
        try (Rows rows = store.scan(
                Table.INBOX,
                RequestRows.inboxKey(true, session.key(), ""),
                RequestRows.inboxEnd(true, session.key()))) {
            while (rows.nextKey() != null) {
                rows.next();
                count++;
            }
        }
        return count;
    }

    /** The open requests of a session that {@code view} shows, at most {@link RequestMachine#MAX_OPEN}. */
    public static List<SessionRequest> open(View view, SessionState session) {
        String key = session.name().key();
        List<SessionRequest> found = new ArrayList<>();
        try (Rows rows = view.scan(Table.INBOX, RequestRows.inboxKey(true, key, ""), RequestRows.inboxEnd(true, key))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                String id = RequestRows.inbox(row.key(), row.value()).id();
                byte[] request = view.get(Table.ASKED, RequestRows.requestKey(session.id(), id));
                if (request != null) {
                    found.add(RequestRows.request(request));
                }
            }
        }
        return found;
    }

    /** A request that is closed, and the position at which it was. */
    public record Closed(long position, String id) {}

    /**
     * The requests of a session that were closed after {@code position}, as {@code view} shows them; null if there are so many that
     * some may have been forgotten.
     */
    public static @Nullable List<Closed> closedSince(View view, SessionState session, long position) {
        List<Closed> found = new ArrayList<>();
        try (Rows rows = view.scan(
                Table.ASKED,
                RequestRows.closedKey(session.id(), position + 1, ""),
                RequestRows.closedKey(session.id(), Long.MAX_VALUE, ""))) {
            for (byte[] key = rows.nextKey(); key != null; key = rows.nextKey()) {
                if (found.size() == RequestMachine.MAX_CLOSED - 1) {
                    return null;
                }
                found.add(new Closed(RequestRows.closedAt(key), RequestRows.closedId(key)));
                rows.next();
            }
        }
        return found;
    }

    /**
     * The requests of the sessions of an app, by the names of the sessions and then by their ids.
     *
     * @param prefix what the names begin with
     * @param open whether those that are open are wanted, or those that are not
     * @param after the place after which they come; null for the first ones
     * @param maxBytes the weight after which no further one is begun
     */
    public Inbox inbox(
            String app,
            String prefix,
            boolean open,
            @Nullable Place after,
            Predicate<Listed> filter,
            int limit,
            int maxBytes) {
        List<SessionRequest> found = new ArrayList<>();
        byte[] known = after == null
                ? FIRST_ROW
                : RequestRows.inboxKey(open, new SessionName(app, after.session()).key(), after.requestId());
        byte[] from = later(RequestRows.inboxFrom(open, new SessionName(app, prefix).key()), known);
        int examined = 0;
        int bytes = 0;
        Place place = after;
        try (Rows rows =
                store.scan(Table.INBOX, from, open ? RequestRows.inboxFrom(false, "") : new byte[] {(byte) 0xFF})) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                if (Arrays.equals(row.key(), known)) {
                    continue;
                }
                Listed listed = RequestRows.inbox(row.key(), row.value());
                if (!listed.session().app().equals(app)
                        || !listed.session().name().startsWith(prefix)) {
                    break;
                }
                if (found.size() == limit || bytes >= maxBytes || examined == MAX_EXAMINED) {
                    return new Inbox(found, place);
                }
                examined++;
                place = listed.place();
                SessionRequest request = filter.test(listed) ? find(listed.sessionId(), listed.id()) : null;
                // It may have been closed since, or have gone.
                if (request != null && request.isOpen() == open) {
                    found.add(request);
                    bytes += request.weight();
                }
            }
        }
        return new Inbox(found, null);
    }

    private static byte[] later(byte[] one, byte[] other) {
        return Arrays.compareUnsigned(one, other) < 0 ? other : one;
    }

    /** What closes the requests that are due at {@code now}, at most {@code limit} commands. */
    public List<ExpireRequest> due(long now, int limit) {
        return store.list(Table.DUE, FIRST_ROW, RequestRows.dueEnd(now), limit).stream()
                .map(row -> RequestRows.due(row.value(), now))
                .toList();
    }
}
