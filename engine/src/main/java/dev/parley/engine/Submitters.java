package dev.parley.engine;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.journal.SubmissionId;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The nodes that submit records to a shared log, as a batch sees and changes them: for each node, its newest life and
 * the number of that life's last record. A record that does not come after it has no effect, because the log has it for
 * the second time, an earlier life of the node sent it, or its node has given it up. This is a part of the state that
 * follows from the log, so all nodes, replays and checkpoints agree about it.
 */
final class Submitters {
    /**
     * The greatest number of nodes that are remembered. If there are more, the node that has submitted nothing for the
     * longest time is forgotten.
     */
    static final int MAX_NODES = 64;

    private static final byte[] KEY = "submitters".getBytes(StandardCharsets.UTF_8);
    private static final int VERSION = 1;

    private record Last(long life, long number) {}

    private final StoreTx rows;
    /** The last submissions by node. The node that submitted last comes last. */
    private final Map<Long, Last> nodes = new LinkedHashMap<>();

    private boolean changed;

    /** The nodes as the batch {@code rows} sees them. */
    Submitters(StoreTx rows) {
        this.rows = rows;
        byte[] row = rows.get(Table.META, KEY);
        if (row != null) {
            BinaryReader in = new BinaryReader(row);
            in.version(VERSION);
            for (int left = in.count(); left > 0; left--) {
                nodes.put(in.fixed64(), new Last(in.fixed64(), in.varint()));
            }
        }
    }

    /**
     * Whether the record is to be applied, because it comes after all known ones of its node. If so, it is remembered.
     */
    boolean accept(SubmissionId id) {
        Last last = nodes.get(id.node());
        if (last != null && (id.life() < last.life || (id.life() == last.life && id.number() <= last.number))) {
            return false;
        }
        nodes.remove(id.node());
        nodes.put(id.node(), new Last(id.life(), id.number()));
        if (nodes.size() > MAX_NODES) {
            nodes.remove(nodes.keySet().iterator().next());
        }
        changed = true;
        return true;
    }

    /** Adds what has changed to the batch. */
    void write() {
        if (changed) {
            BinaryWriter out = new BinaryWriter(32).u8(VERSION).varint(nodes.size());
            nodes.forEach((node, last) -> out.fixed64(node).fixed64(last.life).varint(last.number));
            rows.put(Table.META, KEY, out.toBytes());
        }
    }
}
