package dev.parley.server.streams;

import dev.parley.engine.Reply;
import dev.parley.server.http.RefusedException;
import dev.parley.server.http.Replies;
import dev.parley.server.http.RequestBody;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.EventLoop;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request to one stream, and its answer. Used on the event loop of its connection.
 *
 * @param path the stream's path in canonical form
 * @param readers the live readers of this event loop
 * @param holder the sender of the request
 */
record Exchange(HttpServerRequest request, String path, LiveReaders readers, Shares.Holder holder) {
    private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);

    /** The greatest length of header values that are stored. */
    private static final int MAX_STORED_HEADER = 256;

    EventLoop loop() {
        return readers.loop();
    }

    HttpServerResponse response() {
        return request.response();
    }

    /** A header's value, or null. */
    @Nullable
    String header(CharSequence name) {
        return request.headers().get(name);
    }

    /** The value of a header that becomes part of a command, or null. */
    @Nullable
    String storedHeader(CharSequence name) throws RefusedException {
        String value = header(name);
        if (value != null && value.length() > MAX_STORED_HEADER) {
            throw RefusedException.badRequest(
                    "HEADER_TOO_LONG", name + " is longer than " + MAX_STORED_HEADER + " characters");
        }
        return value;
    }

    /** Whether the request closes the stream. Any other value of the header counts as absent (4.1). */
    boolean closes() {
        return "true".equalsIgnoreCase(header(Wire.CLOSED));
    }

    /** Reads the body, and passes it on. A body of more than {@code limit} bytes is refused with 413. */
    void body(int limit, BodyHandler handler) {
        RequestBody.read(request, limit, holder, body -> guard(() -> handler.handle(body)), () -> tooLarge(limit));
    }

    void tooLarge(int limit) {
        error(413, "BODY_TOO_LARGE", "The body is larger than " + limit + " bytes. Split it over several appends.");
    }

    /** Receives the whole body. */
    @FunctionalInterface
    interface BodyHandler {
        void handle(byte[] body) throws RefusedException;
    }

    /** Work on a request, which may refuse the request. */
    @FunctionalInterface
    interface Work {
        void run() throws RefusedException;
    }

    /** Runs {@code work}, and answers with its refusal if there is one. */
    void guard(Work work) {
        try {
            work.run();
        } catch (RefusedException e) {
            e.answer(request);
        }
    }

    void error(int status, String code, String message) {
        Replies.error(request, status, code, message);
    }

    /** A reply that passes the outcome to {@code action} on this exchange's event loop. */
    <O> Reply<O> then(Consumer<O> action) {
        return new Reply<>() {
            @Override
            public void done(O outcome) {
                loop().post(() -> answering(() -> action.accept(outcome)));
            }

            @Override
            public void failed(Exception failure) {
                loop().post(() -> RefusedException.because(failure).answer(request));
            }
        };
    }

    /** Does {@code work} on a thread that may block, and passes its result to {@code action} on the event loop. */
    <T> void blocking(Callable<T> work, Consumer<T> action) {
        blocking(work, () -> {}, action);
    }

    /**
     * Does the same. If the client leaves before, or the work fails, only {@code dropped} is run, on the event loop.
     */
    <T> void blocking(Callable<T> work, Runnable dropped, Consumer<T> action) {
        // This must be asked on the event loop of the response only. On other threads, Vert.x takes its locks in
        // another order, which can lead to a deadlock.
        if (response().closed()) {
            dropped.run();
            return;
        }
        AtomicBoolean gone = new AtomicBoolean();
        response().closeHandler(closed -> gone.set(true)).exceptionHandler(failure -> gone.set(true));
        loop().read(
                        () -> gone.get() ? Optional.<T>empty() : Optional.of(work.call()),
                        found -> {
                            if (found.isPresent()) {
                                answering(() -> action.accept(found.get()));
                            } else {
                                dropped.run();
                            }
                        },
                        failure -> {
                            dropped.run();
                            failed(failure);
                        });
    }

    private void answering(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            failed(e);
        }
    }

    /** Answers after a failure of the server. */
    void failed(Throwable failure) {
        if (failure instanceof RejectedExecutionException && !response().headWritten()) {
            RefusedException.because(failure).answer(request);
            return;
        }
        LOG.error("a request to {} failed", path, failure);
        if (response().headWritten()) {
            response().reset();
        } else {
            error(500, "INTERNAL_ERROR", "The server failed to answer; its log says more.");
        }
    }

    void notFound() {
        error(404, "STREAM_NOT_FOUND", "There is no stream at this path.");
    }

    /** Refuses an offset, given in {@code where}, that belongs to an earlier stream at this path. */
    void earlierOffset(String where) {
        error(
                410,
                "OFFSET_OF_EARLIER_STREAM",
                "The offset in " + where
                        + " is of an earlier stream at this path, which was deleted, or of before the server's"
                        + " data was restored from a backup. Start over at -1.");
    }

    void gone() {
        error(410, "STREAM_GONE", "The stream was deleted; its data is kept for its forks only.");
    }
}
