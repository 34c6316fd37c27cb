package dev.parley.server.http;

import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Share;
import dev.parley.engine.memory.Waiting;
import io.netty.buffer.Unpooled;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.internal.buffer.BufferInternal;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Room for whole answers. It is reserved before anything is fetched for an answer, and given back when the client has taken
 * it. Who finds no room waits for a while; meanwhile those who take too long over theirs have to give way.
 *
 * <p>Thread-safe, but for what is about a request: that is done on its event loop.
 */
public final class Answers {
    /** How long a request waits for room; then it is told to try again. */
    private static final long PATIENCE_NANOS = Duration.ofSeconds(10).toNanos();

    /** How long a client may take at least over any answer, while others wait for room. */
    private static final long GIVE_WAY_NANOS = Duration.ofSeconds(5).toNanos();

    /** An answer that is taken slower than this in the mean, beyond {@link #GRACE_NANOS}, is cut off. */
    private static final long LEAST_BYTES_PER_SECOND = 16 << 10;

    private static final long GRACE_NANOS = Duration.ofSeconds(30).toNanos();

    private static final long SWEEP_MILLIS = 1_000;

    private final Vertx vertx;
    private final ConcurrentHashMap<Thread, OnLoop> loops = new ConcurrentHashMap<>();

    /** Answers that are on their way. */
    private final AtomicInteger underWay = new AtomicInteger();

    private final Promise<Void> emptied = Promise.promise();
    private volatile boolean draining;

    public Answers(Vertx vertx) {
        this.vertx = vertx;
    }

    /** What one event loop has to look at now and then. */
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

        /** The time is over, or the client has gone. */
        void giveUp(boolean tell) {
            Waiting place = waiting;
            if (place != null && !place.cancel()) {
                // Room was granted at this very moment: take() is on its way, and is now too late if the client has
                // gone.
                return;
            }
            if (loop.waiting.remove(this) && tell) {
                refused.run();
            }
        }
    }

    /** An answer that is on its way. */
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

        /** The client can ask again; what it has taken so far does not count. */
        void cut() {
            if (request.version() == HttpVersion.HTTP_2 && !reset) {
                reset = true;
                request.response().reset();
            } else {
                // A socket that takes nothing does not even take a reset.
                Sockets.cut(request.connection());
            }
        }
    }

    private OnLoop loop() {
        return loops.computeIfAbsent(Thread.currentThread(), thread -> new OnLoop());
    }

    /**
     * Hands {@code granted} room for an answer to {@code request} as soon as there is some: close it, or give it to {@link
     * #end}. Nothing happens any more if the client goes before.
     *
     * @param share what the connection may have for answers
     * @param bytes how much the answer may take, by an estimate that errs upwards
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

    /** Tells that there was no room for an answer. */
    public static void refuse(HttpServerRequest request) {
        request.response().putHeader(HttpHeaders.RETRY_AFTER, "1");
        Replies.error(request, 503, "OVERLOADED", "Too many large answers are on their way; try again soon.");
    }

    /** Ends the answer to {@code request} with {@code body}, which {@code held} of {@code share} is for. */
    public void end(HttpServerRequest request, Share share, Reservation held, byte[] body) {
        held.shrinkTo(body.length);
        underWay.incrementAndGet();
        // Not copied: nobody changes it any more.
        Future<Void> sent = request.response().end(BufferInternal.buffer(Unpooled.wrappedBuffer(body)));
        if (sent.isComplete()) {
            over(held);
            return;
        }
        Set<Sending> sending = loop().sending;
        Sending slow = new Sending(request, share, body.length);
        sending.add(slow);
        sent.onComplete(taken -> {
            sending.remove(slow);
            over(held);
        });
    }

    private void over(Reservation held) {
        held.close();
        if (underWay.decrementAndGet() == 0 && draining) {
            emptied.tryComplete();
        }
    }

    /** Completes when clients have taken all that is on its way. To be asked when nothing more is begun. */
    public Future<Void> drained() {
        draining = true;
        if (underWay.get() == 0) {
            emptied.tryComplete();
        }
        return emptied.future();
    }
}
