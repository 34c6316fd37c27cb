package dev.parley.engine.session;

import dev.parley.engine.session.annotation.SummaryMethod;
import java.util.Map;

/**
 * The summaries of the annotations of a message.
 *
 * @param types the tallies by type, and then by name; the name is empty if the type's {@link SummaryMethod} has none
 */
public record Summaries(Map<String, Map<String, Tally>> types) {
    /** The summaries of a message without annotations. */
    public static final Summaries NONE = new Summaries(Map.of());

    /**
     * A tally of annotations.
     *
     * @param total the number of clients, or the sum of all counts if the type has counts
     * @param unidentified the part of it without a client id
     * @param clients the number of clients that contribute
     * @param counts the contribution of each client; if there are many clients, only of the first ones by their ids
     */
    public record Tally(long total, long unidentified, int clients, Map<String, Long> counts) {
        /** Whether there are clients that are not listed. */
        public boolean clipped() {
            return counts.size() < clients;
        }
    }

    /** The memory that the summaries take in bytes, roughly. */
    public int size() {
        int size = 0;
        for (Map.Entry<String, Map<String, Tally>> type : types.entrySet()) {
            size += 32 + type.getKey().length();
            for (Map.Entry<String, Tally> name : type.getValue().entrySet()) {
                size += 64 + name.getKey().length();
                for (String client : name.getValue().counts().keySet()) {
                    size += 32 + client.length();
                }
            }
        }
        return size;
    }
}
