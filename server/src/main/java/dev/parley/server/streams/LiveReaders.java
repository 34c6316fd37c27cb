package dev.parley.server.streams;

import dev.parley.engine.stream.StreamState;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.loop.Audience;
import dev.parley.server.loop.EventLoop;
import dev.parley.server.time.NodeClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The live readers of one event loop, by stream. Used on that loop only. */
final class LiveReaders {
    /**
     * The pause after a round as a multiple of its duration. Many readers of one stream are served cheaply rather than
     * at once: they get at most a third of the loop's time.
     */
    private static final double REST_PER_WORK = 2;

    /** How long a reader may take to accept what it was sent, even if others wait for room. */
    private static final long GIVE_WAY_NANOS = Duration.ofSeconds(5).toNanos();

    private static final long LIFETIME_CHECK_MILLIS = 250;

    /** A lifetime is renewed when half of it is left, or this time. The shortest lifetime is a second. */
    private static final long LIFETIME_MARGIN_MILLIS = 750;

    private final EventLoop loop;
    private final Map<Long, Readers> readers = new HashMap<>();
    /** Live reads whose sockets have not accepted what was sent, and since when. */
    private final Map<LiveRead, Long> slow = new LinkedHashMap<>();

    /** Events that get no further readers, and that some socket has not written. */
    private final List<SharedEvent> retired = new ArrayList<>();

    private boolean draining;

    /**
     * The live readers of {@code loop}.
     *
     * @param touch renews the lifetime of a stream
     */
    LiveReaders(EventLoop loop, NodeClock clock, Consumer<StreamState> touch) {
        this.loop = loop;
        loop.vertx().setPeriodic(LIFETIME_CHECK_MILLIS, timer -> {
            renewLifetimes(clock.millis(), touch);
            endSlow();
            retired.removeIf(SharedEvent::free);
        });
    }

    /** The event gets no further readers. Its memory remains until all sockets have written it. */
    void retire(SharedEvent event) {
        if (!event.free()) {
            event.retire();
            retired.add(event);
        }
    }

    /** Renews the lifetimes of streams that are being read: they do not end (5.1, Stream-TTL). */
    private void renewLifetimes(long now, Consumer<StreamState> touch) {
        for (Readers ofStream : readers.values()) {
            if (ofStream.audience.isEmpty()) {
                continue;
            }
            StreamState state = ofStream.audience.first().state();
            long left = state.ttlMillis() - (now - state.accessedAt());
            if (state.ttlMillis() >= 0 && left < Math.max(state.ttlMillis() / 2, LIFETIME_MARGIN_MILLIS)) {
                touch.accept(state);
            }
        }
    }

    /** The event loop of the readers. */
    EventLoop loop() {
        return loop;
    }

    /** All live readers of one stream on this loop. They are told of news together, and share encoded events. */
    final class Readers {
        private final long streamId;
        private final Audience<LiveRead> audience = loop.audience(LiveRead::pump, REST_PER_WORK);

        /** The number of seats that are not closed. Their reads may not have begun. */
        private int seats;

        /** The newest event that was encoded for these readers, see {@link SseRead}. */
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
                retire(shared);
            }
            shared = event;
        }

        private void leave() {
            seats--;
            if (seats == 0) {
                readers.remove(streamId, this);
                share(null);
            }
        }

        /** The listener that is told when there is more to read. */
        Runnable listener() {
            return audience.listener();
        }

        /** Whether an event that is encoded for one reader may be used by others, too. */
        boolean areMany() {
            return audience.size() > 1;
        }
    }

    /**
     * The place of one live read among the readers of its stream, from before it begins until it is over. It is given up when it
     * is closed for the first time.
     */
    static final class Seat implements AutoCloseable {
        private final Readers readers;
        private final Permit permit;

        /** The read that is told of news; null before it begins. */
        private @Nullable LiveRead reader;

        private boolean closed;

        private Seat(Readers readers, Permit permit) {
            this.readers = readers;
            this.permit = permit;
            readers.seats++;
        }

        /** All readers of the stream. */
        Readers readers() {
            return readers;
        }

        /** The read begins: from now on, it is told of news. */
        void take(LiveRead begun) {
            reader = begun;
            readers.audience.join(begun);
        }

        /** Does {@code step}, and closes the seat if that fails. */
        void unless(Runnable step) {
            boolean good = false;
            try {
                step.run();
                good = true;
            } finally {
                if (!good) {
                    close();
                }
            }
        }

        @Override
        public void close() {
            if (closed) {
                return;
            }
            closed = true;
            if (reader != null) {
                readers.audience.leave(reader);
            }
            readers.leave();
            permit.close();
        }
    }

    /** A seat among the readers of the stream, for which the read has this permit. The caller has to close the seat. */
    Seat seat(long streamId, Permit permit) {
        assert loop.isHere() : "readers belong to one event loop";
        return new Seat(readers.computeIfAbsent(streamId, Readers::new), permit);
    }

    /** Notes that the socket of a live read has not accepted what was sent. */
    void isSlow(LiveRead reader) {
        slow.putIfAbsent(reader, System.nanoTime());
    }

    /** Notes that the socket has accepted everything, or that the read has ended. */
    void isNotSlow(LiveRead reader) {
        if (!slow.isEmpty()) {
            slow.remove(reader);
        }
    }

    /** Ends reads that are too slow while others wait for the room that they hold. Their clients can resume. */
    private void endSlow() {
        long now = System.nanoTime();
        slow.keySet().removeIf(reader -> !reader.isHolding());
        for (var reader : List.copyOf(slow.entrySet())) {
            if (now - reader.getValue() > GIVE_WAY_NANOS && reader.getKey().othersWait()) {
                reader.getKey().cut();
            }
        }
    }

    /** Whether live reads have to end. This applies to reads that begin now, too. */
    boolean isDraining() {
        return draining;
    }

    /** Ends all live reads of this loop. */
    void drain() {
        draining = true;
        List<LiveRead> all = new ArrayList<>();
        readers.values().forEach(ofStream -> ofStream.audience.forEach(all::add));
        all.forEach(LiveRead::drain);
    }
}
