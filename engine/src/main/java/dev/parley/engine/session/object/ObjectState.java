package dev.parley.engine.session.object;

/** What an object is at one moment, but for the entries of a map. Times are milliseconds since 1970, 0 is never. */
public sealed interface ObjectState {
    /** The object's id. */
    String id();

    /**
     * A map.
     *
     * @param clearedAt position at which it was cleared last, or 0
     * @param keys how many keys it has; removed ones do not count
     * @param orphanedSince when it was first found that nothing leads to it
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
     * @param changedAt position of its newest change, by which a reader sees which increments are in {@code count}
     * @param orphanedSince as for maps
     */
    record CounterState(String id, double count, long changedAt, long orphanedSince) implements ObjectState {}

    /** What was an object until {@code position}: kept for a while, so that clients who come back hear of it. */
    record Deleted(String id, long position) implements ObjectState {}

    /** When it was first found that nothing leads to the object. */
    default long orphanedAt() {
        return switch (this) {
            case MapState map -> map.orphanedSince;
            case CounterState counter -> counter.orphanedSince;
            case Deleted deleted -> 0;
        };
    }

    /** The same object with another note of when it lost the last way to it. */
    default ObjectState orphaned(long since) {
        return switch (this) {
            case MapState map -> new MapState(map.id, map.clearedAt, map.keys, since);
            case CounterState counter -> new CounterState(counter.id, counter.count, counter.changedAt, since);
            case Deleted deleted -> deleted;
        };
    }

    /** Roughly what it takes in the store, in bytes. */
    default int size() {
        return 64 + id().length();
    }
}
