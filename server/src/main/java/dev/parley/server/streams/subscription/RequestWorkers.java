package dev.parley.server.streams.subscription;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Room;
import dev.parley.engine.memory.Share;
import dev.parley.server.auth.Principal;
import dev.parley.server.http.Answers;
import dev.parley.server.http.RefusedException;
import dev.parley.server.http.Replies;
import dev.parley.server.http.RequestBody;
import dev.parley.server.http.Shares;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Does the work that requests about subscriptions ask for. It waits for the disk, so it is done by threads of its own and
 * not on event loops.
 */
final class RequestWorkers {
    private static final int WORKERS = 16;

    /** The number of requests that may wait for a thread. */
    private static final int MAX_WAITING = 1_000;

    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(5);

    private static final Logger LOG = LoggerFactory.getLogger(RequestWorkers.class);

    private final Shares shares;
    private final Answers answers;
    private final ThreadPoolExecutor workers = new ThreadPoolExecutor(
            WORKERS,
            WORKERS,
            10,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING),
            Thread.ofPlatform().name("parley-subscription-requests-", 0).factory());

    /**
     * Threads without work.
     *
     * @param shares where the memory for requests is reserved
     * @param answers sends large answers
     */
    RequestWorkers(Shares shares, Answers answers) {
        this.shares = shares;
        this.answers = answers;
        workers.allowCoreThreadTimeOut(true);
    }

    /** Waits for the requests in progress, which use the engine. */
    void stop() {
        workers.shutdown();
        try {
            if (!workers.awaitTermination(STOP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("requests about subscriptions are still in progress");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The work that a request asks for. The memory for its answer is reserved in {@code room}. */
    interface Work {
        SubscriptionAnswer answer(byte[] body, Room room) throws RefusedException;
    }

    /** Does work for a request without a body, whose sender need not be known. */
    void withoutBody(HttpServerRequest request, Blocking work) {
        elsewhere(
                request,
                new Reservation(shares.holder(request.connection(), null).of(Memory.Kind.ARRIVING), 0),
                work);
    }

    /**
     * Reads the body, passes it to {@code work} on another thread, and sends the answer. Until then, memory is reserved
     * for the body and for the JSON that it is read as.
     *
     * @param principal the sender; null for the holder of a wake's token
     */
    void work(HttpServerRequest request, @Nullable Principal principal, Work work) {
        Shares.Holder holder = shares.holder(request.connection(), principal);
        Share room = holder.of(Memory.Kind.ANSWERS);
        RequestBody.read(
                request,
                SubscriptionRoutes.MAX_BODY_BYTES,
                holder,
                body -> {
                    Reservation held = holder.of(Memory.Kind.ARRIVING).reserve(SubscriptionRequests.bytes(body));
                    if (held == null) {
                        SubscriptionRefusals.overloaded().answer(request);
                    } else {
                        elsewhere(request, held, () -> {
                            SubscriptionAnswer answer = work.answer(body, room);
                            return () -> send(request, room, answer);
                        });
                    }
                },
                () -> new RefusedException(
                                413,
                                "BODY_TOO_LARGE",
                                "The body is larger than " + SubscriptionRoutes.MAX_BODY_BYTES + " bytes.")
                        .answer(request));
    }

    /** Work that blocks, and returns what sends the answer. */
    interface Blocking {
        Runnable run() throws RefusedException;
    }

    /**
     * Does {@code work} on another thread. What it returns, or the refusal, is run on the event loop of the request.
     *
     * @param held given back when the work is done
     */
    private void elsewhere(HttpServerRequest request, Reservation held, Blocking work) {
        Context context = Objects.requireNonNull(Vertx.currentContext());
        try {
            workers.execute(() -> {
                Runnable answer = answer(request, work);
                held.close();
                context.runOnContext(ready -> answer.run());
            });
        } catch (RejectedExecutionException e) {
            held.close();
            SubscriptionRefusals.overloaded().answer(request);
        }
    }

    private static Runnable answer(HttpServerRequest request, Blocking work) {
        try {
            return work.run();
        } catch (RefusedException e) {
            return () -> e.answer(request);
        } catch (RuntimeException | Error e) {
            LOG.error("a request to {} failed", request.path(), e);
            return () ->
                    Replies.error(request, 500, "INTERNAL_ERROR", "The server failed to answer; its log says more.");
        }
    }

    private void send(HttpServerRequest request, Share share, SubscriptionAnswer answer) {
        switch (answer) {
            case SubscriptionAnswer.Empty(int status) -> {
                if (!request.response().closed()) {
                    request.response().setStatusCode(status).end();
                }
            }
            case SubscriptionAnswer.Small(int status, ObjectNode body) ->
                Replies.json(request, status, body.toString());
            case SubscriptionAnswer.Large(int status, byte[] body, Reservation room) -> {
                if (request.response().closed()) {
                    room.close();
                } else if (request.method().equals(HttpMethod.HEAD)) {
                    Replies.head(request, status, "application/json")
                            .putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(body.length))
                            .end();
                    room.close();
                } else {
                    Replies.head(request, status, "application/json");
                    answers.end(request, share, room, body);
                }
            }
        }
    }
}
