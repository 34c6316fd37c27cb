package dev.parley.engine.session.profile;

import dev.parley.engine.session.Profile;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;
import org.jspecify.annotations.Nullable;

/** The profiles of sessions. As thread-safe as the view; reads block on the disk. */
public final class Profiles {
    private final View view;

    /** Reads what {@code view} shows. */
    public Profiles(View view) {
        this.view = view;
    }

    /** The profile of a session that was made explicitly, or null. */
    public @Nullable Profile of(SessionState session) {
        byte[] row = view.get(Table.PROFILES, SessionRows.idKey(session.id()));
        return row == null ? null : ProfileRows.profile(row);
    }
}
