package dev.parley.engine.session.log;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Rows;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import dev.parley.engine.store.View;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Messages that were removed together, because they were the oldest of a session. The last ones are remembered, so that those who
 * keep copies can remove them, too.
 *
 * @param before the horizon before
 * @param horizon the horizon afterwards
 * @param serials in order
 */
public record Removed(long before, long horizon, List<Long> serials) {
    /** How many removals a session remembers, and how many messages of them; the newest one in any case. */
    static final int MAX_REMOVALS = 64;

    static final int MAX_SERIALS = 20_000;

    /** The messages that were removed after a horizon, up to another one. */
    public record After(List<Long> serials, long horizon) {}

    /** The row of a removal. Its key is that of its horizon. */
    static byte[] row(Removed removed) {
        BinaryWriter out = new BinaryWriter(24 + 6 * removed.serials().size())
                .u8(1)
                .fixed64(removed.before())
                .fixed64(removed.horizon())
                .varint(removed.serials().size());
        long last = removed.before();
        for (long serial : removed.serials()) {
            out.varint(serial - last);
            last = serial;
        }
        return out.toBytes();
    }

    /** The removal of a row. */
    static Removed removed(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(1);
        long before = in.fixed64();
        long horizon = in.fixed64();
        int count = in.count();
        List<Long> serials = new ArrayList<>(Math.min(count, in.remaining()));
        long last = before;
        for (int i = 0; i < count; i++) {
            last += in.varint();
            serials.add(last);
        }
        return new Removed(before, horizon, List.copyOf(serials));
    }

    /** Remembers a removal from a session, and forgets the oldest one of too many. */
    public static void keep(StoreTx rows, SessionState s, long horizon, List<Long> serials) {
        rows.put(
                Table.REMOVED,
                SessionRows.positionKey(s.id(), horizon),
                row(new Removed(s.horizon(), horizon, serials)));
        int removals = 0;
        int kept = 0;
        byte[] end = SessionRows.positionKey(s.id(), horizon + 1);
        try (Rows newest = rows.scanBackwards(Table.REMOVED, SessionRows.idKey(s.id()), end)) {
            for (Row row = newest.next(); row != null; row = newest.next()) {
                removals++;
                kept += removed(row.value()).serials().size();
                if (removals > 1 && (removals > MAX_REMOVALS || kept > MAX_SERIALS)) {
                    rows.removeRange(
                            Table.REMOVED,
                            SessionRows.idKey(s.id()),
                            SessionRows.positionKey(s.id(), SessionRows.position(row.key()) + 1));
                    return;
                }
            }
        }
    }

    /**
     * What was removed from a session since its horizon was another one; null if that is not remembered.
     *
     * @param most the number of messages after which no further removal is taken
     */
    public static @Nullable After since(View view, SessionState s, long horizon, int most) {
        List<Long> serials = new ArrayList<>();
        long at = horizon;
        try (Rows rows = view.scan(
                Table.REMOVED,
                SessionRows.positionKey(s.id(), horizon + 1),
                SessionRows.positionKey(s.id(), s.horizon() + 1))) {
            for (Row row = rows.next(); row != null && serials.size() < most; row = rows.next()) {
                Removed removed = removed(row.value());
                if (removed.before() != at) {
                    return null;
                }
                serials.addAll(removed.serials());
                at = removed.horizon();
            }
        }
        return at == s.horizon() || serials.size() >= most ? new After(serials, at) : null;
    }
}
