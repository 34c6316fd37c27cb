package dev.parley.engine.session.control;

import dev.parley.engine.session.SessionCommand.ExpireControl;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Table;
import java.util.List;

/** When controls of sessions go back to agents. Thread-safe; reads block on the disk. */
public final class Controls {
    private static final byte[] FIRST_ROW = {};

    private final Store store;

    /** Reads from {@code store}. */
    public Controls(Store store) {
        this.store = store;
    }

    /** The controls that go back at {@code now}, at most {@code limit} commands. */
    public List<ExpireControl> expiries(long now, int limit) {
        return store.list(Table.EXPIRIES, FIRST_ROW, ControlRows.expiriesEnd(now), limit).stream()
                .map(row -> ControlRows.expiry(row.value(), now))
                .toList();
    }
}
