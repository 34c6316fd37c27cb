package dev.parley.engine.session;

/**
 * A change of the control of a session. It is kept when the message that has said so is gone.
 *
 * @param position of that message
 * @param notice what it has said
 */
public record ControlChange(long position, Body notice) {
    /** What a change takes besides its notice. */
    private static final int WEIGHT = 64;

    /** The memory that it takes in bytes, roughly. */
    public int weight() {
        return WEIGHT + notice.size();
    }
}
