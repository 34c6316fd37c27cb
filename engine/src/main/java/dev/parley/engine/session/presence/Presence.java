package dev.parley.engine.session.presence;

import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Membership;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PageBuilder;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.log.SessionStates;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The members of sessions, and presence events, as readers see them. Thread-safe; reads block on the disk. */
public final class Presence {
    private final Store store;

    /** Reads from {@code store}. */
    public Presence(Store store) {
        this.store = store;
    }

    /** Identifies a member of a session. */
    public record Member(String connectionId, String clientId) {}

    /** Presence events by position. */
    public Page<PresenceEntry> events(SessionState session, PositionRange positions, int limit, int maxBytes) {
        var page = new PageBuilder<PresenceEntry>(limit, maxBytes);
        try (Rows rows = positions.scan(store, Table.PRESENCE, session.id())) {
            Row row = rows.next();
            while (row != null && page.takes(PresenceRows.presence(row.value()))) {
                row = rows.next();
            }
        }
        return page.page();
    }

    /** The present members, each as PRESENT with the id and position of its last event. */
    public List<PresenceEntry> members(SessionState session) {
        List<PresenceEntry> found = new ArrayList<>();
        forEachMember(store, session.id(), found::add);
        return found;
    }

    /** Whether a session has a member that is none of these clients. */
    public boolean isAnyBut(SessionState session, Set<String> clientIds) {
        return isAnyBut(store, session, clientIds);
    }

    static boolean isAnyBut(View view, SessionState session, Set<String> clientIds) {
        try (Rows rows =
                view.scan(Table.MEMBERS, SessionRows.idKey(session.id()), SessionRows.idKey(session.id() + 1))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                if (!clientIds.contains(PresenceRows.presence(row.value()).clientId())) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Calls {@code action} with the members that {@code view} shows, each as PRESENT. */
    public static void forEachMember(View view, long session, Consumer<PresenceEntry> action) {
        try (Rows rows = view.scan(Table.MEMBERS, SessionRows.idKey(session), SessionRows.idKey(session + 1))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                action.accept(PresenceRows.presence(row.value()).present());
            }
        }
    }

    /**
     * A page of the present members, in an order that stays the same while members come and go.
     *
     * @param after the last member of the previous page; null for the first page
     * @param wanted selects the members
     */
    public Page<PresenceEntry> members(
            SessionState session, @Nullable Member after, Predicate<PresenceEntry> wanted, int limit, int maxBytes) {
        var page = new PageBuilder<PresenceEntry>(limit, maxBytes);
        byte[] from = SessionRows.idKey(session.id());
        if (after != null) {
            byte[] last = PresenceRows.memberKey(session.id(), after.connectionId(), after.clientId());
            // The next possible key.
            from = Arrays.copyOf(last, last.length + 1);
        }
        try (Rows rows = store.scan(Table.MEMBERS, from, SessionRows.idKey(session.id() + 1))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                PresenceEntry member = PresenceRows.presence(row.value()).present();
                if (wanted.test(member) && !page.takes(member)) {
                    break;
                }
            }
        }
        return page.page();
    }

    /**
     * All connections that have members, once for each session: after a restart, the server has to treat these
     * connections as lost.
     */
    public List<Membership> memberships() {
        Set<Membership> found = new LinkedHashSet<>();
        SessionStates.forEach(store, state -> {
            if (state.members() > 0) {
                members(state).forEach(m -> found.add(new Membership(state.name(), m.connectionId())));
            }
        });
        return List.copyOf(found);
    }

    /** Whether the session has a presence event in a range. */
    public boolean isAny(SessionState session, PositionRange positions) {
        try (Rows rows = positions.scan(store, Table.PRESENCE, session.id())) {
            return rows.nextKey() != null;
        }
    }

    /** The event at a position of the log, as {@code view} shows it, or null. */
    public static @Nullable PresenceEntry find(View view, long session, long position) {
        byte[] event = view.get(Table.PRESENCE, SessionRows.positionKey(session, position));
        return event == null ? null : PresenceRows.presence(event);
    }
}
