package dev.parley.engine.session.presence;

import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.log.SessionRows.Logged;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Members and presence events as a batch of commands sees and changes them. Not thread-safe. */
public final class PresenceTx {
    private final SessionBatch batch;
    private final StoreTx rows;

    /** Starts in {@code batch}. */
    public PresenceTx(SessionBatch batch) {
        this.batch = batch;
        this.rows = batch.rows();
    }

    /** The batch. */
    public SessionBatch batch() {
        return batch;
    }

    @Nullable
    PresenceEntry member(SessionState s, String connectionId, String clientId) {
        byte[] row = rows.get(Table.MEMBERS, PresenceRows.memberKey(s.id(), connectionId, clientId));
        return row == null ? null : PresenceRows.presence(row);
    }

    /** The members of a connection. */
    public List<PresenceEntry> members(SessionState s, String connectionId) {
        return rows
                .list(
                        Table.MEMBERS,
                        SessionRows.connectionKey(s.id(), connectionId),
                        SessionRows.connectionEnd(s.id(), connectionId),
                        Integer.MAX_VALUE)
                .stream()
                .map(row -> PresenceRows.presence(row.value()))
                .toList();
    }

    /** Whether the number of members in {@code s} is that of the rows. */
    boolean countsItsMembers(SessionState s) {
        return rows.list(Table.MEMBERS, SessionRows.idKey(s.id()), SessionRows.idKey(s.id() + 1), Integer.MAX_VALUE)
                        .size()
                == s.members();
    }

    /** Whether there is a member that is none of these clients. */
    public boolean isAnyBut(SessionState s, Set<String> clientIds) {
        return Presence.isAnyBut(rows, s, clientIds);
    }

    /** The clients that are members. */
    public Set<String> clientIds(SessionState s) {
        Set<String> clientIds = new HashSet<>();
        Presence.forEachMember(rows, s.id(), member -> clientIds.add(member.clientId()));
        return clientIds;
    }

    /** Adds an event of a member. */
    void add(SessionState s, PresenceEntry entry) {
        byte[] row = PresenceRows.presence(entry);
        batch.log(s, entry.position(), new Logged.Presence());
        rows.put(Table.PRESENCE, SessionRows.positionKey(s.id(), entry.position()), row);
        byte[] member = PresenceRows.memberKey(s.id(), entry.connectionId(), entry.clientId());
        if (entry.action() == PresenceEntry.Action.LEAVE) {
            rows.remove(Table.MEMBERS, member);
        } else {
            rows.put(Table.MEMBERS, member, row);
            batch.index().participate(s, entry.clientId());
        }
    }

    /** Whether a connection has members in the session. */
    public boolean isAny(SessionState s, String connectionId) {
        return !rows.isEmpty(
                Table.MEMBERS,
                SessionRows.connectionKey(s.id(), connectionId),
                SessionRows.connectionEnd(s.id(), connectionId));
    }

    /** Removes the events up to {@code upTo}; members stay. */
    public void remove(SessionState s, long upTo) {
        rows.removeRange(Table.PRESENCE, SessionRows.idKey(s.id()), SessionRows.positionKey(s.id(), upTo + 1));
    }
}
