package dev.parley.engine.session;

/**
 * What a session is at one moment. Immutable, so that any thread may look at the newest one.
 *
 * @param id journal position of the command that made it: no two sessions ever share one
 * @param last position of its newest entry
 * @param horizon entries up to here may have been removed: a reader that comes back to a place before has lost some
 * @param bytes roughly what its messages take, in bytes
 * @param members how many presence members it has
 */
public record SessionState(SessionName name, long id, long last, long horizon, long bytes, int members) {
    /** A session with nothing in it. */
    public SessionState(SessionName name, long id) {
        this(name, id, Positions.START, Positions.START, 0, 0);
    }

    /** True if nothing is missing for a reader who has read up to {@code position}. */
    public boolean goesOnFrom(long position) {
        return position >= horizon && position <= last;
    }

    /** After an entry was added. */
    public SessionState withLast(long position) {
        return new SessionState(name, id, position, horizon, bytes, members);
    }

    /** After entries were removed. */
    public SessionState withHorizon(long position) {
        return new SessionState(name, id, last, position, bytes, members);
    }

    /** With other messages. */
    public SessionState withBytes(long count) {
        return new SessionState(name, id, last, horizon, count, members);
    }

    /** With other members. */
    public SessionState withMembers(int count) {
        return new SessionState(name, id, last, horizon, bytes, count);
    }
}
