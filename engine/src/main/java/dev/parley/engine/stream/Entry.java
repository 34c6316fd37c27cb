package dev.parley.engine.stream;

/**
 * One append in a stream's log.
 *
 * @param start position of its first unit
 * @param payload its data
 */
public record Entry(long start, Payload payload) {
    /** Position behind its last unit. */
    public long end() {
        return start + payload.units();
    }

    /** Roughly the memory that the entry holds, in bytes. */
    public int weight() {
        int[] lengths = payload.lengths();
        return 64 + payload.bytes().length + (lengths == null ? 0 : Integer.BYTES * lengths.length);
    }

    /**
     * The entry as somebody gets it who reads from {@code position} on, which lies in it: of JSON messages those from there
     * on. Of bytes all, for nobody was ever told of a position inside an append, and a part of one means nothing.
     */
    public Entry from(long position) {
        return payload.lengths() == null ? this : clip(position, end());
    }

    /** The part of the entry that lies between two positions. */
    public Entry clip(long from, long to) {
        long first = Math.max(from, start);
        long last = Math.min(to, end());
        return first == start && last == end()
                ? this
                : new Entry(first, payload.slice((int) (first - start), (int) (last - start)));
    }
}
