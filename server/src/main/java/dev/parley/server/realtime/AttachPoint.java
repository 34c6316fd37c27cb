package dev.parley.server.realtime;

import static dev.parley.server.wire.ChannelSerial.NONE;

import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.session.message.Messages;
import dev.parley.server.wire.ChannelSerial;
import dev.parley.server.wire.Flags;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the store has for a client that attaches to a session, and is told of in the frame ATTACHED.
 *
 * @param resumed whether nothing is missing after the place at which the client wanted to continue
 * @param last the end of the log at that moment
 * @param members whether there are members, or have been while the client was away
 * @param backlog the messages from before the attach that the client is sent; null if there are none
 * @param rewindCut whether the rewind ended at its limit
 */
record AttachPoint(
        boolean resumed,
        long last,
        boolean members,
        @Nullable Backlog backlog,
        boolean rewindCut) {

    private static final int REWIND_BYTES = 8 << 20;

    /**
     * Reads it; blocks.
     *
     * @param position the position after which the client gets entries
     * @param granted the modes that the client gets
     * @param resumed the place at which the client continues, or null if it does not
     * @param rewind what a client that does not continue wants to be sent first, or null
     */
    static AttachPoint read(
            Site site,
            SessionName session,
            long position,
            long granted,
            @Nullable ChannelSerial resumed,
            AttachParams.@Nullable Rewind rewind) {
        Sessions sessions = site.engine().sessions();
        // A member that entered before this place is told of by the sync only.
        SessionState state = sessions.find(session, position);
        if (state == null) {
            return new AttachPoint(resumed != null, position, false, null, false);
        }
        boolean members = (granted & Flags.PRESENCE_SUBSCRIBE) != 0
                && (state.members() > 0 || (resumed != null && someoneCameOrWent(sessions, state, position)));
        if ((granted & Flags.SUBSCRIBE) == 0) {
            return new AttachPoint(resumed != null, state.last(), members, null, false);
        }
        long rewindStart = resumed != null
                ? resumed.rewindFrom()
                : rewind == null ? NONE : rewind.from(site.clock().millis());
        // The place of a client may say anything: it gets no more by it than by a rewind.
        int wanted = resumed != null || rewind == null ? Integer.MAX_VALUE : rewind.wanted();
        RewindStart start =
                rewindStart == NONE ? RewindStart.NOWHERE : start(sessions, state, rewindStart, position, wanted);
        var place =
                new ChannelSerial(position, resumed != null ? resumed.cancelsFrom() : Positions.START, start.from());
        if (place.cancelsFrom() != NONE && !hasCancels(site, session, state, Backlog.cancels(place))) {
            place = new ChannelSerial(position, NONE, place.rewindFrom());
        }
        // Cancels come before the rewind.
        var first = place.cancelsFrom() == NONE ? start.whole() : null;
        return new AttachPoint(
                resumed != null,
                state.last(),
                members,
                place.isComplete() ? null : new Backlog(place, first),
                start.cut());
    }

    /**
     * Where a rewind begins.
     *
     * @param from the serial of its oldest message
     * @param whole all of it, if it is no more than one page
     * @param cut whether it ends at its limit
     */
    private record RewindStart(long from, @Nullable Page<MessageEntry> whole, boolean cut) {
        static final RewindStart NOWHERE = new RewindStart(NONE, null, false);
    }

    /** Most rewinds are short. They are read once; of others only the beginning is looked for here. */
    private static RewindStart start(Sessions sessions, SessionState state, long from, long position, int wanted) {
        int limit = Math.min(wanted, AttachParams.Rewind.MAX_MESSAGES);
        var backwards = new PositionRange(from, position, true);
        Page<MessageEntry> newestFirst = sessions.messages().page(state, backwards, limit, Backlog.PAGE_BYTES);
        List<MessageEntry> messages = newestFirst.entries();
        if (messages.isEmpty()) {
            return RewindStart.NOWHERE;
        }
        if (!newestFirst.more() || messages.size() == limit) {
            var whole = new Page<>(List.copyOf(messages.reversed()), false);
            return new RewindStart(messages.getLast().serial(), whole, newestFirst.more() && messages.size() < wanted);
        }
        Messages.Newest newest = sessions.messages().newest(state, backwards, limit, REWIND_BYTES);
        return newest == null
                ? RewindStart.NOWHERE
                : new RewindStart(newest.from(), null, newest.more() && newest.count() < wanted);
    }

    private static boolean someoneCameOrWent(Sessions sessions, SessionState state, long since) {
        var range = new PositionRange(since + 1, Long.MAX_VALUE, false);
        return !sessions.presence().events(state, range, 1, 1).entries().isEmpty();
    }

    /** Whether there are cancels without effect that an agent must receive. */
    private static boolean hasCancels(Site site, SessionName session, SessionState state, PositionRange range) {
        return site.apps().namespace(session.app(), session.name()).redeliverCancels()
                && !site.engine()
                        .sessions()
                        .runs()
                        .cancels(state, range, 1)
                        .entries()
                        .isEmpty();
    }
}
