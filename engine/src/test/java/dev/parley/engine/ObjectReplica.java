package dev.parley.engine;

import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectOperation.CounterCreate;
import dev.parley.engine.session.ObjectOperation.CounterInc;
import dev.parley.engine.session.ObjectOperation.MapClear;
import dev.parley.engine.session.ObjectOperation.MapCreate;
import dev.parley.engine.session.ObjectOperation.MapRemove;
import dev.parley.engine.session.ObjectOperation.MapSet;
import dev.parley.engine.session.ObjectOperation.ObjectDelete;
import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.object.MapEntry;
import dev.parley.engine.session.object.ObjectPart;
import dev.parley.engine.session.object.ObjectState.CounterState;
import dev.parley.engine.session.object.ObjectState.Deleted;
import dev.parley.engine.session.object.ObjectState.MapState;
import dev.parley.engine.session.object.SharedObjects.ObjectPage;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The objects as a client has them: first page by page, while they go on changing, then change by change. It goes by
 * serials as clients do that merge the orders of several sites, and never asks what came in which order.
 */
final class ObjectReplica {
    private static final class Replica {
        long known;
        boolean made;
        boolean deleted;
        long cleared;
        double count;
        final Map<String, MapEntry> entries = new TreeMap<>();
    }

    private final Map<String, Replica> objects = new TreeMap<>();
    private byte @Nullable [] next;
    private boolean complete;

    boolean isComplete() {
        return complete;
    }

    byte @Nullable [] next() {
        return next;
    }

    void take(ObjectPage page) {
        for (ObjectPart part : page.parts()) {
            boolean first = !objects.containsKey(part.object().id());
            Replica replica = objects.computeIfAbsent(part.object().id(), id -> new Replica());
            replica.made = true;
            if (first) {
                replica.known = page.last();
            }
            switch (part.object()) {
                case MapState map -> {
                    replica.entries.putAll(part.entries());
                    replica.cleared = first ? map.clearedAt() : replica.cleared;
                }
                case CounterState counter -> {
                    replica.count = counter.count();
                    replica.known = Math.max(page.last(), counter.changedAt());
                }
                case Deleted deleted -> {
                    replica.deleted = true;
                    replica.entries.clear();
                }
            }
        }
        next = page.next();
        complete = next == null;
    }

    void take(ObjectEntry entry) {
        ObjectOperation operation = entry.operation();
        Replica replica = objects.computeIfAbsent(operation.objectId(), id -> new Replica());
        long at = entry.position();
        if (at <= replica.known) {
            return;
        }
        replica.known = at;
        if (replica.deleted) {
            return;
        }
        switch (operation) {
            case MapCreate op -> {
                if (!replica.made) {
                    op.entries().forEach((key, value) -> put(replica, key, at, value));
                }
                replica.made = true;
            }
            case MapSet op -> put(replica, op.key(), at, op.value());
            case MapRemove op -> put(replica, op.key(), at, null);
            case MapClear op -> {
                replica.cleared = Math.max(replica.cleared, at);
                replica.entries.values().removeIf(known -> known.position() < at);
            }
            case CounterCreate op -> {
                replica.count += replica.made ? 0 : op.count();
                replica.made = true;
            }
            case CounterInc op -> replica.count += op.amount();
            case ObjectDelete op -> {
                replica.deleted = true;
                replica.entries.clear();
            }
        }
    }

    private static void put(Replica replica, String key, long at, @Nullable ObjectValue value) {
        MapEntry known = replica.entries.get(key);
        if (at > replica.cleared && (known == null || known.position() < at)) {
            replica.entries.put(key, new MapEntry(at, value));
        }
    }

    /** What there is, by id: maps and numbers. */
    Map<String, Object> contents() {
        Map<String, Object> contents = new TreeMap<>(Map.of("root", Map.of()));
        objects.forEach((id, replica) -> {
            if (!replica.deleted) {
                Map<String, ObjectValue> map = new TreeMap<>();
                replica.entries.forEach((key, entry) -> {
                    if (entry.value() != null) {
                        map.put(key, entry.value());
                    }
                });
                contents.put(id, id.startsWith("counter:") ? (Object) replica.count : map);
            }
        });
        return contents;
    }
}
