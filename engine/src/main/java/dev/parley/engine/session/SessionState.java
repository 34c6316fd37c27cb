package dev.parley.engine.session;

/**
 * The state of a session at one moment. Immutable, so that any thread may look at the newest one.
 *
 * @param id the journal position of the command that created the session: no two sessions ever have the same id
 * @param last the position of the newest entry
 * @param horizon entries up to here may have been removed: a reader that comes back to an earlier place has lost some
 * @param bytes the size of the messages in bytes, roughly
 * @param members the number of presence members
 * @param control who has the control
 * @param stalled whether the agent of one of its runs is stalled
 */
public record SessionState(
        SessionName name, long id, long last, long horizon, long bytes, int members, Control control, boolean stalled) {
    /** An empty session. */
    public SessionState(SessionName name, long id) {
        this(name, id, Positions.START, Positions.START, 0, 0, Control.DEFAULT, false);
    }

    /** Whether nothing is missing for a reader that has read up to {@code position}. */
    public boolean goesOnFrom(long position) {
        return position >= horizon && position <= last;
    }

    /** The state after an entry was added. */
    public SessionState withLast(long position) {
        return new SessionState(name, id, position, horizon, bytes, members, control, stalled);
    }

    /** The state after entries were removed. */
    public SessionState withHorizon(long position) {
        return new SessionState(name, id, last, position, bytes, members, control, stalled);
    }

    /** The state with another size of messages. */
    public SessionState withBytes(long count) {
        return new SessionState(name, id, last, horizon, count, members, control, stalled);
    }

    /** The state with another number of members. */
    public SessionState withMembers(int count) {
        return new SessionState(name, id, last, horizon, bytes, count, control, stalled);
    }

    /** The state with another control. */
    public SessionState withControl(Control now) {
        return new SessionState(name, id, last, horizon, bytes, members, now, stalled);
    }

    /** The state with an agent that is stalled, or without one. */
    public SessionState withStalled(boolean now) {
        return new SessionState(name, id, last, horizon, bytes, members, control, now);
    }
}
