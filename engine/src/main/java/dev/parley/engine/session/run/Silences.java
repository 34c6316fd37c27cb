package dev.parley.engine.session.run;

import dev.parley.engine.session.SessionCommand.StallRun;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Range;
import dev.parley.engine.store.Store.Table;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** When the agents of runs were heard. Thread-safe; reads block on the disk. */
public final class Silences {
    private static final byte[] FIRST_ROW = {};

    private final Store store;

    /** Reads from {@code store}. */
    public Silences(Store store) {
        this.store = store;
    }

    /** The range of keys of the list of runs that are looked at, which all sessions share. */
    public static Range times() {
        return new Range(Table.SILENCES, FIRST_ROW, RunRows.listedEnd(Long.MAX_VALUE - 1));
    }

    /** When the agent of a run was heard; null if nobody works at it, or the run is from before this was noted. */
    public @Nullable Silence of(SessionState session, String runId) {
        byte[] row = store.get(Table.RUNS, RunRows.silenceKey(session.id(), runId));
        return row == null ? null : RunRows.silence(row);
    }

    /** What finds out whether agents are stalled that were heard until {@code since} and perhaps not later, at most {@code limit} commands. */
    public List<StallRun> due(long now, long since, int limit) {
        return store.list(Table.SILENCES, FIRST_ROW, RunRows.listedEnd(since), limit).stream()
                .map(row -> RunRows.listed(row.value(), now, since))
                .toList();
    }
}
