package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * A message that was created or changed.
 *
 * @param position the position of the entry, which is also the new version of the message
 * @param action what happened: with {@link Action#APPEND}, the body has only the added part, and otherwise all of the
 *     message
 * @param serial the position of the message's creation, the same in all versions
 * @param previous the position of the version before, or 0 if this entry creates the message
 * @param id the message's id
 * @param clientId the client that created the message, if it is known
 * @param connectionId the connection that created the message, or null for REST
 * @param operation who changed the message; null if nobody has
 * @param summaries the summaries of its annotations; null if it never had any, and with {@link Action#APPEND}
 */
public record MessageEntry(
        long position,
        Action action,
        long serial,
        long previous,
        @Nullable String id,
        @Nullable String clientId,
        @Nullable String connectionId,
        Body body,
        @Nullable Operation operation,
        @Nullable Summaries summaries)
        implements SessionEntry {
    /** A message without annotations. */
    public MessageEntry(
            long position,
            Action action,
            long serial,
            long previous,
            @Nullable String id,
            @Nullable String clientId,
            @Nullable String connectionId,
            Body body,
            @Nullable Operation operation) {
        this(position, action, serial, previous, id, clientId, connectionId, body, operation, null);
    }

    /** The events of messages. */
    public enum Action {
        CREATE,
        UPDATE,
        DELETE,
        APPEND
    }

    /** The same entry with summaries. */
    public MessageEntry with(@Nullable Summaries its) {
        return new MessageEntry(position, action, serial, previous, id, clientId, connectionId, body, operation, its);
    }

    @Override
    public int weight() {
        return 128 + body.size() + (summaries == null ? 0 : summaries.size());
    }
}
