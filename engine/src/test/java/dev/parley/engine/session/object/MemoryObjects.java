package dev.parley.engine.session.object;

import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Objects of a session in memory, where drafts can be written to. */
final class MemoryObjects implements ObjectTable {
    private final SortedMap<String, ObjectState> objects = new TreeMap<>();
    private final Map<String, SortedMap<String, MapEntry>> entries = new TreeMap<>();
    private ObjectTotals totals = ObjectTotals.NONE;

    void write(ObjectDraft draft) {
        draft.changedObjects()
                .forEach((id, object) -> object.ifPresentOrElse(put -> objects.put(id, put), () -> objects.remove(id)));
        draft.changedEntries().forEach((id, changed) -> {
            SortedMap<String, MapEntry> map = entries.computeIfAbsent(id, fresh -> new TreeMap<>());
            changed.forEach((key, entry) -> entry.ifPresentOrElse(put -> map.put(key, put), () -> map.remove(key)));
        });
        totals = draft.totals();
    }

    @Override
    public ObjectTotals totals() {
        return totals;
    }

    @Override
    public @Nullable ObjectState object(String id) {
        return objects.get(id);
    }

    @Override
    public SortedMap<String, ObjectState> objects() {
        return objects;
    }

    @Override
    public @Nullable MapEntry entry(String mapId, String key) {
        return entries(mapId).get(key);
    }

    @Override
    public SortedMap<String, MapEntry> entries(String mapId) {
        return entries.getOrDefault(mapId, new TreeMap<>());
    }
}
