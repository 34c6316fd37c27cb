package dev.parley.engine.session.log;

import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionRows.Logged;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a batch of commands changes in sessions, independent of the concept: states, added entries, and the log. Nobody
 * else sees the changes before {@link #show()}, which follows the write of the batch. Not thread-safe.
 */
public final class SessionBatch {
    /**
     * An entry that was added.
     *
     * @param before the position of the entry before it in the session's log, or 0
     */
    public record Added(SessionName session, long before, SessionEntry entry) {}

    private final SessionStates states;
    private final StoreTx rows;
    private final IndexTx index;
    private final Map<SessionName, Optional<SessionState>> changed = new LinkedHashMap<>();
    private final List<Added> added = new ArrayList<>();

    /** Starts with what {@code states} shows, and writes to {@code rows}. */
    public SessionBatch(SessionStates states, StoreTx rows) {
        this.states = states;
        this.rows = rows;
        this.index = new IndexTx(rows);
    }

    /** The rows as they will be after the batch. */
    public StoreTx rows() {
        return rows;
    }

    /** What sessions are listed by. */
    public IndexTx index() {
        return index;
    }

    /** The entries that were added so far, oldest first. */
    public List<Added> added() {
        return added;
    }

    /** The sessions that have changed so far. An absent state stands for a session that was removed. */
    public Map<SessionName, Optional<SessionState>> changed() {
        return changed;
    }

    /** Adds the new states of sessions to the batch, which already has everything in them. */
    public void write() {
        changed.forEach((name, state) -> {
            byte[] key = SessionRows.sessionKey(name.key());
            state.ifPresentOrElse(
                    put -> rows.append(Table.SESSIONS, key, SessionRows.session(put)),
                    () -> rows.remove(Table.SESSIONS, key));
        });
    }

    /** Makes the states visible to readers. The batch must have been written. */
    public void show() {
        changed.forEach((name, state) -> states.show(name, state.orElse(null)));
    }

    /** The session, or null if nothing was ever published to it. */
    public @Nullable SessionState find(SessionName name) {
        Optional<SessionState> state = changed.get(name);
        return state == null ? states.find(name) : state.orElse(null);
    }

    /** Replaces a state, or adds one. */
    public SessionState put(SessionState state) {
        changed.put(state.name(), Optional.of(state));
        return state;
    }

    /** Notes that a session was removed. */
    public void remove(SessionState state) {
        changed.put(state.name(), Optional.empty());
    }

    /** Replaces a state, or adds one, after a request was executed, even if the request has added nothing. */
    public Accepted accept(SessionState state, List<Long> positions) {
        put(state);
        return new Accepted(positions);
    }

    /** Adds an entry after the newest one of {@code s}, and returns the state after it. */
    public SessionState add(SessionState s, SessionEntry entry) {
        assert entry.position() > s.last() : "entry " + entry.position() + " after " + s.last();
        added.add(new Added(s.name(), s.last(), entry));
        return s.withLast(entry.position());
    }

    /** Adds the row of a position to the log. */
    public void log(SessionState s, long position, Logged logged) {
        rows.put(Table.LOG, SessionRows.positionKey(s.id(), position), SessionRows.logged(logged));
    }

    /** Removes the row of a position from the log. */
    public void unlog(SessionState s, long position) {
        rows.remove(Table.LOG, SessionRows.positionKey(s.id(), position));
    }
}
