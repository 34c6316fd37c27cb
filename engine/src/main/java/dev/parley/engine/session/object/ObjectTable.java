package dev.parley.engine.session.object;

import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The objects of one session, to be read. */
public interface ObjectTable {
    /** Those of a session that does not exist. */
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

    /** The object, also a deleted one that is still kept, or null. The root is there once it has had an entry. */
    @Nullable
    ObjectState object(String id);

    /** All objects by id. */
    SortedMap<String, ObjectState> objects();

    /** What a map has under a key, also if it was removed and is still kept, or null. */
    @Nullable
    MapEntry entry(String mapId, String key);

    /** All that a map has, by key. */
    SortedMap<String, MapEntry> entries(String mapId);
}
