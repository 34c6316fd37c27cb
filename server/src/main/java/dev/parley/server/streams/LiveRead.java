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
 * A GET that waits for entries. It takes from its tail what the connection can accept: from memory on the event loop,
 * and from the store on a thread that may block.
 */
abstract class LiveRead implements LogReader.Log {
    /** The memory that a read from the store takes besides its entries. */
    private static final int READ_OVERHEAD_BYTES = 1 << 10;

    /** How often an entry may turn out to need more room than there is. */
    private static final int MAX_ATTEMPTS = 3;

    private final Exchange exchange;
    private final LiveReaders.Seat seat;
    private final LogReader reader;

    /** Null before the read begins. */
    private @Nullable Tail tail;

    private @Nullable Waiting waiting;

    /** Room that the read has waited for, and has not used yet. */
    private @Nullable Reservation granted;

    private long timer = -1;
    private long endNanos;

    /**
     * Answers {@code exchange}.
     *
     * @param seat closed when the read is over
     */
    LiveRead(Exchange exchange, LiveReaders.Seat seat) {
        this.exchange = exchange;
        this.seat = seat;
        this.reader = new LogReader(exchange.loop(), this);
    }

    /**
     * Begins the read from {@code opened}. It ends by itself after {@link #maxAgeMillis()}, with the client's connection, or
     * with the stream.
     */
    final void start(Tail opened) {
        tail = opened;
        boolean begun = false;
        try {
            seat.take(this);
            exchange.response().closeHandler(closed -> leave());
            exchange.response().exceptionHandler(failure -> leave());
            endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(maxAgeMillis());
            awaitNext(quietMillis());
            begin(opened);
            pump();
            begun = true;
        } finally {
            if (!begun) {
                leave();
            }
        }
    }

    /**
     * Sets one timer for two purposes: to show the client that the connection is alive, and to end the read.
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

    /** Called when there may be more to read, or room for it, or the stream has ended. */
    final void pump() {
        reader.pump();
    }

    @Override
    public final boolean step() {
        if (waiting != null || !wantsMore()) {
            return false;
        }
        // Most readers of one stream are at the same position, and need neither the entries nor room for them.
        if (sendShared()) {
            return tail().hasMore();
        }
        Tail.Next next = tail().poll(batchBytes());
        if (!(next instanceof Tail.InStore)) {
            return take(next);
        }
        readStore(batchBytes() + READ_OVERHEAD_BYTES, 1);
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

    /** Reserves at least this number of bytes. Room that the read has waited for is used first. */
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
     * Reads entries from the store as far as there is room for them.
     *
     * @param bytes the room to ask for: a batch, or one entry that is larger
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
                        // The entries are sent with the room with which they were read.
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

    /** The result of reading the store, or the room that is needed for it. */
    private record FromStore(Tail.@Nullable Next next, long needed) {}

    private FromStore readStore(Reservation held) {
        if (reader.isClosed()) {
            // The client has left while the read waited for a thread.
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
     * Continues when there is room; until then, nothing is read. The room is then kept. If it were given back and
     * requested again, the waiting reads would pass it round, and none of them would use it.
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

    /** Sends what was read. Returns false if there is nothing to do until there is news, or room. */
    private boolean take(Tail.Next next) {
        return switch (next) {
            case Tail.More more -> {
                Room room = room();
                long bytes = bytesOf(more);
                Reservation held = reserve(room, bytes);
                if (held == null) {
                    // The entries may have left memory by the time when there is room.
                    tail().putBack(more);
                    pumpWhenRoom(room, bytes);
                    yield false;
                }
                held.shrinkTo(bytes);
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

    /** The newest state of the stream that the read has seen. */
    final StreamState state() {
        return tail().state();
    }

    /** Gives up the seat. May be called repeatedly. */
    final void leave() {
        if (!reader.isClosed()) {
            reader.close();
            over();
            exchange.loop().vertx().cancelTimer(timer);
            Waiting place = waiting;
            if (place != null) {
                // If it is too late to cancel, the room is granted and then given back.
                var _ = place.cancel();
                waiting = null;
            }
            giveGrantedBack();
            exchange.readers().isNotSlow(this);
            seat.close();
        }
    }

    @Override
    public final void release() {
        tail().close();
    }

    /** Whether the read waits for room. */
    final boolean isWaitingForRoom() {
        return waiting != null;
    }

    /** Whether another thread uses the tail, so that nobody else may use it. */
    final boolean isReadingStore() {
        return reader.isBusy();
    }

    final Exchange exchange() {
        return exchange;
    }

    final LiveReaders.Seat seat() {
        return seat;
    }

    final Tail tail() {
        return Objects.requireNonNull(tail);
    }

    /** How long the read may last. */
    abstract long maxAgeMillis();

    /** The longest time for which nothing is sent. */
    abstract long quietMillis();

    /**
     * Sends something without meaning if nothing else was sent for long, so that proxies do not close the connection.
     * Returns after how many milliseconds this method has to be called again.
     */
    abstract long keepAlive();

    /** The largest payload to take at once. */
    abstract int batchBytes();

    /** Whether more may be sent. False while the client is slow, so that nothing accumulates here. */
    abstract boolean wantsMore();

    /** The read has begun at the tail's position. */
    abstract void begin(Tail opened);

    /** The read is over. What was sent may still be in the socket. */
    abstract void over();

    /** Whether the socket has not accepted everything that was sent. */
    abstract boolean isHolding();

    /** Whether others wait for the room that this read holds. */
    abstract boolean othersWait();

    /**
     * Sends an event that was encoded for another reader at the same position, so that nothing has to be read. Returns
     * false if there is none.
     */
    abstract boolean sendShared();

    /** The room in which memory for the next entries is reserved. */
    abstract Room room();

    /** How much memory {@link #send} will need for {@code more}. */
    abstract long bytesOf(Tail.More more);

    /**
     * Sends entries. {@code held} is the room for them, which has to be given back when the client has accepted them.
     */
    abstract void send(Tail.More more, Reservation held);

    /** There is no room for the next entries: there never will be, or not in time. */
    abstract void noRoom();

    /** Ends the read, because others need the room that it holds and its client is slow to accept data. */
    final void cut() {
        leave();
        if (exchange.request().version() == HttpVersion.HTTP_2) {
            exchange.response().reset();
        } else {
            Sockets.cut(exchange.request().connection());
        }
    }

    /** Everything has been sent. The stream has this state. */
    abstract void idle(StreamState state);

    /** The time is over. */
    abstract void timeout();

    /** The server is stopping. Ends with a position from which the client can resume. */
    abstract void drain();

    /** The stream was deleted. */
    abstract void gone();

    /** The server has failed to read. */
    abstract void abort(Throwable failure);
}
