package dev.parley.engine.session;

import dev.parley.engine.session.annotation.SummaryMethod;
import org.jspecify.annotations.Nullable;

/**
 * An annotation of a message was created or deleted.
 *
 * @param serial the serial of the message
 * @param type the type of the annotation; its end says how annotations are summarised, see {@link SummaryMethod}
 * @param count the count, for types that have one; 0 if there is none
 * @param id the id from the client or the door
 * @param clientId the client that annotated, if it is known
 * @param connectionId the connection that annotated, or null for REST
 * @param body with the name of the annotation
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
    /** The events of annotations. */
    public enum Action {
        CREATE,
        DELETE
    }

    @Override
    public int weight() {
        return 128 + body.size();
    }
}
