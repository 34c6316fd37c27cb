package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * What remains of a session that was erased.
 *
 * @param id the session's id; another session may have its name by now
 * @param erased when it was erased, in milliseconds since 1970
 * @param by who has done so
 * @param txid the id of that request, if the client has chosen one: it erases no later session of the name
 * @param end a position after all that the session ever had. A later session of the name begins there, so that no place of the
 *     erased one is taken for a place in it
 * @param purged since when nothing of the content is left in the files, in milliseconds since 1970; 0 if that is not certain yet
 */
public record Tombstone(
        SessionName name,
        long id,
        long erased,
        @Nullable String by,
        @Nullable String txid,
        long end,
        long purged) {
    /** The same, when nothing of the content is left. */
    public Tombstone withPurged(long time) {
        return new Tombstone(name, id, erased, by, txid, end, time);
    }
}
