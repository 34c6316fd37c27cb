package dev.parley.engine.session.object;

import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The objects of a session with changes that are not written yet, so that a command that is refused leaves no trace. */
public final class ObjectDraft implements ObjectTable {
    private final ObjectTable base;
    private final SortedMap<String, Optional<ObjectState>> objects = new TreeMap<>();
    private final SortedMap<String, SortedMap<String, Optional<MapEntry>>> entries = new TreeMap<>();
    private ObjectTotals totals;

    ObjectDraft(ObjectTable base) {
        this.base = base;
        this.totals = base.totals();
    }

    /** The objects that have changed. An absent one is to be removed. */
    public SortedMap<String, Optional<ObjectState>> changedObjects() {
        return objects;
    }

    /** The entries that have changed, by map and key. An absent one is to be removed. */
    public SortedMap<String, SortedMap<String, Optional<MapEntry>>> changedEntries() {
        return entries;
    }

    @Override
    public ObjectTotals totals() {
        return totals;
    }

    @Override
    public @Nullable ObjectState object(String id) {
        Optional<ObjectState> changed = objects.get(id);
        return changed == null ? base.object(id) : changed.orElse(null);
    }

    @Override
    public SortedMap<String, ObjectState> objects() {
        return merge(base.objects(), objects);
    }

    @Override
    public @Nullable MapEntry entry(String mapId, String key) {
        Optional<MapEntry> changed =
                entries.getOrDefault(mapId, new TreeMap<>()).get(key);
        return changed == null ? base.entry(mapId, key) : changed.orElse(null);
    }

    @Override
    public SortedMap<String, MapEntry> entries(String mapId) {
        return merge(base.entries(mapId), entries.getOrDefault(mapId, new TreeMap<>()));
    }

    void put(ObjectState object) {
        ObjectState before = object(object.id());
        objects.put(object.id(), Optional.of(object));
        count(before == null ? 1 : 0, object.size() - (before == null ? 0 : before.size()));
    }

    void remove(ObjectState object) {
        objects.put(object.id(), Optional.empty());
        count(-1, -object.size());
    }

    /** Sets an entry and returns the one before it. */
    @Nullable
    MapEntry put(String mapId, String key, MapEntry entry) {
        MapEntry before = entry(mapId, key);
        entries.computeIfAbsent(mapId, id -> new TreeMap<>()).put(key, Optional.of(entry));
        count(0, entry.size(key) - (before == null ? 0 : before.size(key)));
        return before;
    }

    void remove(String mapId, String key, MapEntry entry) {
        entries.computeIfAbsent(mapId, id -> new TreeMap<>()).put(key, Optional.empty());
        count(0, -entry.size(key));
    }

    void collected(long time) {
        totals = new ObjectTotals(totals.objects(), totals.bytes(), time);
    }

    private void count(int more, int moreBytes) {
        totals = new ObjectTotals(totals.objects() + more, totals.bytes() + moreBytes, totals.collectedAt());
    }

    private static <T> SortedMap<String, T> merge(SortedMap<String, T> before, Map<String, Optional<T>> changed) {
        SortedMap<String, T> merged = new TreeMap<>(before);
        changed.forEach((key, value) -> value.ifPresentOrElse(put -> merged.put(key, put), () -> merged.remove(key)));
        return merged;
    }
}
