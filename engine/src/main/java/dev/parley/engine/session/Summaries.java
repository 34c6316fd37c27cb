package dev.parley.engine.session;

import dev.parley.engine.session.annotation.SummaryMethod;
import java.util.Map;

/**
 * What the annotations of a message come to.
 *
 * @param types by type, then by name; the name is empty where the type's {@link SummaryMethod} has none
 */
public record Summaries(Map<String, Map<String, Tally>> types) {
    /** Of a message without annotations. */
    public static final Summaries NONE = new Summaries(Map.of());

    /**
     * A sum.
     *
     * @param total how many there are: clients, or where these are counted, the sum of all counts
     * @param unidentified how many of them nobody has signed
     * @param clients how many clients have a part in it
     * @param counts the part of each; of so many clients only the first by their ids
     */
    public record Tally(long total, long unidentified, int clients, Map<String, Long> counts) {
        /** True if not all clients are listed. */
        public boolean clipped() {
            return counts.size() < clients;
        }
    }

    /** Roughly the memory that they take, in bytes. */
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
