package dev.parley.engine.session.profile;

import dev.parley.engine.session.Profile;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Table;
import org.jspecify.annotations.Nullable;

/** The profiles of sessions. Thread-safe; reads block on the disk. */
public final class Profiles {
    private final Store store;

    /** Reads from {@code store}. */
    public Profiles(Store store) {
        this.store = store;
    }

    /** The profile of a session that was made explicitly, or null. */
    public @Nullable Profile of(SessionState session) {
        byte[] row = store.get(Table.PROFILES, SessionRows.idKey(session.id()));
        return row == null ? null : ProfileRows.profile(row);
    }
}
