package dev.parley.server.streams;

import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.delivery.Tail;
import dev.parley.engine.stream.StreamState;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the door keeps for one event loop: its mailbox and its live readers. Used on that loop only, but for post. */
final class EventLoop {
    /** Longest pause between two rounds to the readers of one stream. */
    private static final long MAX_PAUSE_NANOS = 50_000_000;

    /** A shorter pause is not worth a timer. */
    private static final long MIN_PAUSE_NANOS = 1_000_000;

    private static final long LIFETIME_CHECK_MILLIS = 1_000;

    private final Vertx vertx;
    private final EventLoopMailbox mailbox;
    private final Map<Long, Audience> audiences = new HashMap<>();

    /**
     * The door's share of the event loop of {@code context}.
     *
     * @param touch renews the lifetime of a stream
     */
    EventLoop(Context context, Consumer<StreamState> touch) {
        this.vertx = context.owner();
        this.mailbox = new EventLoopMailbox(context);
        vertx.setPeriodic(LIFETIME_CHECK_MILLIS, timer -> renewLifetimes(touch));
    }

    /** A stream that is being read live does not end (5.1, Stream-TTL). */
    private void renewLifetimes(Consumer<StreamState> touch) {
        long now = System.currentTimeMillis();
        for (Audience audience : audiences.values()) {
            StreamState state = audience.readers.getFirst().state();
            if (state.ttlMillis() >= 0 && now - state.accessedAt() > state.ttlMillis() / 2) {
                touch.accept(state);
            }
        }
    }

    /** Runs {@code task} on this event loop. Any thread. */
    void post(Runnable task) {
        mailbox.post(task);
    }

    Vertx vertx() {
        return vertx;
    }

    /** A live read that waits for entries. */
    interface Reader {
        /** There may be more to read, or the stream has ended. */
        void pump();

        /** The stream as last seen. */
        StreamState state();

        /** The server is stopping: end with a position to resume from. */
        void drain();
    }

    /** All live readers of one stream on this loop; they hear of news together and share what is encoded for them. */
    final class Audience {
        private final long streamId;
        private final LinkedHashSet<Reader> readers = new LinkedHashSet<>();

        /** The readers as an array that a round can walk while some leave; null after a change. */
        private Reader @Nullable [] seated;

        private final AtomicBoolean told = new AtomicBoolean();
        private final Runnable listener = this::tell;
        private long restUntilNanos = System.nanoTime();

        /** The newest batch that was encoded for these readers, see {@link SseRead}. */
        @Nullable
        SharedEvent shared;

        private Audience(long streamId) {
            this.streamId = streamId;
        }

        /** Passes the word from the applier to the loop, once for all entries that come in meanwhile. */
        private void tell() {
            if (told.compareAndSet(false, true)) {
                post(this::round);
            }
        }

        /**
         * One round to all readers. A round that takes long is followed by a pause as long, so that entries of a busy
         * stream gather into fewer and larger writes while the loop stays free for others; a quick one is not.
         */
        private void round() {
            long start = System.nanoTime();
            long rest = restUntilNanos - start;
            if (rest > MIN_PAUSE_NANOS) {
                vertx.setTimer(Math.ceilDiv(rest, 1_000_000L), timer -> round());
                return;
            }
            told.set(false);
            for (Reader reader : seated()) {
                reader.pump();
            }
            long end = System.nanoTime();
            restUntilNanos = end + Math.min(MAX_PAUSE_NANOS, end - start);
        }

        private Reader[] seated() {
            Reader[] now = seated;
            if (now == null) {
                now = readers.toArray(Reader[]::new);
                seated = now;
            }
            return now;
        }

        private void join(Reader reader) {
            readers.add(reader);
            seated = null;
        }

        void leave(Reader reader) {
            readers.remove(reader);
            seated = null;
            if (readers.isEmpty()) {
                audiences.remove(streamId, this);
            }
        }
    }

    /** An open live read: its tail and its place in the audience. */
    record Seat(Audience audience, Tail tail) {}

    /** Lets {@code reader} follow the stream from {@code position}; null if the stream is no more. May read the store. */
    @Nullable
    Seat follow(Delivery delivery, StreamState state, long position, Reader reader) {
        Audience audience = audiences.computeIfAbsent(state.id(), Audience::new);
        Tail tail = delivery.tail(state, position, audience.listener);
        if (tail == null) {
            if (audience.readers.isEmpty()) {
                audiences.remove(state.id());
            }
            return null;
        }
        audience.join(reader);
        return new Seat(audience, tail);
    }

    /** Ends all live reads of this loop. */
    void drain() {
        List<Reader> all = new ArrayList<>();
        audiences.values().forEach(audience -> all.addAll(audience.readers));
        all.forEach(Reader::drain);
    }
}
