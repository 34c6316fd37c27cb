package dev.parley.client;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A change of a shared object.
 *
 * @param objectId the object; {@code root} is the map in which all paths begin
 * @param action what was done to it
 * @param key the key of a map that was set or removed, or null
 * @param value the new value as the protocol has it: an object whose one field is {@code string}, {@code number},
 *     {@code boolean}, {@code bytes}, {@code json} or {@code objectId}; null if there is none
 * @param amount by how much a counter was incremented; 0 for other actions
 * @param serial where the change stands in the log
 * @param clientId who made it; null if anonymous
 */
public record ObjectChange(
        String objectId,
        Action action,
        @Nullable String key,
        @Nullable JsonNode value,
        double amount,
        String serial,
        @Nullable String clientId)
        implements SessionEvent {
    /** What can be done to objects, in the order of the protocol's numbers. */
    public enum Action {
        /** A map was made. */
        MAP_CREATE,
        /** A key of a map was set. */
        MAP_SET,
        /** A key of a map was removed. */
        MAP_REMOVE,
        /** A counter was made. */
        COUNTER_CREATE,
        /** A counter was incremented. */
        COUNTER_INC,
        /** An object was deleted. */
        OBJECT_DELETE,
        /** All keys of a map were removed. */
        MAP_CLEAR
    }
}
