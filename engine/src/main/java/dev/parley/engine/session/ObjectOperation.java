package dev.parley.engine.session;

import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** One change of one object. */
public sealed interface ObjectOperation {
    /** The id of the object that is changed. */
    String objectId();

    /** The size in bytes, roughly. */
    default int size() {
        return objectId().length();
    }

    /** Creates a map with these entries, unless it exists. */
    record MapCreate(String objectId, SortedMap<String, ObjectValue> entries) implements ObjectOperation {
        /** Takes a copy of the entries, whose order does not matter. */
        public MapCreate(String objectId, Map<String, ObjectValue> entries) {
            this(objectId, (SortedMap<String, ObjectValue>) new TreeMap<>(entries));
        }

        @Override
        public int size() {
            int size = objectId.length();
            for (Map.Entry<String, ObjectValue> entry : entries.entrySet()) {
                size += entry.getKey().length() + entry.getValue().size();
            }
            return size;
        }
    }

    /** Sets a key of a map. */
    record MapSet(String objectId, String key, ObjectValue value) implements ObjectOperation {
        @Override
        public int size() {
            return objectId.length() + key.length() + value.size();
        }
    }

    /** Removes a key of a map. */
    record MapRemove(String objectId, String key) implements ObjectOperation {
        @Override
        public int size() {
            return objectId.length() + key.length();
        }
    }

    /** Removes all keys of a map. */
    record MapClear(String objectId) implements ObjectOperation {}

    /** Creates a counter with this value, unless it exists. */
    record CounterCreate(String objectId, double count) implements ObjectOperation {}

    /** Adds to a counter. The amount may be negative. */
    record CounterInc(String objectId, double amount) implements ObjectOperation {}

    /** Deletes an object. Values that refer to it then refer to nothing. */
    record ObjectDelete(String objectId) implements ObjectOperation {}
}
