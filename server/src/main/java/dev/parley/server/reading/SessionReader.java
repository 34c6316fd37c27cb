package dev.parley.server.reading;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.delivery.SessionTail;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.server.loop.Audience;
import dev.parley.server.loop.EventLoop;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads one session for one client, from a place in its log and then live, without a gap or an overlap, as far as the
 * client has room. The door that uses the reader decides what the client sees, and in which form ({@link Sink}).
 *
 * <p>If the client has no room, nothing that was read is kept; it is read again later. The store is read one page at a
 * time, in {@link #read(Pages)}. Requests that the door has for this session meanwhile wait for it. Used on one event
 * loop.
 */
public final class SessionReader implements LogReader.Log {
    /** The size of one read. A client can be sent more than it has room for by at most this size. */
    private static final int BATCH_BYTES = 64 << 10;

    /** The greatest number of requests of one reader that wait for another one that reads the store. */
    private static final int MAX_WAITING = 64;

    private final Delivery delivery;
    private final SessionName session;
    private final Audience<SessionReader> audience;
    private final ClientRoom room;
    private final Sink sink;
    private final LogReader reader;

    /** Null as long as nothing has had to wait: of a thousand readers of a busy session, none has a task that waits. */
    private @Nullable ArrayDeque<Runnable> waiting;

    /** Null until the reader is opened. */
    private @Nullable SessionTail tail;

    /** The expected size of the next page; another one if the last page did not fit into the room that there was. */
    private long expected = BATCH_BYTES;

    /** Receives what was read, for a door. Called on the reader's event loop. */
    public interface Sink {
        /**
         * The pages that the client has to be sent before entries after {@code position}, or null if there are none.
         *
         * @param atEnd whether there are no more entries for the time being
         */
        @Nullable
        Pages<?> before(long position, boolean atEnd);

        /**
         * Sends entries, for which there is room.
         *
         * @param fromMemory whether all readers that keep up get these entries
         */
        void entries(SessionTail.More more, boolean fromMemory);

        /** Changes of objects are missing among the entries, so the client has to be sent the objects whole. */
        void objectsMissed();

        /** Entries after the client's place are gone. The reader gets no more until it is opened again. */
        void lost();

        /** There is no room. The sink has to call {@link SessionReader#pump} when there is. */
        void noRoom();

        /** The session cannot be read. The sink has to close the reader. */
        void failed(Throwable failure);
    }

    /**
     * Reads, while a reader is opened, what else the door needs at that moment; blocks.
     *
     * @param <T> what it finds
     */
    public interface Finder<T> {
        /**
         * Reads what is needed.
         *
         * @param position the position after which the reader gets entries
         * @param resumed whether that is the place that was asked for, so that nothing is missing
         */
        T find(long position, boolean resumed);
    }

    private record Opened<T>(SessionTail tail, T found) {}

    /**
     * A reader that is not open yet.
     *
     * @param audience the readers of the session on this event loop, who are told of news together
     */
    public SessionReader(
            EventLoop loop,
            Delivery delivery,
            SessionName session,
            Audience<SessionReader> audience,
            ClientRoom room,
            Sink sink) {
        this.delivery = delivery;
        this.session = session;
        this.audience = audience;
        this.room = room;
        this.sink = sink;
        this.reader = new LogReader(loop, this);
    }

    /**
     * Opens the reader, or opens it again at another place or in another way. It keeps its place until then.
     *
     * @param from the place in the log, or null for its end
     * @param whole whether messages are always delivered whole, never as an APPEND
     * @param find reads what else is needed
     * @param action receives the result, before the first entry
     */
    public <T> void open(@Nullable Long from, boolean whole, Finder<T> find, Consumer<T> action) {
        Callable<Opened<T>> open = () -> {
            SessionTail opened = delivery.tail(session, from, whole, audience.listener());
            try {
                return new Opened<>(opened, find.find(opened.position(), opened.resumed()));
            } catch (RuntimeException | Error e) {
                opened.close();
                throw e;
            }
        };
        reader.elsewhere(
                open,
                opened -> {
                    if (reader.isClosed()) {
                        opened.tail().close();
                    } else {
                        follow(opened.tail());
                        action.accept(opened.found());
                    }
                },
                this::failed);
    }

    private void follow(SessionTail opened) {
        if (tail == null) {
            audience.join(this);
        } else {
            tail.close();
        }
        tail = opened;
    }

    private void failed(Throwable failure) {
        if (!reader.isClosed()) {
            sink.failed(failure);
        }
    }

    /** Whether the reader has been opened. */
    public boolean isOpen() {
        return tail != null;
    }

    /** The client's place: it has been sent everything up to here. Called only if the reader is open. */
    public long position() {
        return open().position();
    }

    /** See {@link SessionTail#follows}. Called only if the reader is open. */
    public boolean follows(long id) {
        return open().follows(id);
    }

    private SessionTail open() {
        SessionTail reading = tail;
        if (reading == null) {
            throw new IllegalStateException("the reader is not open");
        }
        return reading;
    }

    /** Sends everything that is available, as far as there is room for it. */
    public void pump() {
        reader.pump();
    }

    @Override
    public boolean step() {
        if (waiting != null) {
            Runnable next = waiting.removeFirst();
            if (waiting.isEmpty()) {
                waiting = null;
            }
            next.run();
            return true;
        }
        SessionTail reading = tail;
        if (reading == null) {
            return false;
        }
        if (!room.hasRoom()) {
            sink.noRoom();
            return false;
        }
        Pages<?> due = sink.before(reading.position(), false);
        if (due != null) {
            return sendNext(due);
        }
        switch (reading.poll(BATCH_BYTES, room)) {
            case SessionTail.More more -> {
                sink.entries(more, true);
                return !more.upToDate() || sink.before(reading.position(), true) != null;
            }
            case SessionTail.Nothing nothing -> {
                Pages<?> last = sink.before(reading.position(), true);
                if (last != null) {
                    return sendNext(last);
                }
            }
            case SessionTail.NoRoom noRoom -> sink.noRoom();
            case SessionTail.InStore inStore -> read(missed(reading));
            case SessionTail.Lost lost -> sink.lost();
        }
        return false;
    }

    /** The entries that are no longer in memory, or not in the form that the client needs. */
    private Pages<SessionTail.Next> missed(SessionTail reading) {
        return new Pages<>(
                () -> reading.readStore(BATCH_BYTES),
                next -> next instanceof SessionTail.More more ? weight(more.entries()) : 0,
                next -> {
                    switch (next) {
                        case SessionTail.More more -> sink.entries(more, false);
                        case SessionTail.Lost lost -> sink.lost();
                        case SessionTail.Nothing nothing -> {}
                        case SessionTail.NoRoom noRoom ->
                            throw new IllegalStateException("nobody asked whether there is room");
                        case SessionTail.InStore inStore ->
                            throw new IllegalStateException("read from the store already");
                    }
                    if (reading.takeObjectGap()) {
                        sink.objectsMissed();
                    }
                },
                next -> {
                    if (next instanceof SessionTail.More more) {
                        reading.takeBack(more);
                    }
                });
    }

    /** How much room entries need. */
    public static long weight(List<? extends SessionEntry> entries) {
        long bytes = 0;
        for (SessionEntry entry : entries) {
            bytes += entry.weight();
        }
        return bytes;
    }

    /** Sends the next page now or, if it has to be read, later. Returns whether it was sent now. */
    private <P> boolean sendNext(Pages<P> pages) {
        P ready = pages.ready();
        if (ready == null) {
            read(pages);
            return false;
        }
        return sendIfItFits(pages, ready);
    }

    /** Reads a page if there is room for one of the expected size, and sends it if it fits. */
    private <P> void read(Pages<P> pages) {
        long bytes = expected;
        if (!room.book(bytes)) {
            sink.noRoom();
            return;
        }
        reader.elsewhere(
                pages.read(),
                page -> {
                    room.read(bytes);
                    if (!reader.isClosed()) {
                        sendIfItFits(pages, page);
                    }
                    room.passOn();
                },
                failure -> {
                    room.read(bytes);
                    failed(failure);
                    room.passOn();
                });
    }

    @CanIgnoreReturnValue
    private <P> boolean sendIfItFits(Pages<P> pages, P page) {
        long bytes = pages.weight().applyAsLong(page);
        if (bytes > 0 && !room.reserve(bytes)) {
            expected = bytes;
            pages.putBack().accept(page);
            sink.noRoom();
            return false;
        }
        expected = BATCH_BYTES;
        pages.send().accept(page);
        return true;
    }

    /**
     * Runs {@code work}, which may block on the store, on another thread, and then {@code action} on the event loop, unless
     * the reader has been closed.
     */
    public <T> void elsewhere(Callable<T> work, Consumer<T> action) {
        reader.elsewhere(
                work,
                result -> {
                    if (!reader.isClosed()) {
                        action.accept(result);
                    }
                },
                this::failed);
    }

    /** Whether a page is being read, or something else is awaited. */
    public boolean isBusy() {
        return reader.isBusy();
    }

    /** Runs {@code task} as soon as the reader is not busy. Returns false if too many tasks are waiting. */
    public boolean whenFree(Runnable task) {
        if (!reader.isBusy()) {
            task.run();
            return true;
        }
        if (waiting == null) {
            waiting = new ArrayDeque<>(2);
        }
        return waiting.size() < MAX_WAITING && waiting.add(task);
    }

    /** Keeps the reader busy until {@link #goOn}. */
    public void hold() {
        reader.hold();
    }

    /** Runs {@code action}, unless the reader has been closed, and ends what {@link #hold} began. */
    public void goOn(Runnable action) {
        reader.goOn(() -> {
            if (!reader.isClosed()) {
                action.run();
            }
        });
    }

    /** Takes the tasks that wait until the reader is not busy. The reader will not run them. */
    public List<Runnable> takeWaiting() {
        List<Runnable> taken = waiting == null ? List.of() : List.copyOf(waiting);
        waiting = null;
        return taken;
    }

    /** Whether the reader is closed. */
    public boolean isClosed() {
        return reader.isClosed();
    }

    /** Ends the reading. May be called repeatedly. */
    public void close() {
        if (!reader.isClosed()) {
            waiting = null;
            audience.leave(this);
            reader.close();
        }
    }

    @Override
    public void release() {
        if (tail != null) {
            tail.close();
            tail = null;
        }
    }
}
