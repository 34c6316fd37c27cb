package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * The summaries of a message have changed.
 *
 * @param serial the serial of the message
 * @param id the id of the message
 * @param clientId the client id of the message
 * @param name the present name of the message
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
