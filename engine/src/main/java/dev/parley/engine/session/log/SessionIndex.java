package dev.parley.engine.session.log;

import dev.parley.engine.session.Attribute;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds sessions by what they have. Thread-safe; reads block on the disk. */
public final class SessionIndex {
    private final Store store;

    /** Reads from {@code store}. */
    public SessionIndex(Store store) {
        this.store = store;
    }

    /**
     * The names of sessions of an app that have an attribute, begin with {@code prefix} and come after {@code after}, in the order
     * of code points.
     */
    public List<String> names(String app, Attribute attribute, String prefix, String after, int limit) {
        byte[] first = IndexRows.key(app, attribute, prefix);
        byte[] last = IndexRows.key(app, attribute, after);
        int begin = IndexRows.key(app, attribute, "").length;
        List<String> found = new ArrayList<>();
        try (Rows rows = store.scan(
                Table.INDEX, Arrays.compareUnsigned(first, last) < 0 ? last : first, IndexRows.end(app, attribute))) {
            byte[] key = rows.nextKey();
            for (; key != null && found.size() < limit; key = rows.nextKey()) {
                String name = IndexRows.name(key, begin);
                if (!name.startsWith(prefix)) {
                    break;
                }
                if (after.isEmpty() || !name.equals(after)) {
                    found.add(name);
                }
                rows.next();
            }
        }
        return found;
    }

    /** Whether a session has an attribute. */
    public boolean has(SessionName session, Attribute attribute) {
        return store.get(Table.INDEX, IndexRows.key(session, attribute)) != null;
    }

    /** What a session goes on from, or null. */
    public @Nullable Inheritance inheritance(SessionState session) {
        byte[] row = store.get(Table.INDEX, IndexRows.originKey(session.id()));
        return row == null ? null : IndexRows.origin(row);
    }

    /** Who has said something in a session, or was present: at most {@link IndexTx#MAX_PARTICIPANTS}, by client id. */
    public List<String> participants(SessionState session) {
        List<String> found = new ArrayList<>();
        try (Rows rows = store.scan(
                Table.INDEX,
                IndexRows.participantKey(session.id(), ""),
                IndexRows.participantKey(session.id() + 1, ""))) {
            for (byte[] key = rows.nextKey(); key != null; key = rows.nextKey()) {
                found.add(IndexRows.participant(key));
                rows.next();
            }
        }
        return found;
    }
}
