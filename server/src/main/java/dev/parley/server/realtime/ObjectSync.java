package dev.parley.server.realtime;

import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.session.object.SharedObjects.ObjectPage;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.WireFormat;
import org.jspecify.annotations.Nullable;

/**
 * Sends all objects of a session to one client, page by page as the client accepts them.
 *
 * <p>A later page may already include changes that were made after the sync began. The client also receives these
 * changes as entries. It can apply each of them twice, or can tell by its serial that it is known.
 */
final class ObjectSync {
    /** Size of a page. Larger objects are divided. */
    static final int PAGE_BYTES = 48 << 10;

    private final String id;
    private byte @Nullable [] next;
    private int pages;

    /**
     * Starts at the first object.
     *
     * @param id different for each sync of a connection
     */
    ObjectSync(String id) {
        this.id = id;
    }

    /** Reads the next page; blocks. */
    ObjectPage read(Sessions sessions, SessionName session) {
        return sessions.objects().page(session, next, PAGE_BYTES);
    }

    /** Encodes the page as a frame. */
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
