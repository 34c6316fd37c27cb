package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * An object was changed. The log shows it to those who are there and does not keep it: what it has made of the objects is
 * kept instead.
 *
 * @param id the client's or the door's id; null for what the session does by itself
 * @param clientId who did it, if it is known
 * @param connectionId the connection that did it, or null for what came by REST
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
