package dev.parley.engine.session.object;

/**
 * The objects of a session taken together.
 *
 * @param objects how many there are, deleted ones that are still kept included
 * @param bytes roughly what they take in the store
 * @param collectedAt when was last looked for what can be dropped, in milliseconds since 1970
 */
public record ObjectTotals(int objects, long bytes, long collectedAt) {
    /** Of a session without objects. */
    public static final ObjectTotals NONE = new ObjectTotals(0, 0, 0);
}
