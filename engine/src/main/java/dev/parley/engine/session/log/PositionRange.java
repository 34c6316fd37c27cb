package dev.parley.engine.session.log;

import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;

/** A part of a log: positions from {@code from} to {@code to}, both inclusive. */
public record PositionRange(long from, long to, boolean newestFirst) {
    /** The rows of a session in this range, of a table whose keys have positions. The caller has to close them. */
    public Rows scan(View view, Table table, long session) {
        byte[] first = SessionRows.positionKey(session, from);
        byte[] end = SessionRows.positionKey(session, end());
        return newestFirst ? view.scanBackwards(table, first, end) : view.scan(table, first, end);
    }

    /** The position after the last one. Nothing is at the greatest position of all. */
    public long end() {
        return Math.max(from, to == Long.MAX_VALUE ? to : to + 1);
    }
}
