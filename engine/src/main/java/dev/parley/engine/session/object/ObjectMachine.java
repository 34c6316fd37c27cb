package dev.parley.engine.session.object;

import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectRefusal;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand.ChangeObjects;
import dev.parley.engine.session.SessionCommand.ObjectOp;
import dev.parley.engine.session.SessionOutcome.ObjectRefused;
import dev.parley.engine.session.SessionOutcome.OfObjects;
import dev.parley.engine.session.SessionState;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The rules for changes of objects. Pure, like SessionMachine, which calls it. */
public final class ObjectMachine {
    private ObjectMachine() {}

    /** Executes those operations that were not executed before. */
    public static OfObjects change(SessionState s, ChangeObjects c, ObjectTx tx) {
        ObjectFold fold = new ObjectFold(tx.objects(s), c.limits());
        List<Long> positions = new ArrayList<>(c.operations().size());
        List<ObjectEntry> entries = new ArrayList<>(c.operations().size());
        Map<String, List<Long>> ids = new LinkedHashMap<>();
        long last = s.last();
        for (ObjectOp op : c.operations()) {
            String id = op.unique() ? op.id() : null;
            List<Long> known = id == null || ids.containsKey(id) ? null : tx.changes(s, id);
            if (known != null) {
                positions.add(known.getLast());
                continue;
            }
            last = Positions.next(last, c.time());
            ObjectRefusal refusal = fold.apply(last, op.operation());
            if (refusal != null) {
                return new ObjectRefused(refusal);
            }
            entries.add(new ObjectEntry(last, op.id(), op.clientId(), op.connectionId(), op.extras(), op.operation()));
            positions.add(last);
            if (id != null) {
                ids.computeIfAbsent(id, fresh -> new ArrayList<>()).add(last);
            }
        }
        // The session may be ahead of the clock of the node that submitted the command.
        long time = Math.max(c.time(), Positions.millis(s.last()));
        if (fold.collectionDue(time)) {
            for (ObjectOperation orphan : fold.collect(time)) {
                last = Positions.next(last, time);
                ObjectRefusal refusal = fold.apply(last, orphan);
                if (refusal != null) {
                    throw new IllegalStateException("an orphan cannot be deleted: " + refusal);
                }
                entries.add(new ObjectEntry(last, null, null, null, null, orphan));
            }
        }
        tx.change(s, fold.draft());
        ids.forEach((id, changes) -> tx.keepId(s, id, changes, time));
        SessionState now = s;
        for (ObjectEntry entry : entries) {
            now = tx.batch().add(now, entry);
        }
        return tx.batch().accept(now, positions);
    }
}
