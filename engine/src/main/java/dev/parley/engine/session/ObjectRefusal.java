package dev.parley.engine.session;

/**
 * The reason why an operation on an object was refused.
 *
 * @param objectId the object
 */
public record ObjectRefusal(Reason reason, String objectId) {
    /** The kinds of reasons. */
    public enum Reason {
        /** The object that is to be changed, or referred to, does not exist. */
        NOT_FOUND,
        /** The object was deleted. */
        DELETED,
        /** The operation is for the other kind of object, or it creates or deletes a root. */
        WRONG_KIND,
        /** The session would have too many objects. */
        TOO_MANY_OBJECTS,
        /** The map would have too many keys. */
        TOO_MANY_KEYS,
        /** A key or a value is too large. */
        VALUE_TOO_LARGE,
        /** The objects of the session would be too large. */
        SESSION_FULL,
        /** The counter would leave the range of numbers. */
        OUT_OF_RANGE
    }
}
