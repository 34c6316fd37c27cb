package dev.parley.server.realtime;

import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Sessions;
import java.util.List;

/**
 * The messages from before an attach that a client is sent: cancels that have had no effect yet, and the messages of
 * its rewind. They are sent oldest first, page by page as the client accepts them.
 */
final class Backlog {
    private static final int PAGE_BYTES = 64 << 10;

    private final long rewindFrom;
    private final long attachedAt;
    private boolean cancelsAreOver;
    private long next;
    private boolean over;

    /**
     * Starts at the first message.
     *
     * @param cancels whether to include cancels
     * @param rewindFrom the serial of the first message of the rewind; greater than {@code attachedAt} if there is no
     *     rewind
     * @param attachedAt the attach point, at which the backlog ends
     */
    Backlog(boolean cancels, long rewindFrom, long attachedAt) {
        this.rewindFrom = rewindFrom;
        this.attachedAt = attachedAt;
        this.cancelsAreOver = !cancels;
        this.next = cancels ? 0 : rewindFrom;
    }

    /** The client's place when it has received the whole backlog. */
    long attachedAt() {
        return attachedAt;
    }

    /** Reads the next page, which may be empty; blocks. */
    Sessions.Page<MessageEntry> read(Sessions sessions, SessionName session) {
        SessionState state = sessions.find(session);
        if (state == null) {
            return new Sessions.Page<>(List.of(), false);
        }
        if (cancelsAreOver) {
            var range = new Sessions.Range(next, attachedAt, false);
            return sessions.messagePage(state, range, Integer.MAX_VALUE, PAGE_BYTES);
        }
        // Later cancels are part of the rewind.
        var range = new Sessions.Range(next, Math.min(rewindFrom - 1, attachedAt), false);
        return sessions.cancels(state, range, PAGE_BYTES);
    }

    /** Notes that the page has been sent, and moves on to the next one. */
    void sent(Sessions.Page<MessageEntry> page) {
        if (page.more()) {
            next = page.entries().getLast().serial() + 1;
        } else {
            over = cancelsAreOver || rewindFrom > attachedAt;
            cancelsAreOver = true;
            next = rewindFrom;
        }
    }

    /** Whether the last page has been sent. */
    boolean isOver() {
        return over;
    }
}
