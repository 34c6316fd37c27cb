package dev.parley.engine.session;

/**
 * What the annotations of a message come to has changed.
 *
 * @param serial of the message
 */
public record SummaryEntry(long position, long serial, Summaries summaries) implements SessionEntry {
    @Override
    public int weight() {
        return 128 + summaries.size();
    }
}
