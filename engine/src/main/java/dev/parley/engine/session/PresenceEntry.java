package dev.parley.engine.session;

/**
 * A presence member came, changed or left.
 *
 * @param id as the client gave it, so that clients see which of two events is newer
 */
public record PresenceEntry(long position, Action action, String id, String clientId, String connectionId, Body body)
        implements SessionEntry {
    /** What can happen to a member; PRESENT only stands for a member that is there. */
    public enum Action {
        PRESENT,
        ENTER,
        UPDATE,
        LEAVE
    }

    /** The member as one who is there. */
    public PresenceEntry present() {
        return new PresenceEntry(position, Action.PRESENT, id, clientId, connectionId, body);
    }

    @Override
    public int weight() {
        return 128 + body.size();
    }
}
