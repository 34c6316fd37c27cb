package dev.parley.server.realtime;

import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.session.presence.Presence;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.WireFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sends all members of a session to one client, page by page as the client accepts them.
 *
 * <p>A page shows the members at the moment at which it is read, which may be ahead of the events that the client has been
 * sent. It is held back until the client has these events as well. Otherwise, the client would know a member from the
 * sync already, ignore the event by which the member entered, and tell nobody of it. A member that comes or goes later
 * may or may not be part of a later page. The client also receives the event afterwards.
 */
final class MemberSync {
    private static final int PAGE_MEMBERS = 100;
    private static final int PAGE_BYTES = 48 << 10;

    private final String id;
    private final long behind;
    private Presence.@Nullable Member last;
    /** The page that was read and is held back, or null. */
    private @Nullable Page<PresenceEntry> held;

    private int pages;
    private boolean over;

    /**
     * Starts at the first member.
     *
     * @param id different for each sync of a connection
     * @param behind position up to which the client is sent all events before the sync, because a client ignores events
     *     that are older than the sync
     */
    MemberSync(String id, long behind) {
        this.id = id;
        this.behind = behind;
    }

    /** The position up to which events are sent before the sync. */
    long behind() {
        return behind;
    }

    /**
     * Whether the sync can start or go on for a client that has been sent everything up to {@code position}.
     *
     * @param atEnd whether there are no further entries
     */
    boolean isDue(long position, boolean atEnd) {
        // At the end of the log, there is nothing left that has to come before the members.
        return held == null ? position >= behind || atEnd : isDue(held, position);
    }

    /** Whether {@code page} can be sent to a client that has been sent everything up to {@code position}. */
    static boolean isDue(Page<PresenceEntry> page, long position) {
        return page.entries().stream().allMatch(member -> member.position() <= position);
    }

    /** Holds back the page that was read; null forgets it, so that it is read again. */
    void hold(@Nullable Page<PresenceEntry> page) {
        held = page;
    }

    /** Returns the page that is held back, or reads the next one; blocks. */
    Page<PresenceEntry> read(Sessions sessions, SessionName session) {
        if (held != null) {
            return held;
        }
        SessionState state = sessions.find(session, behind);
        return state == null
                ? new Page<>(List.of(), false)
                : sessions.presence().members(state, last, member -> true, PAGE_MEMBERS, PAGE_BYTES);
    }

    /** Encodes the page as a frame. */
    byte[] frame(WireFormat format, String channel, Page<PresenceEntry> page) {
        held = null;
        over = !page.more();
        if (!over) {
            PresenceEntry end = page.entries().getLast();
            last = new Presence.Member(end.connectionId(), end.clientId());
        }
        return Frames.sync(format, channel, id + ":" + (over ? "" : Integer.toString(++pages)), page.entries());
    }

    /** Whether the last page has been made. */
    boolean isOver() {
        return over;
    }
}
