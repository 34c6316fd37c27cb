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

    /** Whether the caller is on this loop, for assertions of those who may be used here only. */
    public boolean isHere() {
        return Thread.currentThread().equals(thread);
    }

    /** What sets timers, on this loop. */
    public Vertx vertx() {
        return vertx;
    }

    /** Runs {@code task} on this loop soon. Any thread. */
    public void post(Runnable task) {
        mailbox.post(task);
    }

    /**
     * Runs {@code work}, which may block on the store, elsewhere, and then on this loop either {@code found} with its result
     * or {@code failed} with what it threw: a {@link RejectedExecutionException} if it was never run.
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
     * @param pump lets a member take what there is for it
     * @param restPerWork how many times as long as a round took the loop belongs to others before the next one
     */
    public <M> Audience<M> audience(Consumer<M> pump, double restPerWork) {
        return new Audience<>(this, mailbox, pump, restPerWork);
    }
}
