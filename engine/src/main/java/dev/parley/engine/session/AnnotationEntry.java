package dev.parley.engine.session;

import dev.parley.engine.session.annotation.SummaryMethod;
import org.jspecify.annotations.Nullable;

/**
 * Somebody said something about a message, or took it back.
 *
 * @param serial of the message
 * @param type what kind of thing it is; its end says how it is summed up, see {@link SummaryMethod}
 * @param count how often it counts where that is counted, or 0 if that was not said
 * @param id as the client or the door gave it
 * @param clientId who did it, if it is known
 * @param connectionId the connection that did it, or null for what came by REST
 * @param body with the annotation's own name
 */
public record AnnotationEntry(
        long position,
        Action action,
        long serial,
        String type,
        long count,
        @Nullable String id,
        @Nullable String clientId,
        @Nullable String connectionId,
        Body body)
        implements SessionEntry {
    /** What can happen to an annotation. */
    public enum Action {
        CREATE,
        DELETE
    }

    @Override
    public int weight() {
        return 128 + body.size();
    }
}
