package dev.parley.engine.life;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The lives that go on. All lives of a log are numbered from 1, in the order of their {@link Boot}s, whichever node has
 * them.
 *
 * @param newest the number of the newest life, or 0 if there was none
 * @param ofNodes the newest life of each node; the node that has booted last is the last one
 */
public record Lives(long newest, Map<Long, Long> ofNodes) {
    /** The number of nodes that are remembered. If there are more, the life of the one that booted first is over. */
    static final int MAX_NODES = 64;

    /** The number of epochs of one life, as a power of two. */
    private static final int EPOCHS = 32;

    private static final byte[] KEY = "lives".getBytes(StandardCharsets.UTF_8);
    private static final int VERSION = 1;

    /**
     * An epoch of {@code life}. It is less than all epochs that come after it: those of the same life with a greater
     * number, and those of later lives.
     *
     * @param number from 1; which arrival in this life it is
     */
    public static long epoch(long life, long number) {
        return (life << EPOCHS) + number;
    }

    /** The life of an epoch. It is 0 for epochs from before lives had numbers. */
    public static long ofEpoch(long epoch) {
        return epoch >>> EPOCHS;
    }

    /** The lives that {@code store} knows. */
    public static Lives in(Store store) {
        return decode(store.get(Table.META, KEY));
    }

    /** True if nothing can come of a life any more. */
    public boolean isOver(long life) {
        return !ofNodes.containsValue(life);
    }

    /** Applies {@code command} and returns the number of the life that begins. */
    public static Long apply(Boot command, StoreTx rows) {
        Lives before = decode(rows.get(Table.META, KEY));
        Map<Long, Long> ofNodes = new LinkedHashMap<>(before.ofNodes());
        ofNodes.remove(command.node());
        ofNodes.put(command.node(), before.newest() + 1);
        if (ofNodes.size() > MAX_NODES) {
            ofNodes.remove(ofNodes.keySet().iterator().next());
        }
        Lives after = new Lives(before.newest() + 1, ofNodes);
        rows.put(Table.META, KEY, after.encode());
        return after.newest();
    }

    private byte[] encode() {
        BinaryWriter out = new BinaryWriter(32).u8(VERSION).varint(newest).varint(ofNodes.size());
        ofNodes.forEach((node, life) -> out.fixed64(node).varint(life));
        return out.toBytes();
    }

    private static Lives decode(byte @Nullable [] row) {
        Map<Long, Long> ofNodes = new LinkedHashMap<>();
        if (row == null) {
            return new Lives(0, ofNodes);
        }
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        long newest = in.varint();
        for (int left = in.count(); left > 0; left--) {
            ofNodes.put(in.fixed64(), in.varint());
        }
        return new Lives(newest, ofNodes);
    }
}
