package dev.parley.server.realtime;

import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Sessions;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.WireFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All members of a session on their way to one client, page by page as it can take them.
 *
 * <p>Who comes or goes meanwhile may be on a later page, or not, and the client hears of it afterwards as well.
 */
final class MemberSync {
    private static final int PAGE_MEMBERS = 100;
    private static final int PAGE_BYTES = 48 << 10;

    private final String id;
    private final long behind;
    private Sessions.@Nullable Member last;
    private int pages;
    private boolean over;

    /**
     * At its beginning.
     *
     * @param id another one for each sync of a connection
     * @param behind what happened up to here the client is sent first: it would take no notice of events that are older
     *     than what the sync has told it
     */
    MemberSync(String id, long behind) {
        this.id = id;
        this.behind = behind;
    }

    /** What happened up to here comes before it. */
    long behind() {
        return behind;
    }

    /** Whether a client that has been sent everything up to {@code position} can take it. */
    boolean isDue(long position) {
        return position >= behind;
    }

    /** The next page; blocks. */
    Sessions.Page<PresenceEntry> read(Sessions sessions, SessionName session) {
        SessionState state = sessions.find(session);
        return state == null
                ? new Sessions.Page<>(List.of(), false)
                : sessions.members(state, last, member -> true, PAGE_MEMBERS, PAGE_BYTES);
    }

    /** The page as a frame. */
    byte[] frame(WireFormat format, String channel, Sessions.Page<PresenceEntry> page) {
        over = !page.more();
        if (!over) {
            PresenceEntry end = page.entries().getLast();
            last = new Sessions.Member(end.connectionId(), end.clientId());
        }
        return Frames.sync(format, channel, id + ":" + (over ? "" : Integer.toString(++pages)), page.entries());
    }

    /** Whether the last page has been made. */
    boolean isOver() {
        return over;
    }
}
