package dev.parley.engine.stream;

/**
 * One append in a stream's log.
 *
 * @param start position of its first unit
 * @param payload its data
 */
public record Entry(long start, Payload payload) {
    /** Position after its last unit. */
    public long end() {
        return start + payload.units();
    }

    /** The approximate memory of the entry, in bytes. */
    public int weight() {
        int[] lengths = payload.lengths();
        return 64 + payload.bytes().length + (lengths == null ? 0 : Integer.BYTES * lengths.length);
    }

    /**
     * The entry as it is given to a reader that starts at {@code position} inside it. Of JSON messages, the reader gets
     * those from there on. Of bytes, it gets the whole entry, because a position inside an append was never given out,
     * and a part of an append has no meaning.
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
