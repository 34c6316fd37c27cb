package dev.parley.server.wire;

import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.object.MapEntry;
import dev.parley.engine.session.object.ObjectIds;
import dev.parley.engine.session.object.ObjectState;
import dev.parley.engine.session.object.ObjectTable;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** An object or a value with everything that it refers to, in the form that REST shows. */
public sealed interface ObjectTree {
    /**
     * The greatest number of maps and values in one tree. An object that is referred to several times is shown each
     * time.
     */
    int MAX_NODES = 100_000;

    /** The greatest depth of nested maps. */
    int MAX_DEPTH = 32;

    /** The greatest size of the values and keys in one tree, roughly. */
    int MAX_BYTES = 4 << 20;

    /** A map. */
    record OfMap(String id, SortedMap<String, ObjectTree> entries) implements ObjectTree {}

    /** A counter. */
    record OfCounter(String id, double count) implements ObjectTree {}

    /** Any other value, and an object that is not shown because the tree has a cycle or is too large. */
    record Leaf(ObjectValue value) implements ObjectTree {}

    /** The tree of a value, or null if the value refers to an object that does not exist. */
    static @Nullable ObjectTree of(ObjectTable objects, ObjectValue value) throws WireException {
        return new Reader(objects).tree(value);
    }

    /** Reads a tree. */
    final class Reader {
        private final ObjectTable objects;
        private final Set<String> above = new HashSet<>();
        private int nodes;
        private int bytes;

        private Reader(ObjectTable objects) {
            this.objects = objects;
        }

        private @Nullable ObjectTree tree(ObjectValue value) throws WireException {
            nodes++;
            bytes += value.size();
            if (bytes > MAX_BYTES) {
                throw new WireException(ErrorInfo.badRequest(
                        "The objects take more than " + MAX_BYTES + " bytes; read them in parts, each by its path."));
            }
            if (!(value instanceof ObjectValue.Ref(String id))) {
                return new Leaf(value);
            }
            return switch (objects.object(id)) {
                case null -> id.equals(ObjectIds.ROOT) ? new OfMap(id, new TreeMap<>()) : null;
                case ObjectState.Deleted deleted -> null;
                case ObjectState.CounterState counter -> new OfCounter(id, counter.count());
                case ObjectState.MapState map -> {
                    if (nodes > MAX_NODES || above.size() >= MAX_DEPTH || !above.add(id)) {
                        yield new Leaf(value);
                    }
                    SortedMap<String, ObjectTree> entries = new TreeMap<>();
                    for (Map.Entry<String, MapEntry> entry : objects.entries(id).entrySet()) {
                        bytes += entry.getKey().length();
                        ObjectValue child = entry.getValue().value();
                        ObjectTree tree = child == null ? null : tree(child);
                        if (tree != null) {
                            entries.put(entry.getKey(), tree);
                        }
                    }
                    above.remove(id);
                    yield new OfMap(id, entries);
                }
            };
        }
    }

    /** Writes only the values. */
    default void writeCompact(WireWriter to) {
        switch (this) {
            case OfMap(String id, SortedMap<String, ObjectTree> entries) -> {
                to.beginObject();
                entries.forEach((key, tree) -> tree.writeCompact(to.name(key)));
                to.endObject();
            }
            case OfCounter(String id, double count) -> to.value(count);
            case Leaf(ObjectValue value) -> {
                if (value instanceof ObjectValue.Ref) {
                    ObjectValues.write(to, value);
                } else {
                    ObjectValues.bare(to, value);
                }
            }
        }
    }

    /** Writes the values with ids and types. */
    default void writeFull(WireWriter to) {
        switch (this) {
            case OfMap(String id, SortedMap<String, ObjectTree> entries) -> {
                to.beginObject().field("objectId", id);
                to.name("map").beginObject().field("semantics", "LWW");
                to.name("entries").beginObject();
                entries.forEach((key, tree) -> {
                    to.name(key).beginObject().name("data");
                    tree.writeFull(to);
                    to.endObject();
                });
                to.endObject().endObject().endObject();
            }
            case OfCounter(String id, double count) -> {
                to.beginObject().field("objectId", id).name("counter").beginObject();
                to.name("data").beginObject().name("number").value(count);
                to.endObject().endObject().endObject();
            }
            case Leaf(ObjectValue value) -> ObjectValues.write(to, value);
        }
    }
}
