package dev.parley.engine.session;

/**
 * A presence member entered, updated its data or left.
 *
 * @param id the id from the client, by which clients know which of two events is newer
 */
public record PresenceEntry(long position, Action action, String id, String clientId, String connectionId, Body body)
        implements SessionEntry {
    /** The events of members. PRESENT is not an event, but stands for a present member. */
    public enum Action {
        PRESENT,
        ENTER,
        UPDATE,
        LEAVE
    }

    /** The same member as a present one. */
    public PresenceEntry present() {
        return new PresenceEntry(position, Action.PRESENT, id, clientId, connectionId, body);
    }

    @Override
    public int weight() {
        return 128 + body.size();
    }
}
