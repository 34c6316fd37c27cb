package dev.parley.server.realtime;

import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.Sessions;
import dev.parley.engine.session.Sessions.ObjectPage;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.WireFormat;
import org.jspecify.annotations.Nullable;

/**
 * All objects of a session on their way to one client, page by page as it can take them.
 *
 * <p>A later page may hold changes that come behind the place at which the sync began. The client gets these changes as
 * well, and each can be repeated or tells by its serial that it is known.
 */
final class ObjectSync {
    /** What a page may have; larger objects come in several. */
    static final int PAGE_BYTES = 48 << 10;

    private final String id;
    private byte @Nullable [] next;
    private int pages;

    /**
     * At its beginning.
     *
     * @param id another one for each sync of a connection
     */
    ObjectSync(String id) {
        this.id = id;
    }

    /** The next page; blocks. */
    ObjectPage read(Sessions sessions, SessionName session) {
        return sessions.objects(session, next, PAGE_BYTES);
    }

    /** The page as a frame. */
    byte[] frame(WireFormat format, String channel, ObjectPage page) {
        next = page.next();
        String cursor = id + ":" + (next == null ? "" : Integer.toString(++pages));
        return Frames.objectSync(format, channel, cursor, page.parts(), page.last());
    }

    /** Whether the last page has been made. */
    boolean isOver() {
        return next == null;
    }
}
