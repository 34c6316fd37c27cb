package dev.parley.engine.session;

import dev.parley.engine.session.AnnotationRows.Sum;
import dev.parley.engine.session.AnnotationRows.Totals;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.RunNote.Cancel;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionRows.Logged;
import dev.parley.engine.session.SessionRows.Message;
import dev.parley.engine.session.SessionRows.Version;
import dev.parley.engine.session.object.ObjectDraft;
import dev.parley.engine.session.object.StoredObjects;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The sessions as a batch of commands sees and changes them. Nobody else sees the changes before {@link #publish()}, which
 * follows the write of the batch. Not thread-safe.
 */
public final class SessionTx {
    /**
     * An entry that was added.
     *
     * @param before position of the entry before it in the session's log, or 0
     */
    public record Added(SessionName session, long before, SessionEntry entry) {}

    /** Requests of a connection: how many are kept, and the greatest number among them. */
    record Requests(int count, long newest) {
        static final Requests NONE = new Requests(0, -1);
    }

    /**
     * The oldest messages of a session.
     *
     * @param bytes roughly what they take
     */
    record Oldest(List<Head> messages, long bytes) {}

    /** Whose requests. */
    record Requester(long session, String connectionId) {}

    private final Sessions sessions;
    private final StoreTx rows;
    private final Map<SessionName, Optional<SessionState>> changed = new LinkedHashMap<>();
    private final Map<Requester, Requests> requests = new HashMap<>();
    private final List<Added> added = new ArrayList<>();

    /** Begins over what {@code sessions} shows, writing to {@code rows}. */
    public SessionTx(Sessions sessions, StoreTx rows) {
        this.sessions = sessions;
        this.rows = rows;
    }

    /** Entries added so far, oldest first. */
    public List<Added> added() {
        return added;
    }

    /** Sessions changed so far; an absent state is a session that is gone. */
    public Map<SessionName, Optional<SessionState>> changed() {
        return changed;
    }

    /** Adds what the sessions have become to the batch; everything in them is in it already. */
    public void write() {
        changed.forEach((name, state) -> {
            byte[] key = SessionRows.sessionKey(name.key());
            state.ifPresentOrElse(
                    put -> rows.append(Table.SESSIONS, key, SessionRows.session(put)),
                    () -> rows.remove(Table.SESSIONS, key));
        });
    }

    /** Makes the changes visible to readers. The batch must have been written. */
    public void publish() {
        changed.forEach((name, state) -> sessions.publish(name, state.orElse(null)));
        requests.forEach(sessions::publish);
    }

    @Nullable
    SessionState find(SessionName name) {
        Optional<SessionState> state = changed.get(name);
        return state == null ? sessions.find(name) : state.orElse(null);
    }

    SessionState put(SessionState state) {
        changed.put(state.name(), Optional.of(state));
        return state;
    }

    void remove(SessionState s) {
        changed.put(s.name(), Optional.empty());
        byte[] from = SessionRows.idKey(s.id());
        byte[] to = SessionRows.idKey(s.id() + 1);
        try (Rows attendances = rows.scan(Table.ATTENDANCES, from, to)) {
            for (Row row = attendances.next(); row != null; row = attendances.next()) {
                removeDeparture(
                        s, SessionRows.requester(row.key()).connectionId(), AttendanceRows.attendance(row.value()));
            }
        }
        for (Table table : Sessions.TABLES_BY_ID) {
            rows.removeRange(table, from, to);
        }
    }

    /** Whether there is nothing in the session, nor remembered for it. */
    boolean isEmpty(SessionState s) {
        return Sessions.isEmpty(rows, s.id());
    }

    /** Shows an entry, which follows the newest one of {@code s}, and returns the state after it. */
    SessionState add(SessionState s, SessionEntry entry) {
        assert entry.position() > s.last() : "entry " + entry.position() + " after " + s.last();
        added.add(new Added(s.name(), s.last(), entry));
        return s.withLast(entry.position());
    }

    // Requests that were accepted.

    private Requests requests(Requester requester) {
        Requests known = requests.get(requester);
        return known == null ? sessions.requests(requester) : known;
    }

    /** The outcome of a request that was accepted before, or null if there is none. */
    @Nullable
    List<Long> outcome(SessionState s, Sender sender, int operations) {
        Requests known = requests(new Requester(s.id(), sender.connectionId()));
        if (sender.msgSerial() > known.newest()) {
            return null;
        }
        byte[] row =
                rows.get(Table.REQUESTS, SessionRows.requestKey(s.id(), sender.connectionId(), sender.msgSerial()));
        if (row != null) {
            return SessionRows.positions(row);
        }
        if (known.count() < Sessions.KEPT_REQUESTS || sender.msgSerial() > oldest(s, sender.connectionId())) {
            return null;
        }
        return Collections.nCopies(operations, 0L);
    }

    private long oldest(SessionState s, String connectionId) {
        return SessionRows.msgSerial(keptRequests(s, connectionId, 1).getFirst().key());
    }

    private List<Row> keptRequests(SessionState s, String connectionId, int limit) {
        return rows.list(
                Table.REQUESTS,
                SessionRows.connectionKey(s.id(), connectionId),
                SessionRows.connectionEnd(s.id(), connectionId),
                limit);
    }

    void keep(SessionState s, Sender sender, List<Long> positions) {
        Requester requester = new Requester(s.id(), sender.connectionId());
        Requests known = requests(requester);
        byte[] key = SessionRows.requestKey(s.id(), sender.connectionId(), sender.msgSerial());
        boolean added = sender.msgSerial() > known.newest() || rows.get(Table.REQUESTS, key) == null;
        rows.put(Table.REQUESTS, key, SessionRows.positions(positions));
        int count = known.count() + (added ? 1 : 0);
        if (count == 2 * Sessions.KEPT_REQUESTS) {
            // Half of them at once, so that the search for the oldest is rare.
            keptRequests(s, sender.connectionId(), Sessions.KEPT_REQUESTS)
                    .forEach(row -> rows.remove(Table.REQUESTS, row.key()));
            count -= Sessions.KEPT_REQUESTS;
        }
        requests.put(requester, new Requests(count, Math.max(known.newest(), sender.msgSerial())));
    }

    void forgetRequests(SessionState s, String connectionId) {
        keptRequests(s, connectionId, 2 * Sessions.KEPT_REQUESTS)
                .forEach(row -> rows.remove(Table.REQUESTS, row.key()));
        requests.put(new Requester(s.id(), connectionId), Requests.NONE);
    }

    // Connections that were lost.

    @Nullable
    Attendance attendance(SessionState s, String connectionId) {
        byte[] row = rows.get(Table.ATTENDANCES, SessionRows.connectionKey(s.id(), connectionId));
        return row == null ? null : AttendanceRows.attendance(row);
    }

    /** Whether a connection has members in the session, or outcomes of requests are kept for it. */
    boolean hasTraces(SessionState s, String connectionId) {
        byte[] from = SessionRows.connectionKey(s.id(), connectionId);
        byte[] to = SessionRows.connectionEnd(s.id(), connectionId);
        return !rows.isEmpty(Table.MEMBERS, from, to) || !rows.isEmpty(Table.REQUESTS, from, to);
    }

    /** Replaces an attendance; null stands for none. */
    void attend(SessionState s, String connectionId, @Nullable Attendance before, @Nullable Attendance after) {
        byte[] key = SessionRows.connectionKey(s.id(), connectionId);
        if (before != null) {
            removeDeparture(s, connectionId, before);
        }
        if (after == null) {
            rows.remove(Table.ATTENDANCES, key);
            return;
        }
        rows.put(Table.ATTENDANCES, key, AttendanceRows.attendance(after));
        if (after.isLost()) {
            rows.put(
                    Table.DEPARTURES,
                    AttendanceRows.departureKey(after.due(), s.id(), connectionId),
                    AttendanceRows.departure(s.name(), connectionId, after.epoch()));
        }
    }

    private void removeDeparture(SessionState s, String connectionId, Attendance attendance) {
        if (attendance.isLost()) {
            rows.remove(Table.DEPARTURES, AttendanceRows.departureKey(attendance.due(), s.id(), connectionId));
        }
    }

    // Messages.

    /** The serial of the message with a client's own id, or null. */
    @Nullable
    Long serialOf(SessionState s, String messageId) {
        byte[] row = rows.get(Table.MESSAGE_IDS, SessionRows.messageIdKey(s.id(), messageId));
        return row == null ? null : SessionRows.serial(row);
    }

    @Nullable
    Head head(SessionState s, long serial) {
        Message message = message(s, serial);
        return message == null ? null : message.head();
    }

    private @Nullable Message message(SessionState s, long serial) {
        return Sessions.find(rows, s.id(), serial);
    }

    /** The content of a message that is there. */
    Body body(SessionState s, Head head) {
        Body whole = Objects.requireNonNull(message(s, head.serial())).body();
        return whole != null ? whole : Sessions.fold(head, pieces(s, head));
    }

    private List<Version> pieces(SessionState s, Head head) {
        List<Version> found = Sessions.pieces(rows, s.id(), head, head.version());
        assert found.size() == head.pieces() : found.size() + " pieces, and not " + head.pieces();
        return found;
    }

    void create(SessionState s, Head head, Body body) {
        putHead(s, head, body);
        log(s, head);
        if (head.unique() && head.id() != null) {
            rows.put(Table.MESSAGE_IDS, SessionRows.messageIdKey(s.id(), head.id()), SessionRows.serial(head.serial()));
        }
    }

    private void putHead(SessionState s, Head head, @Nullable Body body) {
        rows.put(Table.MESSAGES, SessionRows.positionKey(s.id(), head.serial()), SessionRows.message(head, body));
    }

    private void log(SessionState s, Head head) {
        rows.put(
                Table.LOG,
                SessionRows.positionKey(s.id(), head.version()),
                SessionRows.logged(new Logged.Message(head.serial())));
    }

    private void relog(SessionState s, Head before, Head after) {
        rows.remove(Table.LOG, SessionRows.positionKey(s.id(), before.version()));
        log(s, after);
    }

    private void putVersion(SessionState s, long serial, Version version) {
        rows.put(
                Table.VERSIONS,
                SessionRows.versionKey(s.id(), serial, version.position()),
                SessionRows.version(version));
    }

    private void putWholeVersion(SessionState s, Head head, Action action, Body body) {
        putVersion(s, head.serial(), new Version(head.version(), action, head.previous(), head.operation(), body));
    }

    /** Adds a piece to a message; what it takes does not depend on the message's size. */
    void append(SessionState s, Head before, Head after, Body fragment) {
        if (!before.inPieces()) {
            Action first = before.grown() ? Action.APPEND : before.action();
            putWholeVersion(s, before, first, body(s, before));
            rows.put(Table.GROWING, SessionRows.positionKey(s.id(), after.serial()), SessionRows.growing(s.name()));
        }
        putVersion(
                s,
                after.serial(),
                new Version(after.version(), Action.APPEND, before.version(), after.operation(), fragment));
        putHead(s, after, null);
        relog(s, before, after);
    }

    /** Replaces a message; the version that it had so far becomes an older one. Returns the new content. */
    Body replace(SessionState s, Head before, Head after, Body change) {
        Body old = body(s, before);
        dropPieces(s, before);
        putWholeVersion(s, before, before.action(), old);
        Body now = old.mixedWith(change);
        putHead(s, after, now);
        relog(s, before, after);
        return now;
    }

    /** Joins the pieces of a message. */
    void join(SessionState s, Head before, Head after) {
        Body whole = body(s, before);
        dropPieces(s, before);
        putHead(s, after, whole);
    }

    private void dropPieces(SessionState s, Head head) {
        if (head.inPieces()) {
            byte[] first = SessionRows.versionKey(s.id(), head.serial(), head.base());
            boolean ownVersion = SessionRows.version(first, Objects.requireNonNull(rows.get(Table.VERSIONS, first)))
                            .action()
                    != Action.APPEND;
            rows.removeRange(
                    Table.VERSIONS,
                    ownVersion ? SessionRows.versionKey(s.id(), head.serial(), head.base() + 1) : first,
                    SessionRows.versionKey(s.id(), head.serial() + 1, 0));
            rows.remove(Table.GROWING, SessionRows.positionKey(s.id(), head.serial()));
        }
    }

    // Annotations.

    Totals annotationTotals(SessionState s, long serial) {
        byte[] row = rows.get(Table.SUMMARIES, AnnotationRows.totalsKey(s.id(), serial));
        return row == null ? Totals.NONE : AnnotationRows.totals(row);
    }

    private void putTotals(SessionState s, long serial, Totals totals) {
        rows.put(Table.SUMMARIES, AnnotationRows.totalsKey(s.id(), serial), AnnotationRows.totals(totals));
    }

    /** Adds an annotation to a message that is there. */
    void annotation(SessionState s, AnnotationEntry entry) {
        Message message = Objects.requireNonNull(message(s, entry.serial()));
        if (!message.head().annotated()) {
            putHead(s, message.head().withAnnotations(), message.body());
        }
        rows.put(
                Table.ANNOTATIONS,
                AnnotationRows.annotationKey(s.id(), entry.serial(), entry.position()),
                AnnotationRows.annotation(entry));
        log(s, entry.position(), new Logged.Annotation(entry.serial()));
        putTotals(s, entry.serial(), annotationTotals(s, entry.serial()).plus(entry));
    }

    private void log(SessionState s, long position, Logged logged) {
        rows.put(Table.LOG, SessionRows.positionKey(s.id(), position), SessionRows.logged(logged));
    }

    /** Notes that there is a new summary; the log has only the newest. */
    void summary(SessionState s, long serial, long position) {
        Totals totals = annotationTotals(s, serial);
        if (totals.summary() != 0) {
            rows.remove(Table.LOG, SessionRows.positionKey(s.id(), totals.summary()));
        }
        log(s, position, new Logged.Summary(serial));
        putTotals(s, serial, totals.withSummary(position));
    }

    Summaries summaries(SessionState s, long serial) {
        return Sessions.summaries(rows, s.id(), serial);
    }

    @Nullable
    Sum sum(SessionState s, long serial, String type, String name) {
        byte[] row = rows.get(Table.SUMMARIES, AnnotationRows.sumKey(s.id(), serial, type, name));
        return row == null ? null : AnnotationRows.sum(row);
    }

    /** Sets a sum, or removes it with the last that it had; {@code before} is what it was, or null. */
    void putSum(SessionState s, long serial, @Nullable Sum before, Sum sum) {
        byte[] key = AnnotationRows.sumKey(s.id(), serial, sum.type(), sum.name());
        Totals totals = annotationTotals(s, serial);
        if (sum.total() == 0) {
            if (before != null) {
                rows.remove(Table.SUMMARIES, key);
                putTotals(s, serial, totals.withNames(totals.names() - 1));
            }
            return;
        }
        rows.put(Table.SUMMARIES, key, AnnotationRows.sum(sum));
        if (before == null) {
            putTotals(s, serial, totals.withNames(totals.names() + 1));
        }
    }

    /** How much a client has in a sum. */
    long part(SessionState s, long serial, Sum sum, String clientId) {
        byte[] row =
                rows.get(Table.SUMMARIES, AnnotationRows.partKey(s.id(), serial, sum.type(), sum.name(), clientId));
        return row == null ? 0 : AnnotationRows.part(row);
    }

    void putPart(SessionState s, long serial, Sum sum, String clientId, long count) {
        byte[] key = AnnotationRows.partKey(s.id(), serial, sum.type(), sum.name(), clientId);
        if (count == 0) {
            rows.remove(Table.SUMMARIES, key);
        } else {
            rows.put(Table.SUMMARIES, key, AnnotationRows.part(count));
        }
    }

    /** Which name a client has chosen, or null. */
    @Nullable
    String choice(SessionState s, long serial, String type, String clientId) {
        byte[] row = rows.get(Table.SUMMARIES, AnnotationRows.choiceKey(s.id(), serial, type, clientId));
        return row == null ? null : AnnotationRows.choice(row);
    }

    void choose(SessionState s, long serial, String type, String clientId, @Nullable String name) {
        byte[] key = AnnotationRows.choiceKey(s.id(), serial, type, clientId);
        if (name == null) {
            rows.remove(Table.SUMMARIES, key);
        } else {
            rows.put(Table.SUMMARIES, key, AnnotationRows.choice(name));
        }
    }

    /** Removes what the log has after {@code upTo} about annotations of a message. */
    private void unlogAnnotations(SessionState s, long serial, long upTo) {
        long summary = annotationTotals(s, serial).summary();
        if (summary > upTo) {
            rows.remove(Table.LOG, SessionRows.positionKey(s.id(), summary));
        }
        rows.list(
                        Table.ANNOTATIONS,
                        AnnotationRows.annotationKey(s.id(), serial, upTo + 1),
                        AnnotationRows.annotationKey(s.id(), serial + 1, 0),
                        Integer.MAX_VALUE)
                .forEach(row -> rows.remove(
                        Table.LOG,
                        SessionRows.positionKey(
                                s.id(),
                                AnnotationRows.annotation(row.key(), row.value())
                                        .position())));
    }

    // Presence.

    @Nullable
    PresenceEntry member(SessionState s, String connectionId, String clientId) {
        byte[] row = rows.get(Table.MEMBERS, SessionRows.memberKey(s.id(), connectionId, clientId));
        return row == null ? null : SessionRows.presence(row);
    }

    List<PresenceEntry> members(SessionState s, String connectionId) {
        return rows
                .list(
                        Table.MEMBERS,
                        SessionRows.connectionKey(s.id(), connectionId),
                        SessionRows.connectionEnd(s.id(), connectionId),
                        Integer.MAX_VALUE)
                .stream()
                .map(row -> SessionRows.presence(row.value()))
                .toList();
    }

    /** True if {@code s} counts as many members as it has. */
    boolean countsItsMembers(SessionState s) {
        return rows.list(Table.MEMBERS, SessionRows.idKey(s.id()), SessionRows.idKey(s.id() + 1), Integer.MAX_VALUE)
                        .size()
                == s.members();
    }

    /** Records what a member does. */
    void presence(SessionState s, PresenceEntry entry) {
        byte[] key = SessionRows.positionKey(s.id(), entry.position());
        byte[] row = SessionRows.presence(entry);
        rows.put(Table.LOG, key, SessionRows.logged(new Logged.Presence()));
        rows.put(Table.PRESENCE, key, row);
        byte[] member = SessionRows.memberKey(s.id(), entry.connectionId(), entry.clientId());
        if (entry.action() == PresenceEntry.Action.LEAVE) {
            rows.remove(Table.MEMBERS, member);
        } else {
            rows.put(Table.MEMBERS, member, row);
        }
    }

    // Runs.

    @Nullable
    Run run(SessionState s, String runId) {
        byte[] row = rows.get(Table.RUNS, RunRows.runKey(s.id(), runId));
        return row == null ? null : RunRows.run(row);
    }

    int countRuns(SessionState s, int limit) {
        return rows.list(Table.RUNS, RunRows.runKey(s.id(), ""), RunRows.cancelKey(s.id(), 0), limit)
                .size();
    }

    void putRun(SessionState s, Run run) {
        rows.put(Table.RUNS, RunRows.runKey(s.id(), run.id()), RunRows.run(run));
    }

    void removeRun(SessionState s, String runId) {
        rows.remove(Table.RUNS, RunRows.runKey(s.id(), runId));
        rows.remove(Table.RUNS, RunRows.textsKey(s.id(), runId));
    }

    /** The runs at which a connection works. */
    List<Run> runsOf(SessionState s, String connectionId) {
        return rows
                .list(Table.RUNS, RunRows.runKey(s.id(), ""), RunRows.cancelKey(s.id(), 0), RunMachine.MAX_RUNS)
                .stream()
                .map(row -> RunRows.run(row.value()))
                .filter(run -> !run.suspended() && connectionId.equals(run.connectionId()))
                .toList();
    }

    @Nullable
    RunTexts runTexts(SessionState s, String runId) {
        byte[] row = rows.get(Table.RUNS, RunRows.textsKey(s.id(), runId));
        return row == null ? null : RunRows.texts(row);
    }

    void putRunTexts(SessionState s, String runId, RunTexts texts) {
        rows.put(Table.RUNS, RunRows.textsKey(s.id(), runId), RunRows.texts(texts));
    }

    RunRows.@Nullable Open open(SessionState s, long serial) {
        byte[] row = rows.get(Table.RUNS, RunRows.openKey(s.id(), serial));
        return row == null ? null : RunRows.open(row);
    }

    private List<Row> openRows(SessionState s, int limit) {
        return rows.list(Table.RUNS, RunRows.openKey(s.id(), 0), RunRows.openKey(s.id(), Long.MAX_VALUE), limit);
    }

    int countOpen(SessionState s, int limit) {
        return openRows(s, limit).size();
    }

    /** Messages of a run that are being streamed, by serial. */
    NavigableMap<Long, RunRows.Open> openOf(SessionState s, String runId) {
        NavigableMap<Long, RunRows.Open> found = new TreeMap<>();
        for (Row row : openRows(s, RunMachine.MAX_STREAMING)) {
            RunRows.Open open = RunRows.open(row.value());
            if (open.runId().equals(runId)) {
                found.put(RunRows.openSerial(row.key()), open);
            }
        }
        return found;
    }

    void putOpen(SessionState s, long serial, RunRows.Open open) {
        rows.put(Table.RUNS, RunRows.openKey(s.id(), serial), RunRows.open(open));
    }

    void removeOpen(SessionState s, long serial) {
        rows.remove(Table.RUNS, RunRows.openKey(s.id(), serial));
    }

    /** Cancels that have had no effect yet, by the serials of their messages. */
    NavigableMap<Long, Cancel> cancels(SessionState s) {
        NavigableMap<Long, Cancel> cancels = new TreeMap<>();
        for (Row row : rows.list(
                Table.RUNS,
                RunRows.cancelKey(s.id(), 0),
                RunRows.cancelKey(s.id(), Long.MAX_VALUE),
                RunMachine.MAX_CANCELS)) {
            cancels.put(RunRows.cancelSerial(row.key()), RunRows.cancel(row.value()));
        }
        return cancels;
    }

    void putCancel(SessionState s, long serial, Cancel cancel) {
        rows.put(Table.RUNS, RunRows.cancelKey(s.id(), serial), RunRows.cancel(cancel));
    }

    void removeCancel(SessionState s, long serial) {
        rows.remove(Table.RUNS, RunRows.cancelKey(s.id(), serial));
    }

    // Objects.

    StoredObjects objects(SessionState s) {
        return StoredObjects.in(rows, s.id());
    }

    void changeObjects(SessionState s, ObjectDraft draft) {
        StoredObjects.write(rows, s.id(), draft);
    }

    /** Where changes of objects stand that were made under a client's own id, or null if there are none. */
    @Nullable
    List<Long> objectChanges(SessionState s, String id) {
        byte[] row = rows.get(Table.OBJECT_IDS, SessionRows.objectIdKey(s.id(), id));
        return row == null ? null : SessionRows.positions(row);
    }

    /** Remembers a client's own id for a while, and forgets older ones: more of them than come in. */
    void keepObjectId(SessionState s, String id, List<Long> positions, long time) {
        rows.put(Table.OBJECT_IDS, SessionRows.objectIdKey(s.id(), id), SessionRows.positions(positions));
        rows.put(
                Table.OBJECT_IDS, SessionRows.objectIdAgeKey(s.id(), positions.getFirst()), SessionRows.sessionKey(id));
        long keptSince = Positions.startOf(Math.max(0, time - Sessions.KEPT_OBJECT_IDS_MILLIS));
        for (Row old : rows.list(
                Table.OBJECT_IDS,
                SessionRows.objectIdAgeKey(s.id(), Positions.START),
                SessionRows.objectIdAgeKey(s.id(), keptSince),
                2)) {
            rows.remove(Table.OBJECT_IDS, old.key());
            rows.remove(
                    Table.OBJECT_IDS, SessionRows.objectIdKey(s.id(), new String(old.value(), StandardCharsets.UTF_8)));
        }
    }

    // Retention.

    /**
     * The oldest messages that have to go: those up to {@code upTo}, and further ones while the session takes more than
     * {@code maxBytes}.
     */
    Oldest oldest(SessionState s, long upTo, long maxBytes, int limit) {
        List<Head> found = new ArrayList<>();
        long bytes = 0;
        try (Rows messages = rows.scan(Table.MESSAGES, SessionRows.idKey(s.id()), SessionRows.idKey(s.id() + 1))) {
            while (found.size() < limit) {
                Row row = messages.next();
                Head head = row == null
                        ? null
                        : SessionRows.message(row.key(), row.value()).head();
                if (head == null || (head.serial() > upTo && s.bytes() - bytes <= maxBytes)) {
                    break;
                }
                found.add(head);
                bytes += stored(s, head);
            }
        }
        return new Oldest(found, bytes);
    }

    /** Roughly what a message takes with its annotations, in bytes. */
    private long stored(SessionState s, Head head) {
        return head.stored()
                + (head.annotated() ? annotationTotals(s, head.serial()).bytes() : 0);
    }

    /** Removes what came up to {@code upTo}; {@code messages} are those of it. */
    void trim(SessionState s, long upTo, List<Head> messages) {
        byte[] from = SessionRows.idKey(s.id());
        byte[] to = SessionRows.positionKey(s.id(), upTo + 1);
        messages.stream().filter(Head::annotated).forEach(head -> unlogAnnotations(s, head.serial(), upTo));
        // What the log has up to here is about presence or about one of these messages; of these there may be more.
        for (Table table : List.of(
                Table.LOG, Table.MESSAGES, Table.VERSIONS, Table.PRESENCE, Table.ANNOTATIONS, Table.SUMMARIES)) {
            rows.removeRange(table, from, to);
        }
        for (Head head : messages) {
            if (head.unique() && head.id() != null) {
                rows.remove(Table.MESSAGE_IDS, SessionRows.messageIdKey(s.id(), head.id()));
            }
            if (head.inPieces()) {
                rows.remove(Table.GROWING, SessionRows.positionKey(s.id(), head.serial()));
            }
            if (head.version() > upTo) {
                rows.remove(Table.LOG, SessionRows.positionKey(s.id(), head.version()));
            }
        }
    }
}
