package dev.parley.server.http;

import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Share;
import dev.parley.engine.memory.Waiting;
import dev.parley.server.loop.Netty;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Memory for whole answers. It is reserved before anything is read for an answer, and given back when the client has
 * accepted the answer. A request that finds no room waits for a while. Meanwhile, clients that take too long to accept
 * their answers are cut off.
 *
 * <p>Thread-safe, except for the methods that concern a request, which are called on the request's event loop.
 */
public final class Answers {
    /** How long a request waits for room. After that, the client is told to try again. */
    private static final long PATIENCE_NANOS = Duration.ofSeconds(10).toNanos();

    /** How long a client may take for any answer, even if other requests wait for room. */
    private static final long GIVE_WAY_NANOS = Duration.ofSeconds(5).toNanos();

    /** A client that accepts an answer at a lower average rate, after {@link #GRACE_NANOS}, is cut off. */
    private static final long LEAST_BYTES_PER_SECOND = 16 << 10;

    private static final long GRACE_NANOS = Duration.ofSeconds(30).toNanos();

    private static final long SWEEP_MILLIS = 1_000;

    private final Vertx vertx;
    private final ConcurrentHashMap<Thread, OnLoop> loops = new ConcurrentHashMap<>();

    /** Number of answers that are being sent. */
    private final AtomicInteger underWay = new AtomicInteger();

    private final Promise<Void> emptied = Promise.promise();
    private volatile boolean draining;

    public Answers(Vertx vertx) {
        this.vertx = vertx;
    }

    /** The requests and answers of one event loop that have to be checked from time to time. */
    private final class OnLoop {
        private final Context context = vertx.getOrCreateContext();
        private final Set<Place> waiting = new LinkedHashSet<>();
        private final Set<Sending> sending = new LinkedHashSet<>();

        OnLoop() {
            vertx.setPeriodic(SWEEP_MILLIS, timer -> sweep(System.nanoTime()));
        }

        private void sweep(long now) {
            for (Place place : List.copyOf(waiting)) {
                if (now - place.since > PATIENCE_NANOS) {
                    place.giveUp(true);
                }
            }
            for (Sending slow : List.copyOf(sending)) {
                long taken = now - slow.since;
                if (taken > slow.allowedNanos || (taken > GIVE_WAY_NANOS && slow.share.isAwaitedByOthers())) {
                    slow.cut();
                }
            }
        }
    }

    /** A request that waits for room. */
    private static final class Place {
        private final OnLoop loop;
        private final HttpServerRequest request;
        private final Share share;
        private final long bytes;
        private final Consumer<Reservation> granted;
        private final Runnable refused;
        private final long since = System.nanoTime();
        private @Nullable Waiting waiting;

        Place(
                OnLoop loop,
                HttpServerRequest request,
                Share share,
                long bytes,
                Consumer<Reservation> granted,
                Runnable refused) {
            this.loop = loop;
            this.request = request;
            this.share = share;
            this.bytes = bytes;
            this.granted = granted;
            this.refused = refused;
        }

        void begin() {
            loop.waiting.add(this);
            request.response().closeHandler(closed -> giveUp(false));
            request.response().exceptionHandler(failure -> giveUp(false));
            waiting = share.whenRoom(bytes, () -> loop.context.runOnContext(now -> take()));
            if (waiting == null) {
                giveUp(true);
            }
        }

        private void take() {
            Reservation held = new Reservation(share, bytes);
            if (loop.waiting.remove(this) && !request.response().closed()) {
                hand(held, granted);
            } else {
                held.close();
            }
        }

        /** Ends the wait, because the time is over or the client has left. */
        void giveUp(boolean tell) {
            Waiting place = waiting;
            if (place != null && !place.cancel()) {
                // Room was granted at this very moment: take() will run soon, and finds out by itself if the client has
                // left.
                return;
            }
            if (loop.waiting.remove(this) && tell) {
                refused.run();
            }
        }
    }

    /** An answer that is being sent. */
    private static final class Sending {
        private final HttpServerRequest request;
        private final Share share;
        private final long since = System.nanoTime();
        private final long allowedNanos;
        private boolean reset;

        Sending(HttpServerRequest request, Share share, long bytes) {
            this.request = request;
            this.share = share;
            this.allowedNanos = GRACE_NANOS
                    + Duration.ofSeconds(bytes / LEAST_BYTES_PER_SECOND).toNanos();
        }

        /** Cuts the client off. It can ask again. */
        void cut() {
            if (request.version() == HttpVersion.HTTP_2 && !reset) {
                reset = true;
                request.response().reset();
            } else {
                // A socket that accepts nothing does not even accept a reset.
                Sockets.cut(request.connection());
            }
        }
    }

    private OnLoop loop() {
        return loops.computeIfAbsent(Thread.currentThread(), thread -> new OnLoop());
    }

    /**
     * Passes room for an answer to {@code request} to {@code granted} as soon as there is room. The receiver has to
     * close the reservation or pass it to {@link #end}. If the client leaves before, nothing is called.
     *
     * @param share the share of the connection for answers
     * @param bytes the size of the answer, by an estimate that is too large rather than too small
     * @param refused runs if there was no room in time
     */
    public void whenRoom(
            HttpServerRequest request, Share share, long bytes, Consumer<Reservation> granted, Runnable refused) {
        if (request.response().closed()) {
            return;
        }
        Reservation held = share.reserve(bytes);
        if (held != null) {
            hand(held, granted);
        } else {
            new Place(loop(), request, share, bytes, granted, refused).begin();
        }
    }

    private static void hand(Reservation held, Consumer<Reservation> granted) {
        boolean taken = false;
        try {
            granted.accept(held);
            taken = true;
        } finally {
            if (!taken) {
                held.close();
            }
        }
    }

    /** Answers that there was no room for an answer. */
    public static void refuse(HttpServerRequest request) {
        request.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
        Replies.error(request, 503, "OVERLOADED", "Too many large answers are being sent; try again soon.");
    }

    /** Ends the answer to {@code request} with {@code body}, whose memory is {@code held} of {@code share}. */
    public void end(HttpServerRequest request, Share share, Reservation held, byte[] body) {
        held.shrinkTo(body.length);
        Answer answer = new Answer(held);
        boolean handedOver = false;
        try {
            // Not copied, because nobody changes the body any more.
            Future<Void> sent = request.response().end(Netty.buffer(body));
            if (!sent.isComplete()) {
                Set<Sending> sending = loop().sending;
                Sending slow = new Sending(request, share, body.length);
                sending.add(slow);
                sent.onComplete(taken -> {
                    sending.remove(slow);
                    answer.close();
                });
                handedOver = true;
            }
        } finally {
            if (!handedOver) {
                answer.close();
            }
        }
    }

    /** That an answer is being sent, and the memory that it takes, until it is closed. Used on its event loop. */
    private final class Answer implements AutoCloseable {
        private final Reservation held;
        private boolean closed;

        Answer(Reservation held) {
            this.held = held;
            underWay.incrementAndGet();
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                held.close();
                if (underWay.decrementAndGet() == 0 && draining) {
                    emptied.tryComplete();
                }
            }
        }
    }

    /** Completes when clients have accepted all answers that are being sent. Called when no new answers are started. */
    public Future<Void> drained() {
        draining = true;
        if (underWay.get() == 0) {
            emptied.tryComplete();
        }
        return emptied.future();
    }
}
