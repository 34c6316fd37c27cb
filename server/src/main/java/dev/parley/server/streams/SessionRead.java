package dev.parley.server.streams;

import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.delivery.SessionTail;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Room;
import dev.parley.engine.session.SessionName;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.reading.LogReader;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A GET that waits for changes of a session. News is only a sign that there may be something: each page is read from the
 * store, at one moment, after the place of the page before. What is to be sent therefore depends on the place alone, and a
 * client that comes back gets what it would have got if it had stayed.
 */
abstract class SessionRead implements LogReader.Log {
    /** What a page takes in memory besides its entries and its changes. */
    private static final int OVERHEAD_BYTES = 1 << 10;

    /** After how long it is tried again whether there is room. */
    private static final long RETRY_MILLIS = 100;

    /** The rate at which a reader that keeps up gets pages. A message that grows is one row, which is sent whole. */
    private static final int BYTES_PER_MILLI = 1 << 10;

    private static final long MAX_REST_MILLIS = 100;

    /**
     * What is read.
     *
     * @param name whose stream it is
     * @param asked where the client begins
     * @param from the place of its offset; null at the beginning and at the tail
     * @param pageBytes the size after which no further change is put into a page
     */
    record Reading(
            SessionName name,
            ReadQuery.Asked asked,
            @Nullable SessionPlace from,
            SessionPages pages,
            Delivery delivery,
            int pageBytes) {}

    private final Exchange exchange;
    private final SessionReaders readers;
    private final Permit permit;
    private final Reading reading;
    private final Room room;
    private final LogReader reader;
    private @Nullable SessionPlace place;

    /** Tells of news; null before it is there. */
    private @Nullable SessionTail bell;

    /** Whether there may be something to read. */
    private boolean dirty = true;

    private boolean resting;

    SessionRead(Exchange exchange, SessionReaders readers, Permit permit, Reading reading, Room room) {
        this.exchange = exchange;
        this.readers = readers;
        this.permit = permit;
        this.reading = reading;
        this.room = room;
        this.reader = new LogReader(exchange.loop(), this);
        this.place = reading.from();
    }

    /** Begins the read, which ends by itself, with the client's connection, or with the session. */
    final void start() {
        exchange.response().closeHandler(closed -> leave());
        exchange.response().exceptionHandler(failure -> leave());
        Runnable listener = readers.join(this);
        begin();
        // Before the first page is read, so that no news is missed.
        reader.elsewhere(
                () -> reading.delivery().tail(reading.name(), null, true, listener),
                opened -> {
                    if (reader.isClosed()) {
                        opened.close();
                    } else {
                        bell = opened;
                    }
                },
                this::failed);
        if (readers.isDraining()) {
            // It had not begun when the others were told to end.
            drain();
        }
    }

    final SessionName session() {
        return reading.name();
    }

    final Exchange exchange() {
        return exchange;
    }

    final Reading reading() {
        return reading;
    }

    final Room room() {
        return room;
    }

    /** There is news. */
    final void news() {
        dirty = true;
        pump();
    }

    /** There may be something to read, or room for it. */
    final void pump() {
        if (!reader.isClosed()) {
            reader.pump();
        }
    }

    @Override
    public final boolean step() {
        if (bell == null || !dirty || resting || !hasRoom()) {
            return false;
        }
        Reservation held = room.reserve(2L * reading.pageBytes() + OVERHEAD_BYTES);
        if (held == null) {
            rest(RETRY_MILLIS);
            return false;
        }
        dirty = false;
        SessionPlace from = place;
        reader.elsewhere(
                () -> reader.isClosed() ? Optional.<SessionPages.Read>empty() : Optional.of(read(from)),
                found -> {
                    if (reader.isClosed() || found.isEmpty()) {
                        held.close();
                    } else {
                        take(found.get(), held);
                    }
                },
                failure -> {
                    held.close();
                    failed(failure);
                });
        return true;
    }

    private SessionPages.Read read(@Nullable SessionPlace from) {
        return from == null && reading.asked().now()
                ? reading.pages().end(reading.name())
                : reading.pages().after(reading.name(), from, reading.pageBytes());
    }

    private void take(SessionPages.Read read, Reservation held) {
        if (!(read instanceof SessionPages.Page page)) {
            held.close();
            gone(read);
            return;
        }
        int bytes = page.body().length;
        if (!held.tryGrowTo(bytes)) {
            held.close();
            noRoom();
            return;
        }
        held.shrinkTo(bytes);
        place = page.next();
        if (!page.upToDate()) {
            dirty = true;
        } else if (!page.isEmpty()) {
            rest(Math.min(MAX_REST_MILLIS, bytes / BYTES_PER_MILLI));
        }
        send(page, held);
    }

    private void rest(long millis) {
        if (millis > 0) {
            resting = true;
            exchange.loop().vertx().setTimer(millis, timer -> {
                resting = false;
                pump();
            });
        }
    }

    private void failed(Throwable failure) {
        if (!reader.isClosed()) {
            abort(failure);
        }
    }

    /** Whether a page is being read. */
    final boolean isReading() {
        return reader.isBusy();
    }

    final boolean isOver() {
        return reader.isClosed();
    }

    /** The place up to which the client has everything; null before anything was read. */
    final @Nullable SessionPlace place() {
        return place;
    }

    /** Gives up the place among the readers. May be called repeatedly. */
    final void leave() {
        if (!reader.isClosed()) {
            reader.close();
            readers.leave(this);
            permit.close();
            over();
        }
    }

    @Override
    public final void release() {
        if (bell != null) {
            bell.close();
        }
    }

    /** The read begins: sets its timers. */
    abstract void begin();

    /** The read is over: cancels its timers. */
    abstract void over();

    /** Whether the client has accepted enough of what it was sent. */
    abstract boolean hasRoom();

    /** Sends a page; {@code held} is the room for it, which has to be given back. */
    abstract void send(SessionPages.Page page, Reservation held);

    /** There is no session, or the place is none in it. */
    abstract void gone(SessionPages.Read why);

    /** There is no room for a page. */
    abstract void noRoom();

    /** The server is stopping. */
    abstract void drain();

    /** The server has failed to read. */
    abstract void abort(Throwable failure);
}
