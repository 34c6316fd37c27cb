package dev.parley.server.streams;

import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.delivery.Tail;
import dev.parley.engine.stream.StreamState;
import dev.parley.server.loop.Audience;
import dev.parley.server.loop.Mailbox;
import dev.parley.server.time.NodeClock;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the door keeps for one event loop: its mailbox and its live readers. Used on that loop only, but for post. */
final class EventLoop {
    /** Many readers of one stream are served cheaply rather than at once: a third of the loop, at most, is for them. */
    private static final double REST_PER_WORK = 2;

    private static final long LIFETIME_CHECK_MILLIS = 250;

    /** A lifetime is renewed when half of it is left, or this much: the shortest is a second. */
    private static final long LIFETIME_MARGIN_MILLIS = 750;

    private final Vertx vertx;
    private final Mailbox mailbox;
    private final Map<Long, Readers> readers = new HashMap<>();
    private boolean draining;

    /**
     * The door's share of the event loop of {@code context}.
     *
     * @param touch renews the lifetime of a stream
     */
    EventLoop(Context context, NodeClock clock, Consumer<StreamState> touch) {
        this.vertx = context.owner();
        this.mailbox = new Mailbox(context);
        vertx.setPeriodic(LIFETIME_CHECK_MILLIS, timer -> renewLifetimes(clock.millis(), touch));
    }

    /** A stream that is being read live does not end (5.1, Stream-TTL). */
    private void renewLifetimes(long now, Consumer<StreamState> touch) {
        for (Readers ofStream : readers.values()) {
            StreamState state = ofStream.audience.first().state();
            long left = state.ttlMillis() - (now - state.accessedAt());
            if (state.ttlMillis() >= 0 && left < Math.max(state.ttlMillis() / 2, LIFETIME_MARGIN_MILLIS)) {
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
    final class Readers {
        private final long streamId;
        private final Audience<Reader> audience = new Audience<>(vertx, mailbox, Reader::pump, REST_PER_WORK);

        /** The newest batch that was encoded for these readers, see {@link SseRead}. */
        private @Nullable SharedEvent shared;

        private Readers(long streamId) {
            this.streamId = streamId;
        }

        @Nullable
        SharedEvent shared() {
            return shared;
        }

        void share(@Nullable SharedEvent event) {
            if (shared != null) {
                shared.chunk().release();
            }
            shared = event;
        }

        void leave(Reader reader) {
            audience.leave(reader);
            if (audience.isEmpty()) {
                readers.remove(streamId, this);
                share(null);
            }
        }
    }

    /** An open live read: its tail and those with whom it reads. */
    record Seat(Readers readers, Tail tail) {}

    /** Lets {@code reader} follow the stream from {@code position}; null if the stream is no more. May read the store. */
    @Nullable
    Seat follow(Delivery delivery, StreamState state, long position, Reader reader) {
        Readers ofStream = readers.computeIfAbsent(state.id(), Readers::new);
        Tail tail = null;
        try {
            tail = delivery.tail(state, position, ofStream.audience.listener());
        } finally {
            if (tail == null && ofStream.audience.isEmpty()) {
                readers.remove(state.id());
            }
        }
        if (tail == null) {
            return null;
        }
        ofStream.audience.join(reader);
        return new Seat(ofStream, tail);
    }

    /** True once live reads had to end: one that begins now has to, too. */
    boolean isDraining() {
        return draining;
    }

    /** Ends all live reads of this loop. */
    void drain() {
        draining = true;
        List<Reader> all = new ArrayList<>();
        readers.values().forEach(ofStream -> ofStream.audience.forEach(all::add));
        all.forEach(Reader::drain);
    }
}
