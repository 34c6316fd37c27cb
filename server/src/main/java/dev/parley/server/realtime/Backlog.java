package dev.parley.server.realtime;

import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Sessions;
import java.util.List;

/**
 * What a client is sent of the time before it attached: cancels that have had no effect yet, and the messages of its
 * rewind, oldest first and page by page as it can take them.
 */
final class Backlog {
    private static final int PAGE_BYTES = 64 << 10;

    private final long rewindFrom;
    private final long attachedAt;
    private boolean cancelsAreOver;
    private long next;
    private boolean over;

    /**
     * At its beginning.
     *
     * @param cancels whether they are part of it
     * @param rewindFrom the serial of the first message of the rewind; behind {@code attachedAt} if there is none
     * @param attachedAt the attach point, at which it ends
     */
    Backlog(boolean cancels, long rewindFrom, long attachedAt) {
        this.rewindFrom = rewindFrom;
        this.attachedAt = attachedAt;
        this.cancelsAreOver = !cancels;
        this.next = cancels ? 0 : rewindFrom;
    }

    /** Where the client is when it has all of it. */
    long attachedAt() {
        return attachedAt;
    }

    /** The next page, which may be empty; blocks. */
    Sessions.Page<MessageEntry> read(Sessions sessions, SessionName session) {
        SessionState state = sessions.find(session);
        if (state == null) {
            return new Sessions.Page<>(List.of(), false);
        }
        if (cancelsAreOver) {
            var range = new Sessions.Range(next, attachedAt, false);
            return sessions.messagePage(state, range, Integer.MAX_VALUE, PAGE_BYTES);
        }
        // Later ones are in the rewind.
        var range = new Sessions.Range(next, Math.min(rewindFrom - 1, attachedAt), false);
        return sessions.cancels(state, range, PAGE_BYTES);
    }

    /** The page has been sent, and the next one is behind it. */
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
