package dev.parley.engine.session.object;

/**
 * The totals of the objects of a session.
 *
 * @param objects the number of objects, including deleted ones that are still kept
 * @param bytes their size in the store, roughly
 * @param collectedAt the time of the last collection, in milliseconds since 1970
 */
public record ObjectTotals(int objects, long bytes, long collectedAt) {
    /** The totals of a session without objects. */
    public static final ObjectTotals NONE = new ObjectTotals(0, 0, 0);
}
