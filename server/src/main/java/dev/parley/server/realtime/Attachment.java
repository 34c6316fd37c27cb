package dev.parley.server.realtime;

import dev.parley.engine.delivery.SessionTail;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.SummaryEntry;
import dev.parley.engine.session.log.Page;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.session.object.SharedObjects.ObjectPage;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.MessageFilter;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.occupancy.Occupancy;
import dev.parley.server.reading.Pages;
import dev.parley.server.reading.SessionReader;
import dev.parley.server.timeline.Visit;
import dev.parley.server.wire.ChannelSerial;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Flags;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.WireFormat;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One channel on one connection: a reader of the session, and the client's choice of what it wants to see and in which
 * form. Used on the connection's event loop.
 */
final class Attachment implements SessionReader.Sink {
    private static final Logger LOG = LoggerFactory.getLogger(Attachment.class);

    private final Client client;
    private final Outbox outbox;
    private final Attachments attachments;
    private final Permit permit;
    private final String name;
    private final SessionName session;
    private final AttachmentGroup group;
    private final SessionReader reader;

    /** What is remembered of this attachment; null if too many are followed. */
    private final @Nullable Visit visit;

    /** Whether the client wants to receive its own messages; asked for each delivery, so it is kept here. */
    private final boolean echo;

    private AttachParams params = new AttachParams(Map.of(), 0, null, false, false);
    private long modes;

    /** Null before the channel is attached. */
    private Occupancy.@Nullable Attached counted;

    private AttachmentGroup.View view;
    private @Nullable OccupancyNews occupancyNews;

    /**
     * The messages from before the attach that the client still has to be sent, before everything else; null if there
     * are none.
     */
    private @Nullable Backlog backlog;

    /** The objects that the client still has to be sent, before entries; null if it has them. */
    private @Nullable ObjectSync objectSync;

    /** The members that the client still has to be sent, after the entries that it missed; null if it has them. */
    private @Nullable MemberSync memberSync;

    private int syncs;

    /**
     * Starts without being attached.
     *
     * @param attachments told when this one has its place, waits for room, or has ended
     * @param permit closed when this one is
     * @param name the name that the client uses for the channel
     * @param clientId the client, if it has an id
     * @param filter selects the messages that the client sees; null selects all
     */
    Attachment(
            Client client,
            Attachments attachments,
            Permit permit,
            String name,
            SessionName session,
            @Nullable String clientId,
            @Nullable MessageFilter filter) {
        this.client = client;
        this.attachments = attachments;
        this.permit = permit;
        this.name = name;
        this.session = session;
        this.outbox = client.outbox();
        this.echo = client.wishes().echo();
        this.group = client.local().join(session);
        this.visit = client.site().timelines().follow(session, now(), client.id(), clientId);
        this.reader = new SessionReader(
                client.loop(), client.site().engine().delivery(), session, group.audience(), outbox, this);
        this.view = new AttachmentGroup.View(name, outbox.format(), false, false, false, false, filter);
    }

    private long now() {
        return client.site().clock().millis();
    }

    String name() {
        return name;
    }

    SessionName session() {
        return session;
    }

    private WireFormat format() {
        return outbox.format();
    }

    private void send(byte[] frame) {
        outbox.send(frame);
    }

    boolean isAttached() {
        return reader.isOpen();
    }

    /** Whether the client has this mode of {@link Flags}. Called only if the channel is attached. */
    boolean has(long mode) {
        return (modes & mode) != 0;
    }

    boolean isBusy() {
        return reader.isBusy();
    }

    /** See {@link SessionReader#whenFree}. */
    boolean whenFree(Runnable task) {
        return reader.whenFree(task);
    }

    /** Sends everything that is available, as far as there is room for it. */
    void pump() {
        reader.pump();
    }

    @Override
    public void failed(Throwable failure) {
        LOG.error("channel {} cannot be read", name, failure);
        fail(ErrorInfo.INTERNAL);
    }

    /**
     * Attaches the channel, or attaches it again.
     *
     * @param granted the modes that the client gets
     * @param channelSerial the client's place, or null
     * @param returning whether the client says that it was attached before
     */
    void attach(AttachParams wanted, long granted, @Nullable String channelSerial, boolean returning) {
        boolean first = !reader.isOpen();
        ChannelSerial place = first ? ChannelSerial.parse(channelSerial) : place();
        boolean continues = !first || channelSerial != null;
        var rewind = continues || returning ? null : wanted.rewind();
        Consumer<AttachPoint> action = found -> {
            if (first) {
                counted = client.site().occupancy().attach(session);
            }
            attached(found, wanted, granted, continues && !found.resumed() ? ErrorInfo.CONTINUITY_LOST : null);
        };
        if (first || wanted.whole() != params.whole()) {
            open(place, wanted.whole(), granted, rewind, action);
        } else {
            // New options do not lose entries that are on their way to the client.
            reader.elsewhere(() -> find(reader.position(), granted, place, null), action);
        }
    }

    private void open(
            @Nullable ChannelSerial place,
            boolean whole,
            long granted,
            AttachParams.@Nullable Rewind rewind,
            Consumer<AttachPoint> action) {
        reader.open(
                place == null ? null : (Long) place.position(),
                whole,
                (position, resumed) -> find(position, granted, resumed ? place : null, rewind),
                action);
    }

    /** The place of a client that has been sent everything so far. */
    private ChannelSerial place() {
        return backlog == null ? ChannelSerial.at(reader.position()) : backlog.place();
    }

    private AttachPoint find(
            long position, long granted, @Nullable ChannelSerial resumed, AttachParams.@Nullable Rewind rewind) {
        return AttachPoint.read(client.site(), session, position, granted, resumed, rewind);
    }

    private void attached(AttachPoint found, AttachParams wanted, long granted, @Nullable ErrorInfo discontinuity) {
        params = wanted;
        grant(granted);
        long flags = granted;
        flags |= found.resumed() ? Flags.RESUMED : 0;
        flags |= found.members() ? Flags.HAS_PRESENCE : 0;
        flags |= view.objects() ? Flags.HAS_OBJECTS : 0;
        boolean behind = reader.position() < found.last();
        flags |= found.backlog() != null || (found.resumed() && behind) ? Flags.HAS_BACKLOG : 0;
        ErrorInfo error = discontinuity == null && found.rewindCut() ? ErrorInfo.REWIND_CUT : discontinuity;
        backlog = found.backlog();
        send(Frames.attached(format(), name, place(), flags, wanted.echoed(), error));
        if (visit != null) {
            visit.begin(new Visit.Place(now(), reader.position(), found.resumed()));
            if (discontinuity != null) {
                visit.gap(now());
            }
        }
        objectSync = newObjectSync();
        memberSync = found.members() ? newMemberSync(found.last()) : null;
        followOccupancy(wanted.occupancy());
        attachments.placed(this);
    }

    private MemberSync newMemberSync(long behind) {
        return new MemberSync("s" + syncs++, behind);
    }

    @Override
    public @Nullable Pages<?> before(long position, boolean atEnd) {
        if (backlog != null) {
            return backlogPages(backlog);
        }
        if (objectSync != null) {
            return objectPages(objectSync);
        }
        MemberSync sync = memberSync;
        return sync != null && sync.isDue(position, atEnd) ? memberPages(sync) : null;
    }

    private Pages<Page<MessageEntry>> backlogPages(Backlog sending) {
        Sessions sessions = client.site().engine().sessions();
        return new Pages<>(
                () -> sending.read(sessions, session),
                page -> SessionReader.weight(page.entries()),
                page -> {
                    if (backlog != sending) {
                        return;
                    }
                    sending.sending(page);
                    List<MessageEntry> wanted =
                            page.entries().stream().filter(view::wants).toList();
                    if (!wanted.isEmpty()) {
                        send(Frames.backlog(format(), name, wanted, sending.place()));
                    }
                    if (sending.isOver()) {
                        backlog = null;
                    }
                },
                page -> sending.forget(),
                sending.first());
    }

    private Pages<Page<PresenceEntry>> memberPages(MemberSync sync) {
        Sessions sessions = client.site().engine().sessions();
        return new Pages<>(() -> sync.read(sessions, session), page -> SessionReader.weight(page.entries()), page -> {
            if (memberSync != sync) {
                return;
            }
            if (MemberSync.isDue(page, reader.position())) {
                send(sync.frame(format(), name, page));
                memberSync = sync.isOver() ? null : sync;
            } else {
                sync.hold(page);
            }
        });
    }

    /** Until there is room, nothing that was read is kept. */
    @Override
    public void noRoom() {
        if (visit != null) {
            visit.waitForRoom();
        }
        if (backlog != null) {
            backlog.forget();
        }
        if (memberSync != null) {
            memberSync.hold(null);
        }
        attachments.starve(this);
    }

    private @Nullable ObjectSync newObjectSync() {
        return view.objects() ? new ObjectSync("o" + syncs++) : null;
    }

    private Pages<ObjectPage> objectPages(ObjectSync sync) {
        Sessions sessions = client.site().engine().sessions();
        return new Pages<>(() -> sync.read(sessions, session), page -> ObjectSync.PAGE_BYTES, page -> {
            if (page.session() != 0 && !reader.follows(page.session())) {
                // The reader will notice that itself.
                objectSync = null;
                return;
            }
            send(sync.frame(format(), name, page));
            if (sync.isOver() && objectSync == sync) {
                objectSync = null;
            }
        });
    }

    private void followOccupancy(boolean wanted) {
        ignoreOccupancy();
        if (wanted) {
            occupancyNews = new OccupancyNews(this, client.site().occupancy(), client.loop());
            sendOccupancy();
        }
    }

    private void ignoreOccupancy() {
        if (occupancyNews != null) {
            occupancyNews.close();
            occupancyNews = null;
        }
    }

    /** Sends the occupancy, because it has changed or is wanted for the first time. */
    void sendOccupancy() {
        if (reader.isClosed() || !reader.isOpen()) {
            return;
        }
        reader.elsewhere(
                () -> {
                    SessionState state = client.site().engine().sessions().find(session);
                    return state == null ? 0 : state.members();
                },
                members -> {
                    var metrics = client.site().occupancy().of(session, members);
                    String data = new String(
                            WireFormat.JSON.write(to -> {
                                to.beginObject().name("metrics");
                                metrics.write(to);
                                to.endObject();
                            }),
                            StandardCharsets.UTF_8);
                    send(Frames.transientMessage(
                            format(),
                            name,
                            client.id() + ":occupancy:" + syncs++,
                            client.site().clock().millis(),
                            "[meta]occupancy",
                            data));
                });
    }

    /** Sends the members, because the client asks for them. */
    void sync() {
        if (reader.isOpen() && has(Flags.PRESENCE_SUBSCRIBE)) {
            memberSync = newMemberSync(memberSync == null ? reader.position() : memberSync.behind());
            pump();
        }
    }

    @Override
    public void objectsMissed() {
        objectSync = newObjectSync();
    }

    /**
     * Starts again at the end of the log, because entries after the client's place are gone. The client is told so. If the session was
     * erased, the channel fails instead, so that a client does not go on in another session without noticing.
     */
    @Override
    public void lost() {
        Sessions sessions = client.site().engine().sessions();
        reader.elsewhere(() -> Optional.ofNullable(sessions.erasures().of(session)), erased -> {
            if (erased.isPresent() && reader.follows(erased.get().id())) {
                fail(ErrorInfo.SESSION_ERASED);
            } else {
                open(
                        null,
                        params.whole(),
                        modes,
                        null,
                        found -> attached(found, params, modes, ErrorInfo.BACKLOG_TOO_LARGE));
            }
        });
    }

    @Override
    public void entries(SessionTail.More more, boolean fromMemory) {
        if (concernsUs(more.entries())) {
            List<SessionEntry> shown =
                    more.entries().stream().filter(this::shows).toList();
            if (!shown.isEmpty()) {
                Frames.entries(format(), name, shown, more.to()).forEach(this::send);
            }
        } else if (fromMemory && group.isShared()) {
            AttachmentGroup.Encoded encoded = group.encoded(more, view);
            // Readers with equal views share one, so that a delivery does not have to compare them.
            view = encoded.view();
            for (SharedFrame frame : encoded.frames()) {
                outbox.send(frame);
            }
        } else {
            view.frames(more.entries(), more.to()).forEach(this::send);
        }
        if (occupancyNews != null && more.entries().stream().anyMatch(PresenceEntry.class::isInstance)) {
            occupancyNews.changed();
        }
        if (visit != null) {
            visit.write(more.entries().size(), more.to(), fromMemory);
        }
        outbox.settle();
    }

    /** Whether some of the entries are shown to this client and not to others with the same modes, or the reverse. */
    private boolean concernsUs(List<SessionEntry> entries) {
        if (echo && view.presence()) {
            return false;
        }
        for (SessionEntry entry : entries) {
            if (view.wants(entry) != shows(entry)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Whether the client sees an entry. It sees the events of its own members even if it does not subscribe to
     * presence.
     */
    private boolean shows(SessionEntry entry) {
        return switch (entry) {
            case MessageEntry message ->
                view.wants(message)
                        && (echo
                                || message.action() != MessageEntry.Action.CREATE
                                || !client.id().equals(message.connectionId()));
            case PresenceEntry event -> view.presence() || client.id().equals(event.connectionId());
            case ObjectEntry change -> view.wants(change);
            case AnnotationEntry annotation -> view.wants(annotation);
            case SummaryEntry summary -> view.wants(summary);
        };
    }

    /** Applies new capabilities of the user. They take effect at once; the client is told as soon as possible. */
    boolean permit(Principal principal) {
        long before = modes;
        if (reader.isOpen()) {
            grant(Modes.granted(params.modes(), principal, name));
        }
        return whenFree(() -> {
            if (!reader.isOpen()) {
                return;
            }
            long granted = Modes.granted(params.modes(), principal, name);
            if (granted == 0) {
                fail(ErrorInfo.notPermitted("attach", name));
            } else if (granted != before) {
                attach(params, granted, null, true);
            }
        });
    }

    private void grant(long granted) {
        Objects.requireNonNull(counted).change(granted);
        modes = granted;
        view = new AttachmentGroup.View(
                name,
                format(),
                has(Flags.SUBSCRIBE),
                has(Flags.PRESENCE_SUBSCRIBE),
                has(Flags.OBJECT_SUBSCRIBE),
                has(Flags.ANNOTATION_SUBSCRIBE),
                view.filter());
        objectSync = view.objects() ? objectSync : null;
        memberSync = view.presence() ? memberSync : null;
    }

    /** Fails the channel for the client. Its members leave. */
    void fail(ErrorInfo error) {
        send(Frames.error(format(), name, error));
        end("failed: " + error.code() + " " + error.message());
        // Members that were about to enter leave as well.
        attachments.placed(this);
        attachments.leave(this, () -> {});
        attachments.drop(this);
    }

    /**
     * Detaches the channel at the client's request: its members leave, and then the client is told that it is detached.
     */
    void detach() {
        reader.hold();
        attachments.leave(
                this,
                () -> reader.goOn(() -> {
                    send(Frames.detached(format(), name, null));
                    end("detached");
                    List<Runnable> next = reader.takeWaiting();
                    attachments.drop(this);
                    // The client may want to attach again.
                    next.forEach(Runnable::run);
                }));
    }

    private void end(String reason) {
        if (visit != null) {
            visit.end(now(), reason);
        }
    }

    /** Gives everything up, without telling the client. May be called repeatedly. */
    void close() {
        if (reader.isClosed()) {
            return;
        }
        end("the connection has ended");
        reader.close();
        ignoreOccupancy();
        if (counted != null) {
            counted.close();
        }
        permit.close();
        client.local().leave(group);
    }
}
