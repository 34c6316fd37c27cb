package dev.parley.server.realtime;

import dev.parley.engine.delivery.SessionTail;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SummaryEntry;
import dev.parley.server.channel.MessageFilter;
import dev.parley.server.loop.Audience;
import dev.parley.server.loop.EventLoop;
import dev.parley.server.reading.SessionReader;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.WireFormat;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All attachments to one session on one event loop. They are told of news together, and share encoded frames. */
final class AttachmentGroup {
    /**
     * The pause after a round as a fraction of the round's duration. Conversations should not wait, so one busy session
     * may use four fifths of the loop's time.
     */
    private static final double REST_PER_WORK = 0.25;

    /**
     * The number of encodings of the same entries that are kept. It is bounded because clients may use any number of
     * names for a channel.
     */
    private static final int MAX_ENCODED = 8;

    /** How long encodings are kept when there are no new entries. */
    private static final long ENCODED_MILLIS = 1_000;

    private final EventLoop loop;
    private final SessionName session;
    private final Audience<SessionReader> audience;
    private final List<Encoded> encoded = new ArrayList<>(2);
    private boolean releasing;

    /** Number of attachments in this group, including those that are not in the audience yet. */
    private int users;

    AttachmentGroup(SessionName session, EventLoop loop) {
        this.loop = loop;
        this.session = session;
        this.audience = loop.audience(SessionReader::pump, REST_PER_WORK);
    }

    /** The frames for readers that are at the same place and have the same view. */
    record Encoded(long from, long to, View view, List<SharedFrame> frames) {}

    /**
     * What a reader wants to see, and in which form.
     *
     * @param name the name that the reader uses for the channel
     * @param filter selects the messages that the reader wants; null selects all
     */
    record View(
            String name,
            WireFormat format,
            boolean messages,
            boolean presence,
            boolean objects,
            boolean annotations,
            @Nullable MessageFilter filter) {
        List<byte[]> frames(List<SessionEntry> entries, long to) {
            List<SessionEntry> wanted = entries;
            if (!messages || !presence || !objects || !annotations || filter != null) {
                wanted = entries.stream().filter(this::wants).toList();
            }
            return wanted.isEmpty() ? List.of() : Frames.entries(format, name, wanted, to);
        }

        boolean wants(SessionEntry entry) {
            return switch (entry) {
                case MessageEntry m -> messages && (filter == null || filter.passes(m));
                case PresenceEntry p -> presence;
                case ObjectEntry o -> objects;
                case AnnotationEntry a -> annotations;
                case SummaryEntry s -> messages;
            };
        }
    }

    SessionName session() {
        return session;
    }

    /** Whether more than one attachment is told of news. */
    boolean isShared() {
        return audience.size() > 1;
    }

    /** One attachment more is in this group. */
    void join() {
        users++;
    }

    /** One attachment less is in this group. Returns true if there are none left. */
    boolean leave() {
        users--;
        if (users == 0) {
            release();
        }
        return users == 0;
    }

    Audience<SessionReader> audience() {
        return audience;
    }

    /**
     * Encodes entries that a tail got from memory as frames. Tails at the same place get the same entries and share the
     * frames.
     */
    Encoded encoded(SessionTail.More more, View view) {
        if (!encoded.isEmpty()
                && (encoded.getFirst().from() != more.from()
                        || encoded.getFirst().to() != more.to())) {
            release();
        }
        for (Encoded known : encoded) {
            if (known.view().equals(view)) {
                return known;
            }
        }
        List<SharedFrame> frames = view.frames(more.entries(), more.to()).stream()
                .map(frame -> new SharedFrame(view.format(), frame))
                .toList();
        if (encoded.size() == MAX_ENCODED) {
            encoded.removeFirst().frames().forEach(SharedFrame::release);
        }
        Encoded made = new Encoded(more.from(), more.to(), view, frames);
        encoded.add(made);
        if (!releasing) {
            releasing = true;
            loop.vertx().setTimer(ENCODED_MILLIS, timer -> {
                releasing = false;
                release();
            });
        }
        return made;
    }

    /** Releases the memory of all encodings. */
    private void release() {
        for (Encoded known : encoded) {
            known.frames().forEach(SharedFrame::release);
        }
        encoded.clear();
    }
}
