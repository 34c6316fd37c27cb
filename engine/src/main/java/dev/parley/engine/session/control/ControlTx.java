package dev.parley.engine.session.control;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.ControlTexts;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.message.MessageTx;
import dev.parley.engine.session.run.RunTx;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.List;
import java.util.Objects;

/** The control of sessions as a batch of commands sees and changes it. Not thread-safe. */
public final class ControlTx {
    private final SessionBatch batch;
    private final StoreTx rows;
    private final MessageTx messages;
    private final RunTx runs;

    /** Begins in {@code batch}. */
    public ControlTx(SessionBatch batch, MessageTx messages, RunTx runs) {
        this.batch = batch;
        this.rows = batch.rows();
        this.messages = messages;
        this.runs = runs;
    }

    /** The messages of sessions. */
    MessageTx messages() {
        return messages;
    }

    /** The runs of sessions. */
    RunTx runs() {
        return runs;
    }

    /** The state as it is by now. */
    SessionState now(SessionState s) {
        return Objects.requireNonNull(batch.find(s.name()));
    }

    /** The texts of a session whose control is not the default one. */
    ControlTexts texts(SessionState s) {
        return ControlRows.texts(Objects.requireNonNull(rows.get(Table.CONTROLS, SessionRows.idKey(s.id()))));
    }

    /** Replaces the control of a session. */
    SessionState put(SessionState s, Control now, ControlTexts texts) {
        unlist(s);
        byte[] key = SessionRows.idKey(s.id());
        if (now.equals(Control.DEFAULT)) {
            rows.remove(Table.CONTROLS, key);
        } else {
            rows.put(Table.CONTROLS, key, ControlRows.texts(texts));
        }
        if (now.until() != 0) {
            rows.put(Table.EXPIRIES, ControlRows.expiryKey(now.until(), s.id()), ControlRows.expiry(s.name()));
        }
        return batch.put(s.withControl(now));
    }

    /** Keeps a change of the control, besides the message that says so. */
    void keep(SessionState s, long position, Body notice) {
        rows.put(Table.CONTROLS, SessionRows.positionKey(s.id(), position), ControlRows.change(notice));
        List<Row> kept = changes(s, Long.MAX_VALUE, ControlMachine.MAX_CHANGES + 1);
        if (kept.size() > ControlMachine.MAX_CHANGES) {
            rows.remove(Table.CONTROLS, kept.getFirst().key());
        }
    }

    private List<Row> changes(SessionState s, long end, int limit) {
        return rows.list(
                Table.CONTROLS, SessionRows.positionKey(s.id(), 0), SessionRows.positionKey(s.id(), end), limit);
    }

    /** Removes the changes up to {@code upTo}. */
    public void trim(SessionState s, long upTo) {
        changes(s, upTo + 1, ControlMachine.MAX_CHANGES).forEach(row -> rows.remove(Table.CONTROLS, row.key()));
    }

    /** Takes a session off the list of controls that go back. */
    public void unlist(SessionState s) {
        if (s.control().until() != 0) {
            rows.remove(Table.EXPIRIES, ControlRows.expiryKey(s.control().until(), s.id()));
        }
    }
}
