package dev.parley.engine.session;

import dev.parley.engine.session.AnnotationRows.Sum;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.SessionCommand.Compact;
import dev.parley.engine.session.SessionCommand.Depart;
import dev.parley.engine.session.SessionRows.Logged;
import dev.parley.engine.session.SessionRows.Message;
import dev.parley.engine.session.SessionRows.Version;
import dev.parley.engine.session.SessionTx.Requester;
import dev.parley.engine.session.SessionTx.Requests;
import dev.parley.engine.session.Summaries.Tally;
import dev.parley.engine.session.object.ObjectPart;
import dev.parley.engine.session.object.ObjectState;
import dev.parley.engine.session.object.ObjectTable;
import dev.parley.engine.session.object.StoredObjects;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Moment;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The sessions as readers see them: as far as it is durable and applied. Thread-safe; reads block on the disk.
 *
 * <p>States of recently changed sessions are kept in memory; the store has all of them.
 */
public final class Sessions {
    /** The order of names in {@link #list}: by code points, which is not that of {@link String#compareTo}. */
    public static final Comparator<String> BY_NAME = Sessions::compareNames;

    /** How many accepted requests of a connection are remembered at least, for each session. */
    public static final int KEPT_REQUESTS = 1024;

    /** How many clients are listed in one sum of annotations. */
    public static final int LISTED_CLIENTS = 100;

    /** How many clients are listed in all sums of a message together. */
    public static final int LISTED_CLIENTS_OF_ALL = 1_000;

    /** Tables whose keys begin with the session's id. */
    static final List<Table> TABLES_BY_ID = List.of(
            Table.LOG,
            Table.MESSAGES,
            Table.VERSIONS,
            Table.GROWING,
            Table.MESSAGE_IDS,
            Table.MEMBERS,
            Table.PRESENCE,
            Table.REQUESTS,
            Table.ATTENDANCES,
            Table.ANNOTATIONS,
            Table.SUMMARIES,
            Table.OBJECTS,
            Table.OBJECT_IDS,
            Table.RUNS);

    /** How long a client's own ids of changes of objects are remembered at least. */
    static final long KEPT_OBJECT_IDS_MILLIS = 10 * 60 * 1000L;

    private static final byte[] FIRST_ROW = {};
    private static final byte[] AFTER_LAST_KEY = {(byte) 0xFF};

    private final Store store;
    private final int maxCached;
    private final ConcurrentHashMap<SessionName, SessionState> cached = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Requester, Requests> cachedRequests = new ConcurrentHashMap<>();

    /**
     * Reads from {@code store}.
     *
     * @param maxCached how many states are kept in memory at most
     */
    public Sessions(Store store, int maxCached) {
        this.store = store;
        this.maxCached = maxCached;
    }

    /** A part of a log: positions from {@code from} to {@code to}, both inclusive. */
    public record Range(long from, long to, boolean newestFirst) {}

    /** What tells one member of a session from another. */
    public record Member(String connectionId, String clientId) {}

    /** A connection that has left something in a session: a member, or requests. */
    public record Membership(SessionName session, String connectionId) {}

    /**
     * What has happened since a place in the log.
     *
     * @param entries of messages only the newest version, whole
     * @param to everything up to here has been read
     * @param last the end of the log at that moment
     */
    public record Part(List<SessionEntry> entries, long to, long last) {}

    /**
     * A part of a list.
     *
     * @param more whether something is left behind it
     */
    public record Page<E>(List<E> entries, boolean more) {}

    /** Gathers a page of at most so many entries and bytes; of one entry at least, whatever its size. */
    private static final class Gathered<E extends SessionEntry> {
        private final List<E> entries = new ArrayList<>();
        private final int limit;
        private final int maxBytes;
        private long bytes;
        private boolean more;

        Gathered(int limit, int maxBytes) {
            this.limit = limit;
            this.maxBytes = maxBytes;
        }

        /** Whether {@code next} found room; what comes behind it is not to be asked for then. */
        boolean takes(E next) {
            bytes += next.weight();
            more = entries.size() >= limit || (bytes > maxBytes && !entries.isEmpty());
            return !more && entries.add(next);
        }

        Page<E> page() {
            return new Page<>(entries, more);
        }
    }

    /** The session, or null if nothing has ever been in it. */
    public @Nullable SessionState find(SessionName name) {
        SessionState state = cached.get(name);
        return state == null ? find(name, store) : state;
    }

    /**
     * The session as somebody has to see it who has been told of an entry at {@code position}. Readers are told of entries a
     * moment before the states are replaced that are kept in memory; the store has them by then.
     */
    public @Nullable SessionState find(SessionName name, long position) {
        SessionState state = find(name);
        return (state == null ? Positions.START : state.last()) < position ? find(name, store) : state;
    }

    private static @Nullable SessionState find(SessionName name, View view) {
        byte[] row = view.get(Table.SESSIONS, SessionRows.sessionKey(name.key()));
        return row == null ? null : SessionRows.session(row);
    }

    void publish(SessionName name, @Nullable SessionState state) {
        if (state == null) {
            cached.remove(name);
            return;
        }
        cached.put(name, state);
        if (cached.size() > maxCached) {
            evict(cached);
        }
    }

    Requests requests(Requester requester) {
        Requests known = cachedRequests.get(requester);
        if (known != null) {
            return known;
        }
        int count = 0;
        long newest = -1;
        try (Rows rows = store.scan(
                Table.REQUESTS,
                SessionRows.connectionKey(requester.session(), requester.connectionId()),
                SessionRows.connectionEnd(requester.session(), requester.connectionId()))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                count++;
                newest = SessionRows.msgSerial(row.key());
            }
        }
        return new Requests(count, newest);
    }

    void publish(Requester requester, Requests requests) {
        if (requests.count() == 0) {
            cachedRequests.remove(requester);
            return;
        }
        cachedRequests.put(requester, requests);
        if (cachedRequests.size() > maxCached) {
            evict(cachedRequests);
        }
    }

    /** Anything may go: the store has it. Dropping a share at once keeps this off most publishes. */
    private void evict(ConcurrentHashMap<?, ?> cache) {
        Iterator<?> keys = cache.keySet().iterator();
        for (int i = maxCached / 16 + 1; i > 0 && keys.hasNext(); i--) {
            keys.next();
            keys.remove();
        }
    }

    private static int compareNames(String a, String b) {
        int length = Math.min(a.length(), b.length());
        for (int i = 0; i < length; i++) {
            char one = a.charAt(i);
            char other = b.charAt(i);
            if (one != other) {
                // A surrogate stands for something beyond all that is a single character.
                boolean beyond = Character.isSurrogate(one);
                return beyond == Character.isSurrogate(other) ? Character.compare(one, other) : beyond ? 1 : -1;
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    /** Sessions of an app in the order {@link #BY_NAME}, of those that begin with {@code prefix} and come after {@code after}. */
    public List<SessionState> list(String app, String prefix, String after, int limit) {
        byte[] first = SessionRows.sessionKey(new SessionName(app, prefix).key());
        byte[] last = SessionRows.sessionKey(new SessionName(app, after).key());
        List<SessionState> found = new ArrayList<>();
        try (Rows rows =
                store.scan(Table.SESSIONS, Arrays.compareUnsigned(first, last) < 0 ? last : first, AFTER_LAST_KEY)) {
            for (Row row = rows.next(); row != null && found.size() < limit; row = rows.next()) {
                SessionState state = SessionRows.session(row.value());
                if (!state.name().app().equals(app) || !state.name().name().startsWith(prefix)) {
                    break;
                }
                if (after.isEmpty() || !state.name().name().equals(after)) {
                    found.add(state);
                }
            }
        }
        return found;
    }

    /** Whether there is nothing in the session, nor remembered for it. */
    public boolean isEmpty(SessionState session) {
        try (Moment now = store.snapshot()) {
            return isEmpty(now, session.id());
        }
    }

    static boolean isEmpty(View view, long session) {
        return TABLES_BY_ID.stream()
                .allMatch(table -> view.isEmpty(table, SessionRows.idKey(session), SessionRows.idKey(session + 1)));
    }

    /** Messages by serial, each whole and in its newest version; at least one, if there is any, whatever its size. */
    public List<MessageEntry> messages(SessionState session, Range serials, int limit, int maxBytes) {
        return messagePage(session, serials, limit, maxBytes).entries();
    }

    /** The same, and whether there are more. */
    public Page<MessageEntry> messagePage(SessionState session, Range serials, int limit, int maxBytes) {
        var page = new Gathered<MessageEntry>(limit, maxBytes);
        try (Moment now = store.snapshot();
                Rows rows = scan(now, Table.MESSAGES, session.id(), serials)) {
            Row row = rows.next();
            while (row != null && page.takes(whole(now, session.id(), SessionRows.message(row.key(), row.value())))) {
                row = rows.next();
            }
        }
        return page.page();
    }

    /**
     * Where the newest messages of a range begin.
     *
     * @param from the serial of the oldest of them
     * @param count how many they are
     * @param more whether the range has older ones, which found no room
     */
    public record Newest(long from, int count, boolean more) {}

    /**
     * The newest messages of {@code serials}, so many and with so many bytes at most, or null if there are none. It holds
     * no more than one of them at a time.
     */
    public @Nullable Newest newest(SessionState session, Range serials, int limit, int maxBytes) {
        long from = 0;
        int count = 0;
        long bytes = 0;
        try (Moment now = store.snapshot();
                Rows rows = scan(now, Table.MESSAGES, session.id(), new Range(serials.from(), serials.to(), true))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                MessageEntry message = whole(now, session.id(), SessionRows.message(row.key(), row.value()));
                bytes += message.weight();
                if (count == limit || (bytes > maxBytes && count > 0)) {
                    return new Newest(from, count, true);
                }
                from = message.serial();
                count++;
            }
        }
        return count == 0 ? null : new Newest(from, count, false);
    }

    private static Rows scan(View view, Table table, long session, Range range) {
        byte[] from = SessionRows.positionKey(session, range.from());
        byte[] to = SessionRows.positionKey(session, Math.max(range.from(), behind(range.to())));
        return range.newestFirst() ? view.scanBackwards(table, from, to) : view.scan(table, from, to);
    }

    /** Nothing stands at the greatest position of all. */
    private static long behind(long position) {
        return position == Long.MAX_VALUE ? position : position + 1;
    }

    private static MessageEntry whole(View view, long session, Message message) {
        Head head = message.head();
        Body body = message.body();
        return annotated(
                view,
                session,
                head,
                head.entry(body != null ? body : fold(head, pieces(view, session, head, head.version()))));
    }

    /** The pieces of a message up to a version. */
    static List<Version> pieces(View view, long session, Head head, long upTo) {
        List<Version> pieces = new ArrayList<>();
        try (Rows rows = view.scan(
                Table.VERSIONS,
                SessionRows.versionKey(session, head.serial(), head.base()),
                SessionRows.versionKey(session, head.serial(), upTo + 1))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                pieces.add(SessionRows.version(row.key(), row.value()));
            }
        }
        return pieces;
    }

    /** Joins what a message is in pieces. */
    static Body fold(Head head, List<Version> pieces) {
        Fold fold = new Fold(pieces.getFirst().body(), head.shape().data());
        pieces.subList(1, pieces.size()).forEach(piece -> fold.append(piece.body()));
        return fold.body();
    }

    static @Nullable Message find(View view, long session, long serial) {
        byte[] key = SessionRows.positionKey(session, serial);
        byte[] row = view.get(Table.MESSAGES, key);
        return row == null ? null : SessionRows.message(key, row);
    }

    /** The newest version of a message, whole, or null. */
    public @Nullable MessageEntry message(SessionState session, long serial) {
        try (Moment now = store.snapshot()) {
            Message message = find(now, session.id(), serial);
            return message == null ? null : whole(now, session.id(), message);
        }
    }

    /**
     * A message, whole, as it was after the append that made {@code version}; or null if that is no longer known, because
     * there is a newer one that is not an append.
     */
    public @Nullable MessageEntry messageAt(long session, long serial, long version) {
        try (Moment now = store.snapshot()) {
            Message message = find(now, session, serial);
            if (message == null || message.head().version() < version) {
                return null;
            }
            Head head = message.head();
            if (head.version() == version) {
                return whole(now, session, message);
            }
            if (!head.inPieces() || head.base() >= version) {
                return null;
            }
            List<Version> pieces = pieces(now, session, head, version);
            Version last = pieces.getLast();
            MessageEntry then =
                    head.entry(version, Action.UPDATE, last.previous(), fold(head, pieces), last.operation());
            return annotated(now, session, head, then);
        }
    }

    /**
     * The versions of a message from {@code from} on, each whole, oldest first. Appends that follow each other make one
     * version.
     */
    public Page<MessageEntry> versions(SessionState session, long serial, long from, int limit, int maxBytes) {
        var page = new Gathered<MessageEntry>(limit, maxBytes);
        try (Moment now = store.snapshot()) {
            Message message = find(now, session.id(), serial);
            if (message == null) {
                return page.page();
            }
            Head head = message.head();
            long older = head.inPieces() ? head.base() + 1 : head.version();
            if (from < older) {
                try (Rows rows = now.scan(
                        Table.VERSIONS,
                        SessionRows.versionKey(session.id(), serial, from),
                        SessionRows.versionKey(session.id(), serial, older))) {
                    for (Row row = rows.next(); row != null; row = rows.next()) {
                        Version v = SessionRows.version(row.key(), row.value());
                        if (v.action() != Action.APPEND
                                && !page.takes(
                                        head.entry(v.position(), v.action(), v.previous(), v.body(), v.operation()))) {
                            return page.page();
                        }
                    }
                }
            }
            if (from <= head.version()) {
                page.takes(whole(now, session.id(), message));
            }
        }
        return page.page();
    }

    /** Whether the session holds an entry of before {@code millis}, in milliseconds since 1970, that a Trim can remove. */
    public boolean hasOlder(SessionState session, long millis) {
        if (millis <= 0) {
            return false;
        }
        var old = new Range(session.horizon() + 1, Positions.startOf(millis) - 1, false);
        if (old.from() > old.to()) {
            return false;
        }
        try (Rows messages = scan(store, Table.MESSAGES, session.id(), old);
                Rows presence = scan(store, Table.PRESENCE, session.id(), old)) {
            return messages.nextKey() != null || presence.nextKey() != null;
        }
    }

    private static MessageEntry annotated(View view, long session, Head head, MessageEntry entry) {
        return head.annotated() ? entry.with(summaries(view, session, head.serial())) : entry;
    }

    /** What the annotations of a message come to. */
    static Summaries summaries(View view, long session, long serial) {
        Map<String, Map<String, Tally>> types = new LinkedHashMap<>();
        int room = LISTED_CLIENTS_OF_ALL;
        for (Sum sum : sums(view, session, serial)) {
            Map<String, Long> counts = new LinkedHashMap<>();
            byte[] from = AnnotationRows.firstPartKey(session, serial, sum.type(), sum.name());
            byte[] to = AnnotationRows.partsEnd(session, serial, sum.type(), sum.name());
            int limit = Math.min(room, LISTED_CLIENTS);
            if (sum.clients() > 0 && limit > 0) {
                for (Row part : view.list(Table.SUMMARIES, from, to, limit)) {
                    counts.put(AnnotationRows.client(part.key()), AnnotationRows.part(part.value()));
                }
            }
            room -= counts.size();
            put(types, sum, new Tally(sum.total(), sum.unidentified(), sum.clients(), counts));
        }
        return new Summaries(types);
    }

    private static List<Sum> sums(View view, long session, long serial) {
        return view
                .list(
                        Table.SUMMARIES,
                        AnnotationRows.firstSumKey(session, serial),
                        AnnotationRows.sumsEnd(session, serial),
                        AnnotationMachine.MAX_NAMES)
                .stream()
                .map(row -> AnnotationRows.sum(row.value()))
                .toList();
    }

    private static void put(Map<String, Map<String, Tally>> types, Sum sum, Tally tally) {
        types.computeIfAbsent(sum.type(), type -> new LinkedHashMap<>()).put(sum.name(), tally);
    }

    /** What the annotations of a message come to. */
    public Summaries summaries(SessionState session, long serial) {
        try (Moment now = store.snapshot()) {
            return summaries(now, session.id(), serial);
        }
    }

    /** What the annotations of one client come to, also if the client is not listed in the summaries of all. */
    public Summaries summaries(SessionState session, long serial, String clientId) {
        Map<String, Map<String, Tally>> types = new LinkedHashMap<>();
        try (Moment now = store.snapshot()) {
            for (Sum sum : sums(now, session.id(), serial)) {
                byte[] part = now.get(
                        Table.SUMMARIES,
                        AnnotationRows.partKey(session.id(), serial, sum.type(), sum.name(), clientId));
                if (part != null) {
                    long count = AnnotationRows.part(part);
                    put(types, sum, new Tally(count, 0, 1, Map.of(clientId, count)));
                }
            }
        }
        return new Summaries(types);
    }

    /** The annotations of a message from {@code from} on, those that take one back included, oldest first. */
    public Page<AnnotationEntry> annotations(SessionState session, long serial, long from, int limit, int maxBytes) {
        var page = new Gathered<AnnotationEntry>(limit, maxBytes);
        try (Rows rows = store.scan(
                Table.ANNOTATIONS,
                AnnotationRows.annotationKey(session.id(), serial, from),
                AnnotationRows.annotationKey(session.id(), serial + 1, 0))) {
            Row row = rows.next();
            while (row != null && page.takes(AnnotationRows.annotation(row.key(), row.value()))) {
                row = rows.next();
            }
        }
        return page.page();
    }

    /** What members did, by position. */
    public Page<PresenceEntry> presence(SessionState session, Range positions, int limit, int maxBytes) {
        var page = new Gathered<PresenceEntry>(limit, maxBytes);
        try (Rows rows = scan(store, Table.PRESENCE, session.id(), positions)) {
            Row row = rows.next();
            while (row != null && page.takes(SessionRows.presence(row.value()))) {
                row = rows.next();
            }
        }
        return page.page();
    }

    /** Who is there now, each as PRESENT with the id and position of what it did last. */
    public List<PresenceEntry> members(SessionState session) {
        List<PresenceEntry> found = new ArrayList<>();
        try (Rows rows =
                store.scan(Table.MEMBERS, SessionRows.idKey(session.id()), SessionRows.idKey(session.id() + 1))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                found.add(SessionRows.presence(row.value()).present());
            }
        }
        return found;
    }

    /**
     * A page of who is there now, in an order that stays the same while some come and go.
     *
     * @param after the last one of the page before; null: from the beginning
     * @param wanted whom it is about
     */
    public Page<PresenceEntry> members(
            SessionState session, @Nullable Member after, Predicate<PresenceEntry> wanted, int limit, int maxBytes) {
        var page = new Gathered<PresenceEntry>(limit, maxBytes);
        byte[] from = SessionRows.idKey(session.id());
        if (after != null) {
            byte[] last = SessionRows.memberKey(session.id(), after.connectionId(), after.clientId());
            // The next key that there can be.
            from = Arrays.copyOf(last, last.length + 1);
        }
        try (Rows rows = store.scan(Table.MEMBERS, from, SessionRows.idKey(session.id() + 1))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                PresenceEntry member = SessionRows.presence(row.value()).present();
                if (wanted.test(member) && !page.takes(member)) {
                    break;
                }
            }
        }
        return page.page();
    }

    /**
     * Objects of a session.
     *
     * @param session id of the session that has them, or 0 if there is none
     * @param next where the next page begins, or null behind the last one
     * @param last the end of the log at that moment: what happened up to here is in them
     */
    public record ObjectPage(long session, List<ObjectPart> parts, byte @Nullable [] next, long last) {}

    /**
     * A page of all objects, deleted ones that are kept included. The root is in the first one, also of a session that
     * does not exist.
     *
     * @param from what the page before gave as {@code next}, or null for the first
     */
    public ObjectPage objects(SessionName name, byte @Nullable [] from, int maxBytes) {
        try (Moment now = store.snapshot()) {
            SessionState state = find(name, now);
            if (state == null) {
                return new ObjectPage(
                        0, List.of(new ObjectPart(ObjectState.MapState.ROOT, new TreeMap<>())), null, Positions.START);
            }
            StoredObjects.Page page = StoredObjects.page(now, state.id(), from, maxBytes);
            return new ObjectPage(state.id(), page.parts(), page.next(), state.last());
        }
    }

    /** What {@code read} finds in the objects of a session, all at one moment. */
    public <T> T objects(SessionState session, Function<ObjectTable, T> read) {
        try (Moment now = store.snapshot()) {
            return read.apply(StoredObjects.in(now, session.id()));
        }
    }

    /** Runs of the session that have not ended. */
    public List<Run> runs(SessionState session) {
        List<Run> found = new ArrayList<>();
        try (Rows rows = store.scan(Table.RUNS, RunRows.runKey(session.id(), ""), RunRows.cancelKey(session.id(), 0))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                found.add(RunRows.run(row.value()));
            }
        }
        return found;
    }

    /**
     * Messages by which somebody wants a run to end that has not ended, or not begun; the oldest first.
     *
     * @param serials which of them are meant; their order is of no account
     */
    public Page<MessageEntry> cancels(SessionState session, Range serials, int maxBytes) {
        var page = new Gathered<MessageEntry>(Integer.MAX_VALUE, maxBytes);
        try (Rows rows = store.scan(
                Table.RUNS,
                RunRows.cancelKey(session.id(), serials.from()),
                RunRows.cancelKey(session.id(), Math.max(serials.from(), behind(serials.to()))))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                MessageEntry message = message(session, RunRows.cancelSerial(row.key()));
                if (message != null && !page.takes(message)) {
                    break;
                }
            }
        }
        return page.page();
    }

    /** Whether it is known what is to be said of a run. It is not if the run began before format 2. */
    public boolean isDescribed(SessionState session, String runId) {
        return store.get(Table.RUNS, RunRows.textsKey(session.id(), runId)) != null;
    }

    /** What is due at {@code now} for connections that were lost, at most {@code limit} commands. */
    public List<Depart> departures(long now, int limit) {
        return store.list(Table.DEPARTURES, FIRST_ROW, AttendanceRows.departuresEnd(now), limit).stream()
                .map(row -> AttendanceRows.departure(row.value(), now))
                .toList();
    }

    /** The greatest epoch that a connection has had in any session, or 0. */
    public long newestEpoch() {
        long newest = 0;
        try (Rows rows = store.scan(Table.ATTENDANCES, FIRST_ROW, AFTER_LAST_KEY)) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                newest = Math.max(newest, AttendanceRows.attendance(row.value()).epoch());
            }
        }
        return newest;
    }

    /** All runs at which somebody works: after a restart somebody has to watch them. */
    public List<Run> runsAtWork() {
        List<Run> found = new ArrayList<>();
        try (Rows rows = store.scan(Table.RUNS, FIRST_ROW, AFTER_LAST_KEY)) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                if (RunRows.isRun(row.key())) {
                    Run run = RunRows.run(row.value());
                    if (!run.suspended() && run.connectionId() != null) {
                        found.add(run);
                    }
                }
            }
        }
        return found;
    }

    /** Everybody who is anywhere, once for each session and connection: after a restart somebody has to watch them. */
    public List<Membership> memberships() {
        Set<Membership> found = new LinkedHashSet<>();
        try (Rows rows = store.scan(Table.SESSIONS, FIRST_ROW, AFTER_LAST_KEY)) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                SessionState state = SessionRows.session(row.value());
                if (state.members() > 0) {
                    members(state).forEach(m -> found.add(new Membership(state.name(), m.connectionId())));
                }
            }
        }
        return List.copyOf(found);
    }

    /**
     * Whose requests are remembered, once for each session and connection, at most {@code limit}: after a restart somebody
     * has to forget them.
     */
    public List<Membership> requesters(int limit) {
        Map<Long, List<String>> found = new HashMap<>();
        byte[] from = FIRST_ROW;
        for (int count = 0; count < limit; count++) {
            Requester next;
            try (Rows rows = store.scan(Table.REQUESTS, from, AFTER_LAST_KEY)) {
                Row row = rows.next();
                if (row == null) {
                    break;
                }
                next = SessionRows.requester(row.key());
            }
            found.computeIfAbsent(next.session(), id -> new ArrayList<>()).add(next.connectionId());
            from = SessionRows.connectionEnd(next.session(), next.connectionId());
        }
        List<Membership> requesters = new ArrayList<>();
        try (Rows rows = store.scan(Table.SESSIONS, FIRST_ROW, AFTER_LAST_KEY)) {
            for (Row row = rows.next(); row != null && !found.isEmpty(); row = rows.next()) {
                SessionState state = SessionRows.session(row.value());
                List<String> connections = found.remove(state.id());
                if (connections != null) {
                    connections.forEach(id -> requesters.add(new Membership(state.name(), id)));
                }
            }
        }
        return requesters;
    }

    /**
     * What has happened in a session since {@code position}, at one moment; or null if it is another session by now, or
     * what came after {@code position} is gone.
     *
     * @param maxBytes weight after which no further entry is begun
     */
    public @Nullable Part since(SessionName name, long id, long position, int maxBytes) {
        try (Moment now = store.snapshot()) {
            SessionState state = find(name, now);
            if (state == null || state.id() != id || position < state.horizon()) {
                return null;
            }
            List<SessionEntry> entries = new ArrayList<>();
            long bytes = 0;
            try (Rows rows = scan(now, Table.LOG, id, new Range(position + 1, state.last(), false))) {
                for (Row row = rows.next(); row != null; row = rows.next()) {
                    if (bytes >= maxBytes) {
                        return new Part(entries, entries.getLast().position(), state.last());
                    }
                    SessionEntry entry = entry(now, id, row);
                    entries.add(entry);
                    bytes += entry.weight();
                }
            }
            return new Part(entries, state.last(), state.last());
        }
    }

    private static SessionEntry entry(View view, long session, Row logged) {
        switch (SessionRows.logged(logged.value())) {
            case Logged.Message(long serial) -> {
                Message message = find(view, session, serial);
                if (message != null) {
                    return whole(view, session, message);
                }
            }
            case Logged.Presence p -> {
                byte[] event = view.get(Table.PRESENCE, logged.key());
                if (event != null) {
                    return SessionRows.presence(event);
                }
            }
            case Logged.Annotation(long serial) -> {
                byte[] key = AnnotationRows.annotationKey(session, serial, SessionRows.position(logged.key()));
                byte[] annotation = view.get(Table.ANNOTATIONS, key);
                if (annotation != null) {
                    return AnnotationRows.annotation(key, annotation);
                }
            }
            case Logged.Summary(long serial) -> {
                Message message = find(view, session, serial);
                if (message != null) {
                    return message.head().summary(SessionRows.position(logged.key()), summaries(view, session, serial));
                }
            }
        }
        throw new IllegalStateException("the log of session " + session + " names what is not there");
    }

    /** A row of a table that was looked at, so that the next look goes on behind it. */
    public record Growing(List<Compact> idle, byte @Nullable [] next) {}

    /**
     * Commands for messages in pieces that have not grown since {@code before}.
     *
     * @param from where the last look ended, or null to begin
     * @param limit how many messages are looked at
     */
    public Growing idle(byte @Nullable [] from, long before, long now, int limit) {
        List<Compact> idle = new ArrayList<>();
        int seen = 0;
        try (Rows rows =
                store.scan(Table.GROWING, from == null ? FIRST_ROW : from, SessionRows.idKey(Long.MAX_VALUE))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                if (seen++ == limit) {
                    return new Growing(idle, row.key());
                }
                byte[] message = store.get(Table.MESSAGES, row.key());
                if (message != null) {
                    Head head = SessionRows.message(row.key(), message).head();
                    if (Positions.millis(head.version()) < before) {
                        idle.add(new Compact(SessionRows.growing(row.value()), now, head.serial(), head.version()));
                    }
                }
            }
        }
        return new Growing(idle, null);
    }
}
