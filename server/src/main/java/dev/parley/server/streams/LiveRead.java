package dev.parley.server.streams;

import dev.parley.engine.delivery.Tail;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Room;
import dev.parley.engine.memory.Waiting;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.http.Sockets;
import dev.parley.server.reading.LogReader;
import io.vertx.core.http.HttpVersion;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A GET that waits for entries: pulls from its tail whatever the connection can take, from memory on the event loop and
 * from the store on a thread that may block.
 */
abstract class LiveRead implements LogReader.Log {
    /** What a read from the store holds beside its entries. */
    private static final int READ_OVERHEAD_BYTES = 1 << 10;

    /** How often an entry may turn out to need more room than there is. */
    private static final int MAX_ATTEMPTS = 3;

    private final Exchange exchange;
    private final Runnable onLeave;
    private final LogReader reader;
    private LiveReaders.@Nullable Seat seat;
    private @Nullable Waiting waiting;

    /** Room that was waited for and is not used yet. */
    private @Nullable Reservation granted;

    private long timer = -1;
    private long endNanos;

    /**
     * Answers {@code exchange}.
     *
     * @param onLeave runs once when the read is over
     */
    LiveRead(Exchange exchange, Runnable onLeave) {
        this.exchange = exchange;
        this.onLeave = onLeave;
        this.reader = new LogReader(exchange.loop(), this);
    }

    /** Begins; the read ends by itself after {@link #maxAgeMillis()}, with the client's connection, or with the stream. */
    final void start(LiveReaders.Seat taken) {
        seat = taken;
        boolean begun = false;
        try {
            exchange.response().closeHandler(closed -> leave());
            exchange.response().exceptionHandler(failure -> leave());
            endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(maxAgeMillis());
            awaitNext(quietMillis());
            begin(taken);
            pump();
            begun = true;
        } finally {
            if (!begun) {
                leave();
            }
        }
    }

    /**
     * One timer for both: when the client has to be shown that we are there, and when the time is over.
     *
     * @param quietMillis how long nothing has to be sent from now on
     */
    private void awaitNext(long quietMillis) {
        long rest = TimeUnit.NANOSECONDS.toMillis(endNanos - System.nanoTime());
        boolean last = rest <= quietMillis;
        timer = exchange.loop().vertx().setTimer(Math.max(1, last ? rest : quietMillis), id -> {
            if (last) {
                timeout();
                return;
            }
            long next = keepAlive();
            if (!reader.isClosed()) {
                awaitNext(next);
            }
        });
    }

    /** There may be more to read, or room for it, or the stream has ended. */
    final void pump() {
        reader.pump();
    }

    @Override
    public final boolean step() {
        if (waiting != null || !wantsMore()) {
            return false;
        }
        Tail.Next next = tail().poll(batchBytes());
        if (!(next instanceof Tail.InStore)) {
            return take(next);
        }
        if (!sendShared()) {
            readStore(batchBytes() + READ_OVERHEAD_BYTES, 1);
        }
        return true;
    }

    @Override
    public final void resting() {
        if (waiting == null && !reader.isBusy()) {
            giveGrantedBack();
        }
        if (!reader.isClosed() && isHolding()) {
            exchange.readers().isSlow(this);
        }
    }

    /** Reserves at least so many bytes; what was waited for is used first. */
    private @Nullable Reservation reserve(Room room, long bytes) {
        Reservation held = granted;
        if (held == null) {
            return room.reserve(bytes);
        }
        granted = null;
        if (held.tryGrowTo(bytes)) {
            return held;
        }
        held.close();
        return null;
    }

    private void giveGrantedBack() {
        if (granted != null) {
            granted.close();
            granted = null;
        }
    }

    /**
     * Reads from the store what there is room for.
     *
     * @param bytes how much room to ask for: a batch, or one entry that is larger
     */
    private void readStore(long bytes, int attempt) {
        Room room = room();
        Reservation held = reserve(room, bytes);
        if (held == null) {
            pumpWhenRoom(room, bytes);
            return;
        }
        reader.elsewhere(
                () -> readStore(held),
                read -> {
                    if (!reader.isClosed() && read.next() != null) {
                        // What it was read with is the room that it is sent with.
                        granted = held;
                        take(read.next());
                        return;
                    }
                    held.close();
                    if (reader.isClosed()) {
                        return;
                    }
                    if (attempt < MAX_ATTEMPTS) {
                        readStore(read.needed(), attempt + 1);
                    } else {
                        noRoom();
                    }
                },
                failure -> {
                    held.close();
                    abort(failure);
                });
    }

    /** What came from the store, or how much room it needs. */
    private record FromStore(Tail.@Nullable Next next, long needed) {}

    private FromStore readStore(Reservation held) {
        if (reader.isClosed()) {
            // The client went while this waited for its turn.
            return new FromStore(new Tail.Ended(), 0);
        }
        var asked = new Object() {
            long bytes;
        };
        Tail.Next next = tail().readStore(batchBytes(), bytes -> {
            asked.bytes = bytes + READ_OVERHEAD_BYTES;
            return held.tryGrowTo(asked.bytes);
        });
        return new FromStore(next, asked.bytes);
    }

    /**
     * Goes on when there is room. Until then nothing is fetched. The room is kept then: to give it back and to ask for it
     * again would let all who wait pass it round, and none of them use it.
     */
    private void pumpWhenRoom(Room room, long bytes) {
        Waiting place = room.whenRoom(
                bytes,
                () -> exchange.loop().post(() -> {
                    Reservation held = new Reservation(room, bytes);
                    if (reader.isClosed()) {
                        held.close();
                    } else {
                        waiting = null;
                        granted = held;
                        pump();
                    }
                }));
        if (place == null) {
            noRoom();
        } else {
            waiting = place;
        }
    }

    /** Sends what came; false if there is nothing more to do until the next word of news or of room. */
    private boolean take(Tail.Next next) {
        return switch (next) {
            case Tail.More more -> {
                Room room = room();
                long bytes = bytesOf(more);
                Reservation held = bytes == 0 ? null : reserve(room, bytes);
                if (held != null) {
                    held.shrinkTo(bytes);
                } else if (bytes > 0) {
                    // What is in memory now may not be any more when there is room.
                    tail().putBack(more);
                    pumpWhenRoom(room, bytes);
                    yield false;
                }
                send(more, held);
                yield !more.upToDate();
            }
            case Tail.Nothing nothing -> {
                idle(nothing.state());
                yield false;
            }
            case Tail.InStore inStore -> throw new IllegalStateException("read from the store already");
            case Tail.Ended ended -> {
                gone();
                yield false;
            }
        };
    }

    /** The stream as last seen. */
    final StreamState state() {
        return tail().state();
    }

    /** Gives up the seat. Safe to repeat. */
    final void leave() {
        if (!reader.isClosed()) {
            reader.close();
            over();
            exchange.loop().vertx().cancelTimer(timer);
            Waiting place = waiting;
            if (place != null) {
                // Too late to cancel: then the room comes, and is given back.
                var _ = place.cancel();
                waiting = null;
            }
            giveGrantedBack();
            exchange.readers().isNotSlow(this);
            LiveReaders.Seat taken = seat();
            taken.readers().leave(this);
            onLeave.run();
        }
    }

    @Override
    public final void release() {
        tail().close();
    }

    /** Whether it waits for room. */
    final boolean isWaitingForRoom() {
        return waiting != null;
    }

    /** Whether a thread is at the tail, so that nobody else may use it. */
    final boolean isReadingStore() {
        return reader.isBusy();
    }

    final Exchange exchange() {
        return exchange;
    }

    final LiveReaders.Seat seat() {
        return Objects.requireNonNull(seat);
    }

    final Tail tail() {
        return seat().tail();
    }

    /** How long the read may last. */
    abstract long maxAgeMillis();

    /** How long nothing may be sent. */
    abstract long quietMillis();

    /**
     * Sends what means nothing if nothing else was sent for long: what is between us and the client closes connections that
     * are idle. Returns after how many milliseconds this has to be called again.
     */
    abstract long keepAlive();

    /** Largest payload to take at once. */
    abstract int batchBytes();

    /** False while the client is slow to read, so that nothing piles up here. */
    abstract boolean wantsMore();

    /** The read has begun at the tail's position. */
    abstract void begin(LiveReaders.Seat taken);

    /** The read is over; what was sent may still be on its way. */
    abstract void over();

    /** Whether the socket has not taken all that it was given. */
    abstract boolean isHolding();

    /** Whether somebody else waits for what this holds. */
    abstract boolean othersWait();

    /** Sends what was encoded for another reader at the same place, so that nothing has to be read; false if nothing was. */
    abstract boolean sendShared();

    /** What memory for what comes next is reserved from. */
    abstract Room room();

    /** How much memory {@link #send} will hold for {@code more} beyond what is counted already. */
    abstract long bytesOf(Tail.More more);

    /** Sends entries; {@code held} is the room for that, to be given back when the client has taken them. */
    abstract void send(Tail.More more, @Nullable Reservation held);

    /** There is never or not for long enough room for what comes next. */
    abstract void noRoom();

    /** Others need the room that this holds, and its client is slow to take it. */
    final void cut() {
        leave();
        if (exchange.request().version() == HttpVersion.HTTP_2) {
            exchange.response().reset();
        } else {
            Sockets.cut(exchange.request().connection());
        }
    }

    /** Everything has been sent; the stream is as given. */
    abstract void idle(StreamState state);

    /** The time is over. */
    abstract void timeout();

    /** The server is stopping: ends with a position to resume from. */
    abstract void drain();

    /** The stream was deleted. */
    abstract void gone();

    /** Something failed on our side. */
    abstract void abort(Throwable failure);
}
