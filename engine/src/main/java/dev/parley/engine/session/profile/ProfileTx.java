package dev.parley.engine.session.profile;

import dev.parley.engine.session.Attribute.Labelled;
import dev.parley.engine.session.Profile;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.store.Store.Table;
import org.jspecify.annotations.Nullable;

/** Profiles as a batch of commands sees and changes them. Not thread-safe. */
public final class ProfileTx {
    private final SessionBatch batch;

    /** Begins in {@code batch}. */
    public ProfileTx(SessionBatch batch) {
        this.batch = batch;
    }

    @Nullable
    Profile profile(SessionState s) {
        return new Profiles(batch.rows()).of(s);
    }

    /** Replaces the profile of a session, which then exists. */
    void put(SessionState s, @Nullable Profile before, Profile after) {
        unlist(s, before);
        after.labels().forEach((key, value) -> batch.index().put(s, new Labelled(key, value)));
        batch.rows().put(Table.PROFILES, SessionRows.idKey(s.id()), ProfileRows.profile(after));
        batch.put(s);
    }

    /** Takes a session off the lists of its labels; its own row stays. */
    public void unlist(SessionState s) {
        unlist(s, profile(s));
    }

    private void unlist(SessionState s, @Nullable Profile known) {
        if (known != null) {
            known.labels().forEach((key, value) -> batch.index().remove(s, new Labelled(key, value)));
        }
    }
}
