package dev.parley.server.streams;

import dev.parley.engine.delivery.Tail;
import dev.parley.engine.stream.StreamState;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A GET that waits for entries: pulls from its tail whatever the connection can take, from memory on the event loop and
 * from the store on a worker thread.
 */
abstract class LiveRead implements EventLoop.Reader {
    private final Exchange exchange;
    private final Runnable onLeave;
    private EventLoop.@Nullable Seat seat;
    private boolean readingStore;
    private boolean left;
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
    }

    /** Begins; the read ends by itself after {@link #maxAgeMillis()}, with the client's connection, or with the stream. */
    final void start(EventLoop.Seat taken) {
        seat = taken;
        exchange.response().closeHandler(closed -> leave());
        exchange.response().exceptionHandler(failure -> leave());
        endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(maxAgeMillis());
        awaitNext();
        begin(taken);
        pump();
    }

    /** One timer for both: when the client has to be shown that we are there, and when the time is over. */
    private void awaitNext() {
        long rest = TimeUnit.NANOSECONDS.toMillis(endNanos - System.nanoTime());
        boolean last = rest <= quietMillis();
        timer = exchange.loop().vertx().setTimer(Math.max(1, last ? rest : quietMillis()), id -> {
            if (last) {
                timeout();
                return;
            }
            keepAlive();
            if (!left) {
                awaitNext();
            }
        });
    }

    @Override
    public final void pump() {
        while (!left && !readingStore && wantsMore()) {
            Tail.Next next = tail().poll(batchBytes());
            if (next instanceof Tail.InStore) {
                readingStore = true;
                exchange.loop()
                        .vertx()
                        .executeBlocking(() -> tail().readStore(batchBytes()), false)
                        .onSuccess(read -> {
                            readingStore = false;
                            if (!left) {
                                take(read);
                                // Whatever that said: news that came in the meantime was not looked at.
                                pump();
                            }
                        })
                        .onFailure(failure -> {
                            readingStore = false;
                            abort(failure);
                        });
            } else if (!take(next)) {
                return;
            }
        }
    }

    /** Sends what came; false if there is nothing more to do until the next word of news. */
    private boolean take(Tail.Next next) {
        return switch (next) {
            case Tail.More more -> {
                send(more);
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

    @Override
    public final StreamState state() {
        return tail().state();
    }

    /** Gives up the seat. Safe to repeat. */
    final void leave() {
        if (!left) {
            left = true;
            exchange.loop().vertx().cancelTimer(timer);
            EventLoop.Seat taken = seat();
            taken.tail().close();
            taken.readers().leave(this);
            onLeave.run();
        }
    }

    /** Whether a thread is at the tail, so that nobody else may use it. */
    final boolean isReadingStore() {
        return readingStore;
    }

    final Exchange exchange() {
        return exchange;
    }

    final EventLoop.Seat seat() {
        return Objects.requireNonNull(seat);
    }

    final Tail tail() {
        return seat().tail();
    }

    /** How long the read may last. */
    abstract long maxAgeMillis();

    /** How long nothing may be sent. */
    abstract long quietMillis();

    /** Sends what means nothing: what is between us and the client closes connections that are idle. */
    abstract void keepAlive();

    /** Largest payload to take at once. */
    abstract int batchBytes();

    /** False while the client is slow to read, so that nothing piles up here. */
    abstract boolean wantsMore();

    /** The read has begun at the tail's position. */
    abstract void begin(EventLoop.Seat taken);

    /** Sends entries. */
    abstract void send(Tail.More more);

    /** Everything has been sent; the stream is as given. */
    abstract void idle(StreamState state);

    /** The time is over. */
    abstract void timeout();

    /** The stream was deleted. */
    abstract void gone();

    /** Something failed on our side. */
    abstract void abort(Throwable failure);
}
