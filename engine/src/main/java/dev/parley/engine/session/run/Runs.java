package dev.parley.engine.session.run;

import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote.Cancel;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PageBuilder;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.message.Messages;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The runs of sessions and the cancels that have had no effect yet. Thread-safe; reads block on the disk. */
public final class Runs {
    private static final byte[] FIRST_ROW = {};
    private static final byte[] AFTER_LAST_KEY = {(byte) 0xFF};

    private final Store store;
    private final Messages messages;

    /** Reads from {@code store}. */
    public Runs(Store store, Messages messages) {
        this.store = store;
        this.messages = messages;
    }

    /** The runs of a session that have not ended. */
    public List<Run> of(SessionState session) {
        List<Run> found = new ArrayList<>();
        try (Rows rows = store.scan(Table.RUNS, RunRows.runKey(session.id(), ""), RunRows.cancelKey(session.id(), 0))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                found.add(RunRows.run(row.value()));
            }
        }
        return found;
    }

    /** The run with this id that has not ended, or null. */
    public @Nullable Run find(SessionState session, String runId) {
        byte[] row = store.get(Table.RUNS, RunRows.runKey(session.id(), runId));
        return row == null ? null : RunRows.run(row);
    }

    /**
     * Whether somebody has cancelled a run that has not ended, or not begun.
     *
     * @param inputId the input that the run answers, or null
     */
    public boolean isCancelled(SessionState session, String runId, @Nullable String inputId) {
        try (Rows rows = store.scan(
                Table.RUNS, RunRows.cancelKey(session.id(), 0), RunRows.cancelKey(session.id(), Long.MAX_VALUE))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                Cancel cancel = RunRows.cancel(row.value());
                if (runId.equals(cancel.runId()) || (inputId != null && inputId.equals(cancel.inputId()))) {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * The messages that cancel a run that has not ended, or not begun; the oldest first.
     *
     * @param serials selects the messages; its order does not matter
     */
    public Page<MessageEntry> cancels(SessionState session, PositionRange serials, int maxBytes) {
        var page = new PageBuilder<MessageEntry>(Integer.MAX_VALUE, maxBytes);
        try (Rows rows = store.scan(
                Table.RUNS,
                RunRows.cancelKey(session.id(), serials.from()),
                RunRows.cancelKey(session.id(), serials.end()))) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                MessageEntry message = messages.find(session, RunRows.cancelSerial(row.key()));
                if (message != null && !page.takes(message)) {
                    break;
                }
            }
        }
        return page.page();
    }

    /**
     * Whether there are texts for the case that the agent of a run is lost. There are none if the run began before
     * format 2.
     */
    public boolean isDescribed(SessionState session, String runId) {
        return store.get(Table.RUNS, RunRows.textsKey(session.id(), runId)) != null;
    }

    /** Whether a session has a run that has not ended. */
    public boolean isAny(SessionState session) {
        return !store.isEmpty(Table.RUNS, RunRows.runKey(session.id(), ""), RunRows.cancelKey(session.id(), 0));
    }

    /** All runs at which an agent works: after a restart, the server has to watch these agents. */
    public List<Run> atWork() {
        List<Run> found = new ArrayList<>();
        try (Rows rows = store.scan(Table.RUNS, FIRST_ROW, AFTER_LAST_KEY)) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                if (RunRows.isRun(row.key())) {
                    Run run = RunRows.run(row.value());
                    if (!run.suspended() && run.connectionId() != null) {
                        found.add(run);
                    }
                }
            }
        }
        return found;
    }
}
