package dev.parley.engine.session.run;

import dev.parley.engine.session.Attribute.StalledRun;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** When the agents of runs were heard, as a batch of commands sees and changes it. Not thread-safe. */
public final class SilenceTx {
    private final SessionBatch batch;
    private final StoreTx rows;

    SilenceTx(SessionBatch batch) {
        this.batch = batch;
        this.rows = batch.rows();
    }

    @Nullable
    Silence of(SessionState s, String runId) {
        byte[] row = rows.get(Table.RUNS, RunRows.silenceKey(s.id(), runId));
        return row == null ? null : RunRows.silence(row);
    }

    private List<Row> all(SessionState s) {
        return rows.list(Table.RUNS, RunRows.silenceKey(s.id(), ""), RunRows.silencesEnd(s.id()), RunMachine.MAX_RUNS);
    }

    /** Replaces what is known of a run; null stands for nothing. */
    void put(SessionState s, String runId, @Nullable Silence before, @Nullable Silence after) {
        byte[] key = RunRows.silenceKey(s.id(), runId);
        if (after == null) {
            rows.remove(Table.RUNS, key);
        } else {
            rows.put(Table.RUNS, key, RunRows.silence(after));
        }
        long listed = before == null ? 0 : before.listedAt();
        long lists = after == null ? 0 : after.listedAt();
        if (listed != lists) {
            unlist(s, runId, listed);
            if (lists != 0) {
                rows.put(Table.SILENCES, RunRows.listedKey(lists, s.id(), runId), RunRows.listed(s.name(), runId));
            }
        }
        boolean was = before != null && before.isStalled();
        if (was != (after != null && after.isStalled())) {
            mark(s);
        }
    }

    private void unlist(SessionState s, String runId, long listedAt) {
        if (listedAt != 0) {
            rows.remove(Table.SILENCES, RunRows.listedKey(listedAt, s.id(), runId));
        }
    }

    private void mark(SessionState s) {
        boolean stalled =
                all(s).stream().anyMatch(row -> RunRows.silence(row.value()).isStalled());
        SessionState now = Objects.requireNonNull(batch.find(s.name()));
        if (now.stalled() != stalled) {
            batch.put(now.withStalled(stalled));
            if (stalled) {
                batch.index().put(s, new StalledRun());
            } else {
                batch.index().remove(s, new StalledRun());
            }
        }
    }

    /** Takes the runs of a session off the list of those that are looked at; their own rows stay. */
    void unlist(SessionState s) {
        for (Row row : all(s)) {
            unlist(s, RunRows.silentRun(row.key()), RunRows.silence(row.value()).listedAt());
        }
    }
}
