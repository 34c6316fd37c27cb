package dev.parley.engine.session.log;

import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.store.StateCache;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The states of sessions: durable and applied. Thread-safe; reads block on the disk. */
public final class SessionStates {
    private static final byte[] AFTER_LAST_KEY = {(byte) 0xFF};

    private final Store store;
    private final StateCache<SessionName, SessionState> cached;

    /**
     * Reads from {@code store}.
     *
     * @param maxCached the greatest number of states in memory
     */
    public SessionStates(Store store, int maxCached) {
        this.store = store;
        this.cached = new StateCache<>(maxCached);
    }

    /** The session, or null if nothing was ever published to it. */
    public @Nullable SessionState find(SessionName name) {
        SessionState state = cached.get(name);
        return state == null ? find(name, store) : state;
    }

    /**
     * The session for a reader that was told of an entry at {@code position}. Readers are told of entries a moment
     * before the states in memory are replaced; the store has the new states by then.
     */
    public @Nullable SessionState find(SessionName name, long position) {
        SessionState state = find(name);
        return (state == null ? Positions.START : state.last()) < position ? find(name, store) : state;
    }

    /** The session as {@code view} shows it, or null. */
    public static @Nullable SessionState find(SessionName name, View view) {
        byte[] row = view.get(Table.SESSIONS, SessionRows.sessionKey(name.key()));
        return row == null ? null : SessionRows.session(row);
    }

    /** Makes a state visible. Null stands for a session that was removed. */
    public void show(SessionName name, @Nullable SessionState state) {
        if (state == null) {
            cached.remove(name);
        } else {
            cached.put(name, state);
        }
    }

    /**
     * The sessions of an app whose names begin with {@code prefix} and come after {@code after}, in the order of code
     * points.
     */
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

    /** Calls {@code action} with all sessions of all apps. */
    public static void forEach(View view, Consumer<SessionState> action) {
        try (Rows rows = view.scan(Table.SESSIONS, new byte[0], AFTER_LAST_KEY)) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                action.accept(SessionRows.session(row.value()));
            }
        }
    }
}
