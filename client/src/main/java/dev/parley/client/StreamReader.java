package dev.parley.client;

import java.net.http.HttpResponse;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Follows a stream. Between two calls it does nothing and holds nothing. Made by {@link Stream#follow}.
 */
public final class StreamReader {
    private final Stream stream;

    @GuardedBy("lock")
    private final Backoff backoff;

    private final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private String offset;

    @GuardedBy("lock")
    private @Nullable String cursor;

    @GuardedBy("lock")
    private boolean ended;

    @GuardedBy("lock")
    private @Nullable CompletableFuture<Chunk> pending;

    StreamReader(Stream stream, String offset, ClientOptions options) {
        this.stream = stream;
        this.offset = offset;
        this.backoff = new Backoff(options.minBackoff(), options.maxBackoff());
    }

    /** {@return the offset from which the next call reads} Another reader can go on there. */
    public String offset() {
        lock.lock();
        try {
            return offset;
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@return the next data, for which this waits as long as it takes; null if the stream is closed and has been read}
     * While the server cannot be reached, it is tried again and again.
     *
     * @throws ParleyException.Unreachable if the certificate of the server is not trusted; the reader can be used again
     * @throws ParleyException.Refused if the server refuses to go on, for example because the stream was deleted
     * @throws ParleyException.Interrupted if the thread is interrupted; the reader can be used again
     */
    public @Nullable Chunk next() {
        LinkLock.mayWait();
        try {
            Chunk chunk = nextAsync().get();
            return chunk.bytes().length == 0 && chunk.ended() ? null : chunk;
        } catch (ExecutionException e) {
            throw Http.asException(e.getCause() == null ? e : e.getCause());
        } catch (InterruptedException e) {
            throw Http.interrupted(e);
        }
    }

    /**
     * The next data without waiting. While one call has not completed, others return the same future.
     *
     * @return completes with data, or with an empty chunk that has {@link Chunk#ended} when the stream has been read to its end
     */
    public CompletableFuture<Chunk> nextAsync() {
        CompletableFuture<Chunk> next;
        lock.lock();
        try {
            if (pending != null) {
                return pending;
            }
            if (ended) {
                return CompletableFuture.completedFuture(new Chunk(new byte[0], offset, true, true));
            }
            next = new CompletableFuture<>();
            pending = next;
        } finally {
            lock.unlock();
        }
        poll(next);
        return next;
    }

    private void poll(CompletableFuture<Chunk> next) {
        String from;
        String last;
        lock.lock();
        try {
            from = offset;
            last = cursor;
        } finally {
            lock.unlock();
        }
        var unused = stream.poll(from, last).whenComplete((response, failure) -> {
            try {
                answered(next, from, response, failure);
            } catch (RuntimeException e) {
                settle(next, null, e);
            }
        });
    }

    private void answered(
            CompletableFuture<Chunk> next,
            String from,
            @Nullable HttpResponse<byte[]> response,
            @Nullable Throwable failure) {
        if (response == null) {
            RuntimeException error = Http.asException(failure == null ? new CompletionException(null) : failure);
            boolean lost = error instanceof ParleyException.OutcomeUnknown
                    || (error instanceof ParleyException.Unreachable unreachable && unreachable.retryHelps());
            againOr(next, lost, error);
            return;
        }
        if (response.statusCode() >= 300) {
            ParleyException error = Http.error(response);
            againOr(next, error.retryHelps(), error);
            return;
        }
        Chunk chunk = Stream.chunk(response, from);
        lock.lock();
        try {
            backoff.reset();
            offset = chunk.next();
            cursor = response.headers().firstValue("Stream-Cursor").orElse(cursor);
            ended = chunk.ended();
        } finally {
            lock.unlock();
        }
        if (chunk.bytes().length == 0 && !chunk.ended()) {
            poll(next);
        } else {
            settle(next, chunk, null);
        }
    }

    private void againOr(CompletableFuture<Chunk> next, boolean again, RuntimeException error) {
        if (again) {
            var unused = ClientThreads.after(pause(), () -> poll(next));
        } else {
            settle(next, null, error);
        }
    }

    private long pause() {
        lock.lock();
        try {
            return backoff.nextMillis();
        } finally {
            lock.unlock();
        }
    }

    private void settle(CompletableFuture<Chunk> next, @Nullable Chunk chunk, @Nullable RuntimeException error) {
        lock.lock();
        try {
            pending = null;
        } finally {
            lock.unlock();
        }
        if (error != null) {
            next.completeExceptionally(error);
        } else {
            next.complete(chunk);
        }
    }
}
