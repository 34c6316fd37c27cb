package dev.parley.engine.session.machine;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Tombstone;
import dev.parley.engine.session.annotation.Annotations;
import dev.parley.engine.session.attendance.Attendances;
import dev.parley.engine.session.control.Controls;
import dev.parley.engine.session.erasure.Erasures;
import dev.parley.engine.session.log.IndexTx;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.log.SessionIndex;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.log.SessionRows.Logged;
import dev.parley.engine.session.log.SessionStates;
import dev.parley.engine.session.message.Messages;
import dev.parley.engine.session.notify.Notifications;
import dev.parley.engine.session.object.SharedObjects;
import dev.parley.engine.session.presence.Presence;
import dev.parley.engine.session.profile.Profiles;
import dev.parley.engine.session.remembered.Remembered;
import dev.parley.engine.session.request.Requests;
import dev.parley.engine.session.run.Runs;
import dev.parley.engine.session.run.Silences;
import dev.parley.engine.session.wake.Wakes;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Moment;
import dev.parley.engine.store.Store.Range;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The sessions as readers see them: durable and applied. Thread-safe; reads block on the disk.
 *
 * <p>States of recently changed sessions are kept in memory. The store has all states.
 */
public final class Sessions {
    /** The order of names in {@link #list}: by code points, which is not that of {@link String#compareTo}. */
    public static final Comparator<String> BY_NAME = Sessions::compareNames;

    /** Tables whose keys begin with the session's id. */
    static final List<Table> TABLES_BY_ID = List.of(
            Table.LOG,
            Table.MESSAGES,
            Table.VERSIONS,
            Table.GROWING,
            Table.MESSAGE_IDS,
            Table.MEMBERS,
            Table.PRESENCE,
            Table.REMEMBERED,
            Table.ATTENDANCES,
            Table.ANNOTATIONS,
            Table.SUMMARIES,
            Table.OBJECTS,
            Table.OBJECT_IDS,
            Table.RUNS,
            Table.CONTROLS,
            Table.PROFILES,
            Table.AGENTS,
            Table.WAKES,
            Table.ASKED,
            Table.NOTIFICATIONS);

    private final Store store;
    private final SessionStates states;
    private final Messages messages;
    private final Annotations annotations;
    private final Presence presence;
    private final SharedObjects objects;
    private final Runs runs;
    private final Silences silences;
    private final Remembered remembered;
    private final Attendances attendances;
    private final Controls controls;
    private final SessionIndex index;
    private final Profiles profiles;
    private final Wakes wakes;
    private final Erasures erasures;
    private final Requests requests;
    private final Changes changes;
    private final Notifications notifications;

    /**
     * Reads from {@code store}.
     *
     * @param maxCached the greatest number of states in memory
     */
    public Sessions(Store store, int maxCached) {
        this.store = store;
        this.states = new SessionStates(store, maxCached);
        this.messages = new Messages(store, Annotations::summaries);
        this.annotations = new Annotations(store);
        this.presence = new Presence(store);
        this.objects = new SharedObjects(store);
        this.runs = new Runs(store, messages);
        this.silences = new Silences(store);
        this.remembered = new Remembered(store, maxCached);
        this.attendances = new Attendances(store);
        this.controls = new Controls(store);
        this.index = new SessionIndex(store);
        this.profiles = new Profiles(store);
        this.wakes = new Wakes(store);
        this.erasures = new Erasures(store);
        this.requests = new Requests(store);
        this.changes = new Changes(store, this);
        this.notifications = new Notifications(store);
    }

    /**
     * The entries after a place in the log.
     *
     * @param entries of messages, only the newest version, whole
     * @param to the position up to which everything has been read
     * @param last the end of the log at that moment
     */
    public record Part(List<SessionEntry> entries, long to, long last) {}

    /** The states of sessions. */
    SessionStates states() {
        return states;
    }

    /** The messages. */
    public Messages messages() {
        return messages;
    }

    /** The annotations of messages. */
    public Annotations annotations() {
        return annotations;
    }

    /** The members and presence events. */
    public Presence presence() {
        return presence;
    }

    /** The shared objects. */
    public SharedObjects objects() {
        return objects;
    }

    /** The runs of agents. */
    public Runs runs() {
        return runs;
    }

    /** When the agents of runs were heard. */
    public Silences silences() {
        return silences;
    }

    /** What is remembered of the requests of connections. */
    public Remembered remembered() {
        return remembered;
    }

    /** What lost connections have left in sessions. */
    public Attendances attendances() {
        return attendances;
    }

    /** When controls go back to agents. */
    public Controls controls() {
        return controls;
    }

    /** What sessions are found by. */
    public SessionIndex index() {
        return index;
    }

    /** What was said about sessions that were made explicitly. */
    public Profiles profiles() {
        return profiles;
    }

    /** What applications are to be told. */
    public Notifications notifications() {
        return notifications;
    }

    /** What copies of sessions lack. */
    public Changes changes() {
        return changes;
    }

    /** The agents of sessions, and what they have to do. */
    public Wakes wakes() {
        return wakes;
    }

    /** What people are asked. */
    public Requests requests() {
        return requests;
    }

    /** What remains of sessions that were erased. */
    public Erasures erasures() {
        return erasures;
    }

    /** The ranges of keys in which the store may have had something of a session, and has nothing of others. */
    public List<Range> rangesOf(SessionName name, long session) {
        List<Range> ranges = new ArrayList<>(IndexTx.rangesOf(session));
        for (Table table : TABLES_BY_ID) {
            ranges.add(new Range(table, SessionRows.idKey(session), SessionRows.idKey(session + 1)));
        }
        for (Table table : List.of(Table.INHERITED, Table.NOTIFIED)) {
            ranges.add(new Range(table, SessionRows.idKey(session), SessionRows.idKey(session + 1)));
        }
        ranges.addAll(Requests.rangesOf(name));
        byte[] key = SessionRows.sessionKey(name.key());
        ranges.add(new Range(Table.SESSIONS, key, Arrays.copyOf(key, key.length + 1)));
        return ranges;
    }

    /** The ranges of keys in which the store may have had something of sessions in {@code apps}, and has something of others. */
    public List<Range> rangesSharedIn(Set<String> apps) {
        List<Range> ranges = new ArrayList<>();
        apps.forEach(app -> ranges.addAll(IndexTx.rangesSharedIn(app)));
        // The ids of agents, of requests, of runs and of notifications are in them.
        ranges.add(Wakes.times());
        ranges.add(Requests.times());
        ranges.add(Silences.times());
        ranges.add(Notifications.times());
        return ranges;
    }

    /** The session, or null if there is none. */
    public @Nullable SessionState find(SessionName name) {
        return states.find(name);
    }

    /** The session for a reader that was told of an entry at {@code position}. */
    public @Nullable SessionState find(SessionName name, long position) {
        return states.find(name, position);
    }

    /**
     * The sessions of an app whose names begin with {@code prefix} and come after {@code after}, in the order {@link
     * #BY_NAME}.
     */
    public List<SessionState> list(String app, String prefix, String after, int limit) {
        return states.list(app, prefix, after, limit);
    }

    private static int compareNames(String a, String b) {
        int length = Math.min(a.length(), b.length());
        for (int i = 0; i < length; i++) {
            char one = a.charAt(i);
            char other = b.charAt(i);
            if (one != other) {
                // A surrogate is a part of a character that is greater than all single ones.
                boolean beyond = Character.isSurrogate(one);
                return beyond == Character.isSurrogate(other) ? Character.compare(one, other) : beyond ? 1 : -1;
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    /** Whether the session has nothing in it, and nothing is remembered for it. */
    public boolean isEmpty(SessionState session) {
        try (Moment now = store.snapshot()) {
            return isEmpty(now, session.id());
        }
    }

    static boolean isEmpty(View view, long session) {
        return TABLES_BY_ID.stream()
                .allMatch(table -> view.isEmpty(table, SessionRows.idKey(session), SessionRows.idKey(session + 1)));
    }

    /**
     * Whether the session has an entry from before {@code millis}, in milliseconds since 1970, that a Trim can remove.
     */
    public boolean hasOlder(SessionState session, long millis) {
        if (millis <= 0) {
            return false;
        }
        var old = new PositionRange(session.horizon() + 1, Positions.startOf(millis) - 1, false);
        return old.from() <= old.to() && (messages.isAny(session, old) || presence.isAny(session, old));
    }

    /** Whether the session has a decision, or a change of control, from before {@code millis}, in milliseconds since 1970. */
    public boolean hasOlderDecisions(SessionState session, long millis) {
        long last = Positions.startOf(millis) - 1;
        return millis > 0 && (requests.isAnyClosed(session, last) || controls.isAny(session, last));
    }

    /**
     * The entries of a session after {@code position}, all at one moment. Returns null if the name belongs to another
     * session by now, or entries after {@code position} were removed.
     *
     * @param maxBytes the weight after which no further entry is begun
     */
    public @Nullable Part since(SessionName name, long id, long position, int maxBytes) {
        try (Moment now = store.snapshot()) {
            SessionState state = SessionStates.find(name, now);
            return state == null
                            || state.id() != id
                            || (position < state.horizon() && !isBeginning(state, position, now))
                    ? null
                    : since(now, state, position, maxBytes);
        }
    }

    /**
     * The first entries of a session that nothing has removed, all at one moment. Returns null if the name belongs to another
     * session by now.
     *
     * @param maxBytes as in {@link #since}
     */
    public @Nullable Part first(SessionName name, long id, int maxBytes) {
        try (Moment now = store.snapshot()) {
            SessionState state = SessionStates.find(name, now);
            return state == null || state.id() != id ? null : since(now, state, state.horizon(), maxBytes);
        }
    }

    /** The entries after {@code position}, as {@code now} shows them. Nothing after it was removed. */
    Part since(View now, SessionState state, long position, int maxBytes) {
        List<SessionEntry> entries = new ArrayList<>();
        long bytes = 0;
        try (Rows rows = new PositionRange(position + 1, state.last(), false).scan(now, Table.LOG, state.id())) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                if (bytes >= maxBytes) {
                    return new Part(
                            entries,
                            entries.isEmpty() ? position : entries.getLast().position(),
                            state.last());
                }
                SessionEntry entry = entry(now, state.id(), row);
                entries.add(entry);
                bytes += entry.weight();
            }
        }
        return new Part(entries, state.last(), state.last());
    }

    /**
     * Whether a session has everything that it ever had after {@code position}, although that is before its horizon: it begins where an
     * erased one of its name has ended, and the reader has come before.
     */
    private static boolean isBeginning(SessionState state, long position, View view) {
        Tombstone before = position == Positions.START ? Erasures.of(state.name(), view) : null;
        return before != null && before.end() == state.horizon();
    }

    private SessionEntry entry(View view, long session, Row logged) {
        long position = SessionRows.position(logged.key());
        SessionEntry entry = switch (SessionRows.logged(logged.value())) {
            case Logged.Message(long serial) -> messages.find(view, session, serial);
            case Logged.Presence p -> Presence.find(view, session, position);
            case Logged.Annotation(long serial) -> Annotations.find(view, session, serial, position);
            case Logged.Summary(long serial) -> Annotations.summary(view, session, serial, position);
        };
        if (entry == null) {
            throw new IllegalStateException("the log of session " + session + " names what is not there");
        }
        return entry;
    }
}
