package dev.parley.server.realtime;

import static dev.parley.server.wire.ChannelSerial.NONE;

import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.wire.ChannelSerial;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The messages from before an attach that a client is sent: cancels that have had no effect yet, and the messages of
 * its rewind. They are sent oldest first, page by page as the client accepts them.
 */
final class Backlog {
    static final int PAGE_BYTES = 64 << 10;

    private ChannelSerial place;

    /** The next page, if it was read before and there is room for it at once. */
    private @Nullable Page<MessageEntry> first;

    /**
     * Sends what is still to come at {@code place}.
     *
     * @param first the first page, or null if it has to be read
     */
    Backlog(ChannelSerial place, @Nullable Page<MessageEntry> first) {
        this.place = place;
        this.first = first;
    }

    /** The next page, or null if it has to be read. */
    @Nullable
    Page<MessageEntry> first() {
        return first;
    }

    /** Drops what was read and not sent. It will be read again. */
    void forget() {
        first = null;
    }

    /** The client's place after the pages that have been sent. */
    ChannelSerial place() {
        return place;
    }

    /** Reads the next page, which may be empty; blocks. */
    Page<MessageEntry> read(Sessions sessions, SessionName session) {
        SessionState state = sessions.find(session);
        if (state == null) {
            return new Page<>(List.of(), false);
        }
        if (place.cancelsFrom() == NONE) {
            var range = new PositionRange(place.rewindFrom(), place.position(), false);
            return sessions.messages().page(state, range, Integer.MAX_VALUE, PAGE_BYTES);
        }
        return sessions.runs().cancels(state, cancels(place), PAGE_BYTES);
    }

    /** Where the cancels of {@code place} are. Later ones are part of the rewind. */
    static PositionRange cancels(ChannelSerial place) {
        long end = place.rewindFrom() == NONE ? place.position() : place.rewindFrom() - 1;
        return new PositionRange(place.cancelsFrom(), end, false);
    }

    /** Moves on behind {@code page}, which is about to be sent. */
    void sending(Page<MessageEntry> page) {
        first = null;
        long next = page.more() ? page.entries().getLast().serial() + 1 : NONE;
        place = place.cancelsFrom() == NONE
                ? new ChannelSerial(place.position(), NONE, next)
                : new ChannelSerial(place.position(), next, place.rewindFrom());
    }

    /** Whether there are no further pages. */
    boolean isOver() {
        return place.isComplete();
    }
}
