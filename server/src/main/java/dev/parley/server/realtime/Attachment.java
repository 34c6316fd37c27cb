package dev.parley.server.realtime;

import static dev.parley.server.wire.ChannelSerial.NONE;

import dev.parley.engine.delivery.SessionTail;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Sessions;
import dev.parley.engine.session.SummaryEntry;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.MessageFilter;
import dev.parley.server.wire.ChannelSerial;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Flags;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.WireFormat;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One channel on one connection: a tail of the session, and the client's choice of what it wants to see. Used on the
 * connection's event loop. Work that blocks runs elsewhere, one task at a time, and all other work waits for it.
 */
final class Attachment {
    /** Size of one read. An outbox can also be overfilled by this amount. */
    private static final int BATCH_BYTES = 64 << 10;

    private static final int REWIND_BYTES = 8 << 20;

    /** Requests of one channel that wait for another one that reads the disk. */
    private static final int MAX_WAITING = 64;

    private static final Logger LOG = LoggerFactory.getLogger(Attachment.class);

    private final Connection connection;
    private final String name;
    private final Channel channel;
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();

    /** Whether the result of a task that runs elsewhere is awaited. */
    private boolean busy;

    private boolean closed;

    /** Null until the channel is attached. */
    private @Nullable SessionTail tail;

    private AttachParams params = new AttachParams(Map.of(), 0, null, false, false);
    private long modes;
    private Channel.View view;
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
     * The expected size of the next page from the store; larger if the last page did not fit into the room that there
     * was.
     */
    private long expected = BATCH_BYTES;

    /**
     * Starts without being attached.
     *
     * @param name the name that the client uses for the channel
     * @param filter selects the messages that the client sees; null selects all
     */
    Attachment(Connection connection, String name, Channel channel, @Nullable MessageFilter filter) {
        this.connection = connection;
        this.name = name;
        this.channel = channel;
        this.view = new Channel.View(name, connection.outbox().format(), false, false, false, false, filter);
    }

    String name() {
        return name;
    }

    Channel channel() {
        return channel;
    }

    private WireFormat format() {
        return connection.outbox().format();
    }

    private void send(byte[] frame) {
        connection.outbox().send(frame);
    }

    boolean isAttached() {
        return tail != null;
    }

    /** Whether the client has this mode of {@link Flags}. Called only if the channel is attached. */
    boolean has(long mode) {
        return (modes & mode) != 0;
    }

    boolean isBusy() {
        return busy;
    }

    /**
     * Runs {@code task} as soon as no other task of this channel is in progress. Returns false if too many tasks are
     * waiting.
     */
    boolean whenFree(Runnable task) {
        if (!busy) {
            task.run();
            return true;
        }
        return waiting.size() < MAX_WAITING && waiting.add(task);
    }

    /** Runs {@code work} on a thread that may block, and then {@code action} with its result on the event loop. */
    private <T> void elsewhere(Callable<T> work, Consumer<T> action) {
        busy = true;
        connection.loop().read(work, result -> free(() -> action.accept(result)), failure -> {
            LOG.error("channel {} cannot be read", name, failure);
            free(() -> fail(ErrorInfo.INTERNAL));
        });
    }

    /**
     * Opens a tail and reads what belongs to it on a thread that may block, and then runs {@code action} with it on the
     * event loop.
     */
    private void openElsewhere(
            @Nullable ChannelSerial place,
            boolean whole,
            long granted,
            AttachParams.@Nullable Rewind rewind,
            Consumer<Found> action) {
        busy = true;
        Callable<Found> work = () -> {
            SessionTail open = connection
                    .site()
                    .engine()
                    .delivery()
                    .tail(
                            channel.session(),
                            place == null ? null : (Long) place.position(),
                            whole,
                            channel.audience().listener());
            try {
                return find(open, granted, open.resumed() ? place : null, rewind);
            } catch (RuntimeException | Error e) {
                open.close();
                throw e;
            }
        };
        connection
                .loop()
                .read(
                        work,
                        found -> {
                            if (closed) {
                                found.tail().close();
                            }
                            free(() -> action.accept(found));
                        },
                        failure -> {
                            LOG.error("channel {} cannot be attached", name, failure);
                            free(() -> fail(ErrorInfo.INTERNAL));
                        });
    }

    private void free(Runnable action) {
        busy = false;
        if (closed) {
            release();
            return;
        }
        action.run();
        while (!busy && !closed && !waiting.isEmpty()) {
            waiting.removeFirst().run();
        }
        pump();
    }

    /**
     * The result of reading the store for an ATTACHED.
     *
     * @param last the end of the log at that moment
     * @param members whether there are members, or have been while the client was away
     * @param backlog null if there is none
     * @param rewindCut whether the rewind ended at its limit
     */
    private record Found(
            SessionTail tail,
            long last,
            boolean members,
            @Nullable Backlog backlog,
            boolean rewindCut) {}

    /**
     * Attaches the channel, or attaches it again.
     *
     * @param granted the modes that the client gets
     * @param channelSerial the client's place, or null
     * @param returning whether the client says that it was attached before
     */
    void attach(AttachParams wanted, long granted, @Nullable String channelSerial, boolean returning) {
        SessionTail old = tail;
        if (old == null) {
            ChannelSerial place = ChannelSerial.parse(channelSerial);
            boolean rewinds = channelSerial == null && !returning;
            openElsewhere(place, wanted.whole(), granted, rewinds ? wanted.rewind() : null, found -> {
                connection.site().occupancy().attached(channel.session(), 0);
                boolean resumed = place != null && found.tail().resumed();
                boolean lost = !resumed && channelSerial != null;
                attached(found, wanted, granted, resumed, lost ? ErrorInfo.CONTINUITY_LOST : null);
            });
            return;
        }
        // The client continues at its place: new options do not lose entries that are on their way to it.
        ChannelSerial place = backlog == null ? ChannelSerial.at(old.position()) : backlog.place();
        Consumer<Found> action = found -> attached(found, wanted, granted, true, null);
        if (wanted.whole() == params.whole()) {
            elsewhere(() -> find(old, granted, place, null), action);
        } else {
            openElsewhere(place, wanted.whole(), granted, null, action);
        }
    }

    /**
     * Reads what an ATTACHED needs; blocks.
     *
     * @param resumed the place at which the client continues, or null if it does not
     * @param rewind what a client that does not continue wants to be sent first, or null
     */
    private Found find(
            SessionTail opened, long granted, @Nullable ChannelSerial resumed, AttachParams.@Nullable Rewind rewind) {
        Sessions sessions = connection.site().engine().sessions();
        long position = opened.position();
        // A member that entered before this place is told of by the sync only.
        SessionState state = sessions.find(channel.session(), position);
        if (state == null) {
            return new Found(opened, position, false, null, false);
        }
        boolean members = (granted & Flags.PRESENCE_SUBSCRIBE) != 0
                && (state.members() > 0 || (resumed != null && someoneCameOrWent(sessions, state, position)));
        if ((granted & Flags.SUBSCRIBE) == 0) {
            return new Found(opened, state.last(), members, null, false);
        }
        long rewindStart = resumed != null
                ? resumed.rewindFrom()
                : rewind == null ? NONE : rewind.from(connection.site().clock().millis());
        // The place of a client may say anything: it gets no more by it than by a rewind.
        int wanted = resumed != null || rewind == null ? Integer.MAX_VALUE : rewind.wanted();
        Sessions.Newest newest = rewindStart == NONE
                ? null
                : sessions.newest(
                        state,
                        new Sessions.Range(rewindStart, position, true),
                        Math.min(wanted, AttachParams.Rewind.MAX_MESSAGES),
                        REWIND_BYTES);
        var place = new ChannelSerial(
                position,
                resumed != null ? resumed.cancelsFrom() : Positions.START,
                newest == null ? NONE : newest.from());
        if (place.cancelsFrom() != NONE && !hasCancels(sessions, state, Backlog.cancels(place))) {
            place = new ChannelSerial(position, NONE, place.rewindFrom());
        }
        return new Found(
                opened,
                state.last(),
                members,
                place.isComplete() ? null : new Backlog(place),
                newest != null && newest.more() && newest.count() < wanted);
    }

    private static boolean someoneCameOrWent(Sessions sessions, SessionState state, long since) {
        var range = new Sessions.Range(since + 1, Long.MAX_VALUE, false);
        return !sessions.presence(state, range, 1, 1).entries().isEmpty();
    }

    /** Whether there are cancels without effect that an agent must receive. */
    private boolean hasCancels(Sessions sessions, SessionState state, Sessions.Range range) {
        SessionName session = channel.session();
        return connection.site().apps().namespace(session.app(), session.name()).redeliverCancels()
                && !sessions.cancels(state, range, 1).entries().isEmpty();
    }

    private void attached(
            Found found, AttachParams wanted, long granted, boolean resumed, @Nullable ErrorInfo discontinuity) {
        SessionTail old = tail;
        if (old == null) {
            channel.audience().join(this);
        } else if (old != found.tail()) {
            old.close();
        }
        tail = found.tail();
        params = wanted;
        grant(granted);
        long flags = granted;
        flags |= resumed ? Flags.RESUMED : 0;
        flags |= found.members() ? Flags.HAS_PRESENCE : 0;
        flags |= view.objects() ? Flags.HAS_OBJECTS : 0;
        boolean behind = found.tail().position() < found.last();
        flags |= found.backlog() != null || (resumed && behind) ? Flags.HAS_BACKLOG : 0;
        ErrorInfo error = discontinuity == null && found.rewindCut() ? ErrorInfo.REWIND_CUT : discontinuity;
        ChannelSerial place = found.backlog() == null
                ? ChannelSerial.at(found.tail().position())
                : found.backlog().place();
        send(Frames.attached(format(), name, place, flags, wanted.echoed(), error));
        backlog = found.backlog();
        objectSync = newObjectSync();
        memberSync = found.members() ? newMemberSync(found.last()) : null;
        followOccupancy(wanted.occupancy());
        connection.placed(this);
    }

    private MemberSync newMemberSync(long behind) {
        return new MemberSync("s" + syncs++, behind);
    }

    /**
     * Reads a page from the store if there is room for one, and then runs {@code action} with it here if there is room
     * for this page. If there is no room, nothing has been read, and {@link #pump} is called when there is.
     */
    private <T> void page(Callable<T> read, ToLongFunction<T> weight, Consumer<T> action) {
        readInTurn(read, page -> {
            long bytes = weight.applyAsLong(page);
            if (connection.outbox().reserve(bytes)) {
                expected = BATCH_BYTES;
                action.accept(page);
            } else {
                expected = bytes;
                starve();
            }
        });
    }

    /** Reads a page of about {@link #expected} bytes on a thread that may block, if there is room for it. */
    private <T> void readInTurn(Callable<T> read, Consumer<T> action) {
        Outbox outbox = connection.outbox();
        long bytes = expected;
        if (!outbox.book(bytes)) {
            starve();
            return;
        }
        Callable<T> booked = () -> {
            try {
                return read.call();
            } finally {
                connection.loop().post(() -> outbox.read(bytes));
            }
        };
        elsewhere(booked, result -> {
            action.accept(result);
            connection.hasRoom();
        });
    }

    private static long weight(List<? extends SessionEntry> entries) {
        return entries.stream().mapToLong(SessionEntry::weight).sum();
    }

    private void sendBacklog(Backlog sending) {
        Sessions sessions = connection.site().engine().sessions();
        page(() -> sending.read(sessions, channel.session()), page -> weight(page.entries()), page -> {
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
        });
    }

    private void readMembers(MemberSync sync) {
        Sessions sessions = connection.site().engine().sessions();
        page(() -> sync.read(sessions, channel.session()), page -> weight(page.entries()), page -> {
            if (memberSync != sync || tail == null) {
                return;
            }
            if (MemberSync.isDue(page, tail.position())) {
                sendMembers(sync, page);
            } else {
                sync.hold(page);
            }
        });
    }

    private void sendMembers(MemberSync sync, Sessions.Page<PresenceEntry> page) {
        send(sync.frame(format(), name, page));
        if (sync.isOver()) {
            memberSync = null;
        }
    }

    /** Waits for room. Until then, nothing that was read is kept. */
    private void starve() {
        if (memberSync != null) {
            memberSync.hold(null);
        }
        connection.starve(this);
    }

    private @Nullable ObjectSync newObjectSync() {
        return view.objects() ? new ObjectSync("o" + syncs++) : null;
    }

    private void sendObjects(ObjectSync sync) {
        Sessions sessions = connection.site().engine().sessions();
        page(() -> sync.read(sessions, channel.session()), page -> ObjectSync.PAGE_BYTES, page -> {
            if (tail != null && page.session() != 0 && !tail.follows(page.session())) {
                // The tail will report that itself.
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
            OccupancyNews news = new OccupancyNews(this, connection.loop());
            occupancyNews = news;
            connection.site().occupancy().listen(channel.session(), news.listener());
            sendOccupancy();
        }
    }

    private void ignoreOccupancy() {
        if (occupancyNews != null) {
            connection.site().occupancy().ignore(channel.session(), occupancyNews.listener());
            occupancyNews = null;
        }
    }

    /** Sends the occupancy, because it has changed or is wanted for the first time. */
    void sendOccupancy() {
        if (closed || tail == null) {
            return;
        }
        elsewhere(
                () -> {
                    SessionState state = connection.site().engine().sessions().find(channel.session());
                    return state == null ? 0 : state.members();
                },
                members -> {
                    var metrics = connection.site().occupancy().of(channel.session(), members);
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
                            connection.id() + ":occupancy:" + syncs++,
                            connection.site().clock().millis(),
                            "[meta]occupancy",
                            data));
                });
    }

    /** Sends the members, because the client asks for them. */
    void sync() {
        if (tail != null && has(Flags.PRESENCE_SUBSCRIBE)) {
            memberSync = newMemberSync(memberSync == null ? tail.position() : memberSync.behind());
            pump();
        }
    }

    /** Sends everything that is available, as far as there is room for it. */
    void pump() {
        while (!busy && !closed && tail != null) {
            if (!connection.outbox().hasRoom()) {
                starve();
                return;
            }
            if (backlog != null) {
                sendBacklog(backlog);
                return;
            }
            if (objectSync != null) {
                sendObjects(objectSync);
                return;
            }
            SessionTail reading = tail;
            MemberSync sync = memberSync;
            if (sync != null && sync.isDue(reading.position())) {
                Sessions.Page<PresenceEntry> held = sync.held();
                if (held == null) {
                    readMembers(sync);
                    return;
                }
                if (!connection.outbox().reserve(weight(held.entries()))) {
                    starve();
                    return;
                }
                sendMembers(sync, held);
                continue;
            }
            switch (reading.poll(BATCH_BYTES, connection.outbox()::reserve)) {
                case SessionTail.More more -> {
                    deliver(more, true);
                    if (more.upToDate() && sync == null) {
                        return;
                    }
                }
                case SessionTail.Nothing nothing -> {
                    if (sync != null && sync.held() == null) {
                        // There is nothing left that has to come before the members.
                        readMembers(sync);
                    }
                    return;
                }
                case SessionTail.NoRoom noRoom -> {
                    starve();
                    return;
                }
                case SessionTail.InStore inStore -> {
                    readStore(reading);
                    return;
                }
                case SessionTail.Lost lost -> lost();
            }
        }
    }

    private void readStore(SessionTail reading) {
        readInTurn(() -> reading.readStore(BATCH_BYTES), next -> {
            if (next instanceof SessionTail.More more && !connection.outbox().reserve(weight(more.entries()))) {
                expected = weight(more.entries());
                reading.takeBack(more);
                starve();
            } else {
                expected = BATCH_BYTES;
                readFromStore(next);
            }
        });
    }

    private void readFromStore(SessionTail.Next next) {
        switch (next) {
            case SessionTail.More more -> deliver(more, false);
            case SessionTail.Lost lost -> lost();
            case SessionTail.Nothing nothing -> {}
            case SessionTail.NoRoom noRoom -> throw new IllegalStateException("nobody asked whether there is room");
            case SessionTail.InStore inStore -> throw new IllegalStateException("read from the store already");
        }
        if (tail != null && tail.takeObjectGap()) {
            objectSync = newObjectSync();
        }
    }

    /** Starts again at the end of the log, because entries after the client's place are gone. The client is told so. */
    private void lost() {
        openElsewhere(
                null,
                params.whole(),
                modes,
                null,
                found -> attached(found, params, modes, false, ErrorInfo.BACKLOG_TOO_LARGE));
    }

    private void deliver(SessionTail.More more, boolean fromMemory) {
        if (concernsUs(more.entries())) {
            List<SessionEntry> shown =
                    more.entries().stream().filter(this::shows).toList();
            if (!shown.isEmpty()) {
                Frames.entries(format(), name, shown, more.to()).forEach(this::send);
            }
        } else if (fromMemory && channel.isShared()) {
            channel.frames(more, view).forEach(connection.outbox()::send);
        } else {
            view.frames(more.entries(), more.to()).forEach(this::send);
        }
        if (occupancyNews != null && more.entries().stream().anyMatch(PresenceEntry.class::isInstance)) {
            occupancyNews.listener().run();
        }
        connection.outbox().settle();
    }

    /** Whether some of the entries are shown to this client and not to others with the same modes, or the reverse. */
    private boolean concernsUs(List<SessionEntry> entries) {
        if (connection.echo() && view.presence()) {
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
                        && (connection.echo()
                                || message.action() != MessageEntry.Action.CREATE
                                || !connection.id().equals(message.connectionId()));
            case PresenceEntry event -> view.presence() || connection.id().equals(event.connectionId());
            case ObjectEntry change -> view.wants(change);
            case AnnotationEntry annotation -> view.wants(annotation);
            case SummaryEntry summary -> view.wants(summary);
        };
    }

    /** Applies new capabilities of the user. They take effect at once; the client is told as soon as possible. */
    boolean permit(Principal principal) {
        long before = modes;
        if (tail != null) {
            grant(Modes.granted(params.modes(), principal, name));
        }
        return whenFree(() -> {
            if (tail == null) {
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
        connection.site().occupancy().changed(channel.session(), modes, granted);
        modes = granted;
        view = new Channel.View(
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
        // Members that were about to enter leave as well.
        connection.placed(this);
        connection.leave(this, () -> {});
        connection.drop(this);
    }

    /**
     * Detaches the channel at the client's request: its members leave, and then the client is told that it is detached.
     */
    void detach() {
        busy = true;
        connection.leave(
                this,
                () -> free(() -> {
                    send(Frames.detached(format(), name, null));
                    List<Runnable> next = List.copyOf(waiting);
                    connection.drop(this);
                    // The client may want to attach again.
                    next.forEach(Runnable::run);
                }));
    }

    /** Gives everything up, without telling the client. May be called repeatedly. */
    void close() {
        if (closed) {
            return;
        }
        closed = true;
        waiting.clear();
        if (tail != null) {
            channel.audience().leave(this);
            connection.site().occupancy().detached(channel.session(), modes);
        }
        ignoreOccupancy();
        if (!busy) {
            release();
        }
    }

    private void release() {
        if (tail != null) {
            tail.close();
            tail = null;
        }
        connection.loop().release(channel);
    }
}
