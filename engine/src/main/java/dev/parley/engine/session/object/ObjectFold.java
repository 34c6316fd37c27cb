package dev.parley.engine.session.object;

import dev.parley.engine.session.ObjectLimits;
import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectOperation.CounterCreate;
import dev.parley.engine.session.ObjectOperation.CounterInc;
import dev.parley.engine.session.ObjectOperation.MapClear;
import dev.parley.engine.session.ObjectOperation.MapCreate;
import dev.parley.engine.session.ObjectOperation.MapRemove;
import dev.parley.engine.session.ObjectOperation.MapSet;
import dev.parley.engine.session.ObjectOperation.ObjectDelete;
import dev.parley.engine.session.ObjectRefusal;
import dev.parley.engine.session.ObjectRefusal.Reason;
import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.object.ObjectState.CounterState;
import dev.parley.engine.session.object.ObjectState.Deleted;
import dev.parley.engine.session.object.ObjectState.MapState;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Applies operations to objects.
 *
 * <p>A session has one order, so nothing is merged: each operation sees the objects as the earlier ones have left them,
 * and the last operation that sets a key wins. The operations of one command go into one {@link #draft()}.
 */
public final class ObjectFold {
    /** The number of collections in a grace period. */
    private static final int COLLECTIONS_PER_GRACE = 8;

    /** The grace period when most of the room is used: a little more than the shortest period that clients rely on. */
    private static final long SHORT_GRACE_MILLIS = 3 * 60 * 1000L;

    /** The greatest number of objects that one collection deletes, because readers are told of each. */
    private static final int MAX_DELETED = 900;

    private final ObjectDraft draft;
    private final ObjectLimits limits;

    /** Starts with {@code before}, which is not changed. */
    public ObjectFold(ObjectTable before, ObjectLimits limits) {
        this.draft = new ObjectDraft(before);
        this.limits = limits;
    }

    /** The objects after the operations. */
    public ObjectDraft draft() {
        return draft;
    }

    /** Applies an operation, or returns why it is refused. After a refusal, the draft must not be used any more. */
    public @Nullable ObjectRefusal apply(long position, ObjectOperation operation) {
        ObjectRefusal refusal = switch (operation) {
            case MapCreate op -> create(position, op);
            case CounterCreate op -> create(position, op);
            case MapSet op -> set(position, op.objectId(), op.key(), op.value());
            case MapRemove op -> remove(position, op);
            case MapClear op -> clear(position, op);
            case CounterInc op -> increment(position, op);
            case ObjectDelete op -> delete(position, op);
        };
        if (refusal == null && draft.totals().objects() > limits.objects()) {
            return refuse(Reason.TOO_MANY_OBJECTS, operation.objectId());
        }
        if (refusal == null && draft.totals().bytes() > limits.bytes() && grows(operation)) {
            return refuse(Reason.SESSION_FULL, operation.objectId());
        }
        return refusal;
    }

    /**
     * Whether an operation needs more room. One that frees room is accepted even if the limit was lowered below the
     * present size.
     */
    private static boolean grows(ObjectOperation operation) {
        return switch (operation) {
            case MapCreate op -> true;
            case CounterCreate op -> true;
            case MapSet op -> true;
            case MapRemove op -> false;
            case MapClear op -> false;
            case CounterInc op -> false;
            case ObjectDelete op -> false;
        };
    }

    private @Nullable ObjectRefusal create(long position, MapCreate op) {
        if (op.objectId().equals(ObjectIds.ROOT) || !ObjectIds.isMap(op.objectId())) {
            return refuse(Reason.WRONG_KIND, op.objectId());
        }
        switch (draft.object(op.objectId())) {
            case null -> draft.put(new MapState(op.objectId(), 0, 0, 0));
            case Deleted deleted -> {
                return refuse(Reason.DELETED, op.objectId());
            }
            // The id is derived from the content, so this is the same object again.
            case MapState map -> {
                return null;
            }
            case CounterState counter -> throw new IllegalStateException("a counter " + op.objectId());
        }
        for (Map.Entry<String, ObjectValue> entry : op.entries().entrySet()) {
            ObjectRefusal refusal = set(position, op.objectId(), entry.getKey(), entry.getValue());
            if (refusal != null) {
                return refusal;
            }
        }
        return null;
    }

    private @Nullable ObjectRefusal create(long position, CounterCreate op) {
        if (!ObjectIds.isCounter(op.objectId())) {
            return refuse(Reason.WRONG_KIND, op.objectId());
        }
        return switch (draft.object(op.objectId())) {
            case null -> {
                draft.put(new CounterState(op.objectId(), op.count(), position, 0));
                yield Double.isFinite(op.count()) ? null : refuse(Reason.OUT_OF_RANGE, op.objectId());
            }
            case Deleted deleted -> refuse(Reason.DELETED, op.objectId());
            case CounterState counter -> null;
            case MapState map -> throw new IllegalStateException("a map " + op.objectId());
        };
    }

    private @Nullable ObjectRefusal set(long position, String mapId, String key, ObjectValue value) {
        if (!(find(mapId) instanceof MapState map)) {
            return refuseChange(mapId);
        }
        if (key.length() > ObjectLimits.MAX_KEY_LENGTH || value.size() > limits.valueBytes()) {
            return refuse(Reason.VALUE_TOO_LARGE, mapId);
        }
        if (value instanceof ObjectValue.Ref(String target)) {
            switch (find(target)) {
                case null -> {
                    return refuse(Reason.NOT_FOUND, target);
                }
                case Deleted deleted -> {
                    return refuse(Reason.DELETED, target);
                }
                case ObjectState found -> {
                    if (found.orphanedAt() != 0) {
                        draft.put(found.orphaned(0));
                    }
                }
            }
        }
        MapEntry before = draft.put(mapId, key, new MapEntry(position, value));
        if (before == null || before.value() == null) {
            if (map.keys() >= limits.keys()) {
                return refuse(Reason.TOO_MANY_KEYS, mapId);
            }
            // The map is looked up again, because it may refer to itself.
            draft.put(((MapState) known(mapId)).withKeys(map.keys() + 1));
        }
        return null;
    }

    private @Nullable ObjectRefusal remove(long position, MapRemove op) {
        if (!(find(op.objectId()) instanceof MapState map)) {
            return refuseChange(op.objectId());
        }
        if (op.key().length() > ObjectLimits.MAX_KEY_LENGTH) {
            return refuse(Reason.VALUE_TOO_LARGE, op.objectId());
        }
        MapEntry before = draft.entry(op.objectId(), op.key());
        if (before != null && before.value() != null) {
            draft.put(op.objectId(), op.key(), new MapEntry(position, null));
            draft.put(map.withKeys(map.keys() - 1));
        }
        return null;
    }

    private @Nullable ObjectRefusal clear(long position, MapClear op) {
        if (!(find(op.objectId()) instanceof MapState map)) {
            return refuseChange(op.objectId());
        }
        forgetEntries(op.objectId());
        draft.put(map.cleared(position));
        return null;
    }

    private @Nullable ObjectRefusal increment(long position, CounterInc op) {
        if (!(find(op.objectId()) instanceof CounterState counter)) {
            return refuseChange(op.objectId());
        }
        double sum = counter.count() + op.amount();
        draft.put(new CounterState(counter.id(), sum, position, counter.orphanedSince()));
        return Double.isFinite(sum) ? null : refuse(Reason.OUT_OF_RANGE, counter.id());
    }

    private @Nullable ObjectRefusal delete(long position, ObjectDelete op) {
        if (op.objectId().equals(ObjectIds.ROOT)) {
            return refuse(Reason.WRONG_KIND, op.objectId());
        }
        switch (draft.object(op.objectId())) {
            case null -> {
                return refuse(Reason.NOT_FOUND, op.objectId());
            }
            case Deleted deleted -> {
                return refuse(Reason.DELETED, op.objectId());
            }
            case MapState map -> forgetEntries(map.id());
            case CounterState counter -> {}
        }
        draft.put(new Deleted(op.objectId(), position));
        return null;
    }

    private void forgetEntries(String mapId) {
        draft.entries(mapId).forEach((key, entry) -> draft.remove(mapId, key, entry));
    }

    private @Nullable ObjectState find(String id) {
        ObjectState found = draft.object(id);
        return found == null && id.equals(ObjectIds.ROOT) ? MapState.ROOT : found;
    }

    private ObjectState known(String id) {
        ObjectState found = find(id);
        if (found == null) {
            throw new IllegalStateException("no object " + id);
        }
        return found;
    }

    private ObjectRefusal refuseChange(String objectId) {
        return switch (find(objectId)) {
            case null -> refuse(Reason.NOT_FOUND, objectId);
            case Deleted deleted -> refuse(Reason.DELETED, objectId);
            case ObjectState other -> refuse(Reason.WRONG_KIND, objectId);
        };
    }

    private static ObjectRefusal refuse(Reason reason, String objectId) {
        return new ObjectRefusal(reason, objectId);
    }

    // Collection.

    /** Whether a collection is due. */
    public boolean collectionDue(long time) {
        return time - draft.totals().collectedAt() >= graceMillis() / COLLECTIONS_PER_GRACE;
    }

    private long graceMillis() {
        ObjectTotals totals = draft.totals();
        boolean scarce = totals.objects() > limits.objects() / 4 * 3 || totals.bytes() > limits.bytes() / 4 * 3;
        return scarce ? Math.min(SHORT_GRACE_MILLIS, limits.graceMillis()) : limits.graceMillis();
    }

    /**
     * Removes entries and objects that were removed or deleted long enough ago, and returns the objects that are to be
     * deleted because they have been unreachable for as long. It examines everything, so it is done rarely.
     */
    public List<ObjectDelete> collect(long time) {
        long keptSince = time - graceMillis();
        draft.collected(time);
        Set<String> wanted = new HashSet<>();
        mark(ObjectIds.ROOT, wanted);
        List<String> due = new ArrayList<>();
        List<String> orphans = new ArrayList<>();
        for (ObjectState object : draft.objects().values()) {
            boolean orphan = !wanted.contains(object.id());
            switch (object) {
                case Deleted deleted -> {
                    if (Positions.millis(deleted.position()) <= keptSince) {
                        draft.remove(deleted);
                    }
                }
                case MapState map -> {
                    forgetRemoved(map.id(), keptSince);
                    note(map, orphan, time);
                }
                case CounterState counter -> note(counter, orphan, time);
            }
            if (orphan && !(object instanceof Deleted)) {
                (object.orphanedAt() != 0 && object.orphanedAt() <= keptSince ? due : orphans).add(object.id());
            }
        }
        // A client that has an object that is still kept may find everything below it.
        orphans.forEach(orphan -> mark(orphan, wanted));
        return due.stream()
                .filter(id -> !wanted.contains(id))
                .limit(MAX_DELETED)
                .map(ObjectDelete::new)
                .toList();
    }

    private void note(ObjectState object, boolean orphan, long time) {
        if (orphan != (object.orphanedAt() != 0)) {
            draft.put(object.orphaned(orphan ? time : 0));
        }
    }

    private void forgetRemoved(String mapId, long keptSince) {
        draft.entries(mapId).forEach((key, entry) -> {
            if (entry.value() == null && Positions.millis(entry.position()) <= keptSince) {
                draft.remove(mapId, key, entry);
            }
        });
    }

    /** Adds an object and everything that is reachable from it. */
    private void mark(String from, Set<String> marked) {
        ArrayDeque<String> todo = new ArrayDeque<>(List.of(from));
        while (!todo.isEmpty()) {
            String id = todo.remove();
            if (marked.add(id) && ObjectIds.isMap(id)) {
                for (MapEntry entry : draft.entries(id).values()) {
                    if (entry.value() instanceof ObjectValue.Ref(String target)) {
                        todo.add(target);
                    }
                }
            }
        }
    }
}
