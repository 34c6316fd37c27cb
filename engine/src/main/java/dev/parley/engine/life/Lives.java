package dev.parley.engine.life;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.store.Store;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The lives that go on, and whose the last ones were that are over. All lives of a log are numbered from 1, in the order
 * of their {@link Boot}s, whichever node has them.
 *
 * @param newest the number of the newest life, or 0 if there was none
 * @param ofNodes the newest life of each node; the node that has booted last is the last one
 * @param ended the nodes of the lives that ended last, by the number of the life; the one that ended last is the last one
 */
public record Lives(long newest, Map<Long, Long> ofNodes, Map<Long, Long> ended) {
    /** The number of nodes that are remembered. If there are more, the life of the one that booted first is over. */
    static final int MAX_NODES = 64;

    /** The number of lives that are over of which it is remembered whose they were. */
    static final int MAX_ENDED = 256;

    /** The number of epochs of one life, as a power of two. */
    private static final int EPOCHS = 32;

    private static final byte[] KEY = "lives".getBytes(StandardCharsets.UTF_8);
    private static final int VERSION = 1;
    /** Whose the lives were that are over. */
    private static final int ENDED = 2;

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

    /**
     * True if a life is over, and it is the task of {@code node} to tell sessions what has become of the connections of
     * that life. This is the node that had the life. If that is forgotten, or the node itself, it is the node that
     * has booted last. So it is one node at any time, and the present life of this node is a later one.
     */
    public boolean isLeftTo(long node, long life) {
        Long had = ended.get(life);
        return isOver(life) && Objects.equals(node, had != null && ofNodes.containsKey(had) ? had : last(ofNodes));
    }

    private static @Nullable Long last(Map<Long, Long> ofNodes) {
        Long last = null;
        for (Long node : ofNodes.keySet()) {
            last = node;
        }
        return last;
    }

    /** Applies {@code command} and returns the number of the life that begins. */
    public static Long apply(Boot command, StoreTx rows) {
        Lives before = decode(rows.get(Table.META, KEY));
        Map<Long, Long> ofNodes = new LinkedHashMap<>(before.ofNodes());
        Map<Long, Long> ended = new LinkedHashMap<>(before.ended());
        end(command.node(), ofNodes, ended);
        ofNodes.put(command.node(), before.newest() + 1);
        if (ofNodes.size() > MAX_NODES) {
            end(ofNodes.keySet().iterator().next(), ofNodes, ended);
        }
        Lives after = new Lives(before.newest() + 1, ofNodes, ended);
        rows.put(Table.META, KEY, after.encode());
        return after.newest();
    }

    private static void end(long node, Map<Long, Long> ofNodes, Map<Long, Long> ended) {
        Long life = ofNodes.remove(node);
        if (life != null) {
            ended.put(life, node);
            if (ended.size() > MAX_ENDED) {
                ended.remove(ended.keySet().iterator().next());
            }
        }
    }

    private byte[] encode() {
        BinaryWriter out = new BinaryWriter(32).u8(ENDED).varint(newest).varint(ofNodes.size());
        ofNodes.forEach((node, life) -> out.fixed64(node).varint(life));
        out.varint(ended.size());
        ended.forEach((life, node) -> out.varint(life).fixed64(node));
        return out.toBytes();
    }

    private static Lives decode(byte @Nullable [] row) {
        Map<Long, Long> ofNodes = new LinkedHashMap<>();
        Map<Long, Long> ended = new LinkedHashMap<>();
        if (row == null) {
            return new Lives(0, ofNodes, ended);
        }
        BinaryReader in = new BinaryReader(row);
        boolean withEnded = in.version(VERSION, ENDED) >= ENDED;
        long newest = in.varint();
        for (int left = in.count(); left > 0; left--) {
            ofNodes.put(in.fixed64(), in.varint());
        }
        for (int left = withEnded ? in.count() : 0; left > 0; left--) {
            ended.put(in.varint(), in.fixed64());
        }
        return new Lives(newest, ofNodes, ended);
    }
}
