package dev.parley.engine.session.run;

import dev.parley.engine.session.Attribute.OpenRun;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote.Cancel;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.message.MessageTx;
import dev.parley.engine.session.request.RequestTx;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Runs as a batch of commands sees and changes them. Not thread-safe. */
public final class RunTx {
    private final SessionBatch batch;
    private final StoreTx rows;
    private final MessageTx messages;
    private final RequestTx requests;
    private final SilenceTx silences;
    private final List<Finished> finished = new ArrayList<>();
    private final List<Long> settled = new ArrayList<>();

    /**
     * A run that has ended.
     *
     * @param reason why, in one word; null if nobody has said so
     */
    public record Finished(Run run, @Nullable String reason) {}

    /** Starts in {@code batch}. */
    public RunTx(SessionBatch batch, MessageTx messages, RequestTx requests) {
        this.batch = batch;
        this.rows = batch.rows();
        this.messages = messages;
        this.requests = requests;
        this.silences = new SilenceTx(batch);
    }

    /** The batch. */
    public SessionBatch batch() {
        return batch;
    }

    /** The messages of sessions. */
    MessageTx messages() {
        return messages;
    }

    /** What people are asked in sessions. */
    public RequestTx requests() {
        return requests;
    }

    /** When the agents of runs were heard. */
    SilenceTx silences() {
        return silences;
    }

    /** The run with this id that has not ended, or null. */
    public @Nullable Run run(SessionState s, String runId) {
        byte[] row = rows.get(Table.RUNS, RunRows.runKey(s.id(), runId));
        return row == null ? null : RunRows.run(row);
    }

    int countRuns(SessionState s, int limit) {
        return rows.list(Table.RUNS, RunRows.runKey(s.id(), ""), RunRows.cancelKey(s.id(), 0), limit)
                .size();
    }

    void putRun(SessionState s, Run run) {
        rows.put(Table.RUNS, RunRows.runKey(s.id(), run.id()), RunRows.run(run));
        batch.index().put(s, new OpenRun());
    }

    void removeRun(SessionState s, String runId) {
        rows.remove(Table.RUNS, RunRows.runKey(s.id(), runId));
        rows.remove(Table.RUNS, RunRows.textsKey(s.id(), runId));
        if (countRuns(s, 1) == 0) {
            batch.index().remove(s, new OpenRun());
        }
    }

    /** The runs that are neither over nor suspended. */
    List<Run> active(SessionState s) {
        return rows
                .list(Table.RUNS, RunRows.runKey(s.id(), ""), RunRows.cancelKey(s.id(), 0), RunMachine.MAX_RUNS)
                .stream()
                .map(row -> RunRows.run(row.value()))
                .filter(run -> !run.suspended())
                .toList();
    }

    /** The runs at which a connection works. */
    public List<Run> runsOf(SessionState s, String connectionId) {
        return active(s).stream()
                .filter(run -> connectionId.equals(run.connectionId()))
                .toList();
    }

    @Nullable
    RunTexts runTexts(SessionState s, String runId) {
        byte[] row = rows.get(Table.RUNS, RunRows.textsKey(s.id(), runId));
        return row == null ? null : RunRows.texts(row);
    }

    void putRunTexts(SessionState s, String runId, RunTexts texts) {
        rows.put(Table.RUNS, RunRows.textsKey(s.id(), runId), RunRows.texts(texts));
    }

    RunRows.@Nullable Open open(SessionState s, long serial) {
        byte[] row = rows.get(Table.RUNS, RunRows.openKey(s.id(), serial));
        return row == null ? null : RunRows.open(row);
    }

    private List<Row> openRows(SessionState s, int limit) {
        return rows.list(Table.RUNS, RunRows.openKey(s.id(), 0), RunRows.openKey(s.id(), Long.MAX_VALUE), limit);
    }

    int countOpen(SessionState s, int limit) {
        return openRows(s, limit).size();
    }

    /** The messages of a run that are being streamed, by serial. */
    NavigableMap<Long, RunRows.Open> openOf(SessionState s, String runId) {
        NavigableMap<Long, RunRows.Open> found = new TreeMap<>();
        for (Row row : openRows(s, RunMachine.MAX_STREAMING)) {
            RunRows.Open open = RunRows.open(row.value());
            if (open.runId().equals(runId)) {
                found.put(RunRows.openSerial(row.key()), open);
            }
        }
        return found;
    }

    /** Whether a message of a run is being streamed. */
    public boolean isStreaming(SessionState s, long serial) {
        return open(s, serial) != null;
    }

    void putOpen(SessionState s, long serial, RunRows.Open open) {
        rows.put(Table.RUNS, RunRows.openKey(s.id(), serial), RunRows.open(open));
    }

    void removeOpen(SessionState s, long serial) {
        if (open(s, serial) != null) {
            rows.remove(Table.RUNS, RunRows.openKey(s.id(), serial));
            settled.add(serial);
        }
    }

    void finish(Run run, @Nullable String reason) {
        finished.add(new Finished(run, reason));
    }

    /** The runs that the present command has ended. Asked again, there are none. */
    public List<Finished> takeFinished() {
        List<Finished> taken = List.copyOf(finished);
        finished.clear();
        return taken;
    }

    /** The serials of the messages that were being streamed until the present command. Asked again, there are none. */
    public List<Long> takeSettled() {
        List<Long> taken = List.copyOf(settled);
        settled.clear();
        return taken;
    }

    /** The cancels that have had no effect yet, by the serials of their messages. */
    NavigableMap<Long, Cancel> cancels(SessionState s) {
        NavigableMap<Long, Cancel> cancels = new TreeMap<>();
        for (Row row : rows.list(
                Table.RUNS,
                RunRows.cancelKey(s.id(), 0),
                RunRows.cancelKey(s.id(), Long.MAX_VALUE),
                RunMachine.MAX_CANCELS)) {
            cancels.put(RunRows.cancelSerial(row.key()), RunRows.cancel(row.value()));
        }
        return cancels;
    }

    void putCancel(SessionState s, long serial, Cancel cancel) {
        rows.put(Table.RUNS, RunRows.cancelKey(s.id(), serial), RunRows.cancel(cancel));
    }

    void removeCancel(SessionState s, long serial) {
        rows.remove(Table.RUNS, RunRows.cancelKey(s.id(), serial));
    }

    /** Takes the runs of a session off the lists of all sessions; their own rows stay. */
    public void unlist(SessionState s) {
        silences.unlist(s);
    }
}
