package dev.parley.engine.session.presence;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionOutcome.OfPresence;
import dev.parley.engine.session.SessionOutcome.TooManyMembers;
import dev.parley.engine.session.SessionState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The rules for presence. Pure, like SessionMachine, which calls it. */
public final class PresenceMachine {
    private PresenceMachine() {}

    /** Executes those operations that were not executed before. */
    public static OfPresence change(SessionState s, ChangePresence c, PresenceTx tx) {
        List<Long> positions = new ArrayList<>(c.events().size());
        List<PresenceEntry> entries = new ArrayList<>(c.events().size());
        Map<String, Optional<PresenceEntry>> members = new HashMap<>();
        int count = s.members();
        long last = s.last();
        for (PresenceOp event : c.events()) {
            PresenceEntry member = members.computeIfAbsent(
                            event.clientId(), id -> Optional.ofNullable(tx.member(s, c.connectionId(), id)))
                    .orElse(null);
            boolean leaves = event.action() == PresenceEntry.Action.LEAVE;
            if (member == null && leaves) {
                positions.add(Positions.START);
                continue;
            }
            if (member != null && !leaves && member.id().equals(event.id())) {
                positions.add(member.position());
                continue;
            }
            last = Positions.next(last, c.time());
            PresenceEntry entry = new PresenceEntry(
                    last, actionFor(event, member), event.id(), event.clientId(), c.connectionId(), event.body());
            entries.add(entry);
            positions.add(last);
            members.put(event.clientId(), leaves ? Optional.empty() : Optional.of(entry));
            count += leaves ? -1 : member == null ? 1 : 0;
        }
        if (count > s.members() && count > c.maxMembers()) {
            return new TooManyMembers(c.maxMembers());
        }
        SessionState now = s;
        for (PresenceEntry entry : entries) {
            tx.add(now, entry);
            now = tx.batch().add(now, entry);
        }
        now = now.withMembers(count);
        assert tx.countsItsMembers(now) : now;
        return tx.batch().accept(now, positions);
    }

    private static PresenceEntry.Action actionFor(PresenceOp event, @Nullable PresenceEntry member) {
        return switch (event.action()) {
            case LEAVE -> PresenceEntry.Action.LEAVE;
            case UPDATE -> member == null ? PresenceEntry.Action.ENTER : PresenceEntry.Action.UPDATE;
            case ENTER, PRESENT -> PresenceEntry.Action.ENTER;
        };
    }

    /** Makes all members of a connection leave. */
    public static void letLeave(SessionState s, String connectionId, long time, PresenceTx tx) {
        SessionState now = s;
        for (PresenceEntry member : tx.members(s, connectionId)) {
            long at = Positions.next(now.last(), time);
            PresenceEntry entry = new PresenceEntry(
                    at,
                    PresenceEntry.Action.LEAVE,
                    leaveId(at, connectionId),
                    member.clientId(),
                    member.connectionId(),
                    member.body());
            tx.add(now, entry);
            now = tx.batch().add(now, entry).withMembers(now.members() - 1);
        }
        assert tx.countsItsMembers(now) : now;
        if (!now.equals(s)) {
            tx.batch().put(now);
        }
    }

    /** An id that does not begin with the connection's, by which clients know that the server has made the event. */
    private static String leaveId(long position, String connectionId) {
        String id = position + ":leave";
        return id.startsWith(connectionId) ? "-" + id : id;
    }
}
