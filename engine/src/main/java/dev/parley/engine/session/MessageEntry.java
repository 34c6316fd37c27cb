package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * A message that was created or changed.
 *
 * @param position also the version that the message has from here on
 * @param action what happened: with {@link Action#APPEND} the body has only what was added, else all there is
 * @param serial position of the message's creation; the same in all its versions
 * @param previous position of the version before, or 0 if this entry creates the message
 * @param id the message's id
 * @param clientId who created the message, if it is known
 * @param connectionId the connection that created the message, or null for one that came by REST
 * @param operation who changed it; null if nobody has
 * @param summaries what its annotations come to; null if it never had any, and with {@link Action#APPEND}
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

    /** What can happen to a message. */
    public enum Action {
        CREATE,
        UPDATE,
        DELETE,
        APPEND
    }

    /** With what is said about the message. */
    public MessageEntry with(@Nullable Summaries its) {
        return new MessageEntry(position, action, serial, previous, id, clientId, connectionId, body, operation, its);
    }

    @Override
    public int weight() {
        return 128 + body.size() + (summaries == null ? 0 : summaries.size());
    }
}
