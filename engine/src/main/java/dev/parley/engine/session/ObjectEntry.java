package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * An object was changed. The entry is shown to present readers and not stored; the store has the resulting objects
 * instead.
 *
 * @param id the id from the client or the door; null for changes that the session makes by itself
 * @param clientId the client that changed the object, if it is known
 * @param connectionId the connection that changed the object, or null for REST
 * @param extras a JSON object as text
 */
public record ObjectEntry(
        long position,
        @Nullable String id,
        @Nullable String clientId,
        @Nullable String connectionId,
        @Nullable String extras,
        ObjectOperation operation)
        implements SessionEntry {
    @Override
    public int weight() {
        return 128 + operation.size() + (extras == null ? 0 : extras.length());
    }
}
