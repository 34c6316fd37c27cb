package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * What the annotations of a message come to has changed.
 *
 * @param serial of the message
 * @param id of the message
 * @param clientId of the message
 * @param name of the message as it is now
 */
public record SummaryEntry(
        long position,
        long serial,
        @Nullable String id,
        @Nullable String clientId,
        @Nullable String name,
        Summaries summaries)
        implements SessionEntry {
    @Override
    public int weight() {
        return 128 + (name == null ? 0 : name.length()) + summaries.size();
    }
}
