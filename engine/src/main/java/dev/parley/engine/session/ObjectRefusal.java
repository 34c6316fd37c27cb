package dev.parley.engine.session;

/**
 * Why an operation cannot be done.
 *
 * @param objectId the object that it is about
 */
public record ObjectRefusal(Reason reason, String objectId) {
    /** What is in the way. */
    public enum Reason {
        /** There is no such object, neither to change nor to refer to. */
        NOT_FOUND,
        /** The object was deleted. */
        DELETED,
        /** A map's operation on a counter or the other way round, or a root made or deleted. */
        WRONG_KIND,
        /** The session would have too many objects. */
        TOO_MANY_OBJECTS,
        /** The map would have too many keys. */
        TOO_MANY_KEYS,
        /** A key or a value is too large. */
        VALUE_TOO_LARGE,
        /** The objects of the session would take too much room. */
        SESSION_FULL,
        /** The counter would leave the range of numbers. */
        OUT_OF_RANGE
    }
}
