package dev.parley.engine.session.machine;

import dev.parley.engine.session.Attribute.OpenRun;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.IndexTx;
import dev.parley.engine.session.log.SessionStates;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.nio.charset.StandardCharsets;

/**
 * Makes the index of sessions in a store that was written before there was one: open runs, and members as participants. Who has only
 * said something before is listed when they say something again. To find them, all messages would have to be read.
 *
 * <p>What is listed follows from other rows of the store alone, so it does not matter how far the journal was applied by then.
 */
public final class IndexBuild {
    private static final byte[] DONE = "index".getBytes(StandardCharsets.UTF_8);
    private static final byte[] VERSION = {1};

    /** The number of sessions that are written as one batch. */
    private static final int SESSIONS_PER_BATCH = 1_000;

    private final Store store;
    private final Sessions sessions;
    private StoreTx rows;
    private IndexTx index;
    private int pending;

    private IndexBuild(Store store, Sessions sessions) {
        this.store = store;
        this.sessions = sessions;
        this.rows = new StoreTx(store);
        this.index = new IndexTx(rows);
    }

    /** Makes the index unless {@code store} has one. Called before any command is applied. */
    public static void ifMissing(Store store, Sessions sessions) {
        if (store.get(Table.META, DONE) == null) {
            IndexBuild build = new IndexBuild(store, sessions);
            SessionStates.forEach(store, build::list);
            // Written last: if there is a crash before, the index is made anew, with the same rows.
            build.rows.append(Table.META, DONE, VERSION);
            build.rows.commit();
        }
    }

    private void list(SessionState session) {
        if (sessions.runs().isAny(session)) {
            index.put(session, new OpenRun());
        }
        if (session.members() > 0) {
            sessions.presence().members(session).forEach(member -> index.participate(session, member.clientId()));
        }
        pending++;
        if (pending == SESSIONS_PER_BATCH) {
            rows.commit();
            rows = new StoreTx(store);
            index = new IndexTx(rows);
            pending = 0;
        }
    }
}
