package dev.parley.engine.session.object;

/**
 * The state of an object at one moment, without the entries of a map. Times are milliseconds since 1970; 0 means never.
 */
public sealed interface ObjectState {
    /** The object's id. */
    String id();

    /**
     * A map.
     *
     * @param clearedAt the position at which it was cleared last, or 0
     * @param keys the number of keys, without removed ones
     * @param orphanedSince when it was first found to be unreachable
     */
    record MapState(String id, long clearedAt, int keys, long orphanedSince) implements ObjectState {
        /** The map that every session has from its beginning. */
        public static final MapState ROOT = new MapState(ObjectIds.ROOT, 0, 0, 0);

        MapState withKeys(int count) {
            return new MapState(id, clearedAt, count, orphanedSince);
        }

        MapState cleared(long position) {
            return new MapState(id, position, 0, orphanedSince);
        }
    }

    /**
     * A counter.
     *
     * @param changedAt the position of the newest change, by which a reader knows which increments are included in
     *     {@code count}
     * @param orphanedSince as for maps
     */
    record CounterState(String id, double count, long changedAt, long orphanedSince) implements ObjectState {}

    /**
     * An object that was deleted at {@code position}. It is kept for a while, so that clients that come back learn of
     * it.
     */
    record Deleted(String id, long position) implements ObjectState {}

    /** When the object was first found to be unreachable. */
    default long orphanedAt() {
        return switch (this) {
            case MapState map -> map.orphanedSince;
            case CounterState counter -> counter.orphanedSince;
            case Deleted deleted -> 0;
        };
    }

    /** The same object with another time at which it was found to be unreachable. */
    default ObjectState orphaned(long since) {
        return switch (this) {
            case MapState map -> new MapState(map.id, map.clearedAt, map.keys, since);
            case CounterState counter -> new CounterState(counter.id, counter.count, counter.changedAt, since);
            case Deleted deleted -> deleted;
        };
    }

    /** The size in the store in bytes, roughly. */
    default int size() {
        return 64 + id().length();
    }
}
