package dev.parley.engine.session;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The sessions as readers see them: as far as it is durable and applied. Thread-safe; reads block on the disk. */
@SuppressWarnings("DoNotCallSuggester")
public final class Sessions {
    /** A part of a log: positions from {@code from} to {@code to}, both inclusive. */
    public record Range(long from, long to, boolean newestFirst) {}

    /** A member and where it is. */
    public record Membership(SessionName session, String connectionId) {}

    /** The session, or null if nothing has ever been in it. */
    public @Nullable SessionState find(SessionName name) {
        throw new UnsupportedOperationException(name.key());
    }

    /** Sessions of an app in the order of their names, of those that begin with {@code prefix} and come after {@code after}. */
    public List<SessionState> list(String app, String prefix, String after, int limit) {
        throw new UnsupportedOperationException(app + prefix + after + limit);
    }

    /** Messages by serial, each whole and in its newest version; at least one, if there is any, whatever its size. */
    public List<MessageEntry> messages(SessionState session, Range serials, int limit, int maxBytes) {
        throw new UnsupportedOperationException(session.toString() + serials + limit + maxBytes);
    }

    /** The newest version of a message, whole, or null. */
    public @Nullable MessageEntry message(SessionState session, long serial) {
        throw new UnsupportedOperationException(session.toString() + serial);
    }

    /** The versions of a message from {@code from} on, each whole, oldest first. */
    public List<MessageEntry> versions(SessionState session, long serial, long from, int limit) {
        throw new UnsupportedOperationException(session.toString() + serial + from + limit);
    }

    /** What members did, by position. */
    public List<PresenceEntry> presence(SessionState session, Range positions, int limit) {
        throw new UnsupportedOperationException(session.toString() + positions + limit);
    }

    /** Who is there now, each as PRESENT with the id and position of what it did last. */
    public List<PresenceEntry> members(SessionState session) {
        throw new UnsupportedOperationException(session.toString());
    }

    /** Everybody who is anywhere, once for each session and connection: after a restart somebody has to watch them. */
    public List<Membership> memberships() {
        throw new UnsupportedOperationException();
    }
}
