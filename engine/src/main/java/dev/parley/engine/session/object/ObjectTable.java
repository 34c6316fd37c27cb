package dev.parley.engine.session.object;

import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The objects of one session, for reading. */
public interface ObjectTable {
    /** The objects of a session that does not exist. */
    ObjectTable EMPTY = new ObjectTable() {
        @Override
        public ObjectTotals totals() {
            return ObjectTotals.NONE;
        }

        @Override
        public @Nullable ObjectState object(String id) {
            return null;
        }

        @Override
        public SortedMap<String, ObjectState> objects() {
            return new TreeMap<>();
        }

        @Override
        public @Nullable MapEntry entry(String mapId, String key) {
            return null;
        }

        @Override
        public SortedMap<String, MapEntry> entries(String mapId) {
            return new TreeMap<>();
        }
    };

    /** The totals of all objects. */
    ObjectTotals totals();

    /** The object, even a deleted one that is still kept, or null. The root exists when it has had an entry. */
    @Nullable
    ObjectState object(String id);

    /** All objects by id. */
    SortedMap<String, ObjectState> objects();

    /** The entry of a map for a key, even a removed one that is still kept, or null. */
    @Nullable
    MapEntry entry(String mapId, String key);

    /** All entries of a map, by key. */
    SortedMap<String, MapEntry> entries(String mapId);
}
