package dev.parley.server.loop;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;

/** One event loop of the server: a way to it from other threads, and a way from it to the store. */
public final class EventLoop {
    private final Thread thread = Thread.currentThread();
    private final Vertx vertx;
    private final Mailbox mailbox;
    private final StoreReads reads;

    /** The event loop of {@code context}, on which this is called. */
    EventLoop(Context context, StoreReads reads) {
        this.vertx = context.owner();
        this.mailbox = new Mailbox(context);
        this.reads = reads;
    }

    /** Whether the caller runs on this loop. For assertions of classes that may be used on one loop only. */
    public boolean isHere() {
        return Thread.currentThread().equals(thread);
    }

    /** Sets timers on this loop. */
    public Vertx vertx() {
        return vertx;
    }

    /** Runs {@code task} on this loop soon. May be called by any thread. */
    public void post(Runnable task) {
        mailbox.post(task);
    }

    /**
     * Runs {@code work}, which may block on the store, on another thread. Then runs, on this loop, either {@code found}
     * with its result or {@code failed} with the exception, which is a {@link RejectedExecutionException} if the work
     * was never run.
     */
    public <T> void read(Callable<T> work, Consumer<T> found, Consumer<Throwable> failed) {
        try {
            reads.execute(() -> post(outcome(work, found, failed)));
        } catch (RejectedExecutionException e) {
            post(() -> failed.accept(e));
        }
    }

    private static <T> Runnable outcome(Callable<T> work, Consumer<T> found, Consumer<Throwable> failed) {
        try {
            T result = work.call();
            return () -> found.accept(result);
        } catch (Exception | Error e) {
            return () -> failed.accept(e);
        }
    }

    /**
     * An audience on this loop without members, see {@link Audience}.
     *
     * @param pump lets a member take everything that is available for it
     * @param restPerWork the duration of the pause after a round as a multiple of the duration of the round
     */
    public <M> Audience<M> audience(Consumer<M> pump, double restPerWork) {
        return new Audience<>(this, mailbox, pump, restPerWork);
    }
}
