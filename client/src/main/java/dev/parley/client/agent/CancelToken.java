package dev.parley.client.agent;

import dev.parley.client.Registration;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a run is to stop. It can be asked, waited for, and hooked, at every moment of the run: while the model speaks, while
 * a tool runs, and between the two. A cancel is for ever.
 */
public final class CancelToken {
    private static final Logger LOG = LoggerFactory.getLogger(CancelToken.class);

    private static final class Hook {
        private final Runnable task;
        private final AtomicBoolean called = new AtomicBoolean();

        Hook(Runnable task) {
            this.task = task;
        }

        void call(Executor executor) {
            if (called.compareAndSet(false, true)) {
                try {
                    executor.execute(this::run);
                } catch (RejectedExecutionException e) {
                    // The executor is closed or full, but a model that nobody stops costs money.
                    LOG.debug("A hook of a cancel runs on the thread that cancels.", e);
                    run();
                }
            }
        }

        private void run() {
            try {
                task.run();
            } catch (RuntimeException e) {
                LOG.warn("A hook of a cancel has failed.", e);
            }
        }
    }

    private final Executor executor;
    private final CountDownLatch cancelled = new CountDownLatch(1);
    private final List<Hook> hooks = new CopyOnWriteArrayList<>();

    /**
     * A token that is not cancelled.
     *
     * @param executor calls hooks
     */
    CancelToken(Executor executor) {
        this.executor = executor;
    }

    /** {@return whether the run is to stop} */
    public boolean isCancelled() {
        return cancelled.getCount() == 0;
    }

    /**
     * Does nothing as long as the run may go on.
     *
     * @throws CancellationException if it is to stop
     */
    public void throwIfCancelled() {
        if (isCancelled()) {
            throw new CancellationException("The run was cancelled.");
        }
    }

    /**
     * Waits for a cancel, no longer than this. Returns whether there was one.
     *
     * @param atMost how long this waits
     * @return whether there was one
     * @throws InterruptedException if the thread is interrupted meanwhile
     */
    public boolean await(Duration atMost) throws InterruptedException {
        return cancelled.await(atMost.toNanos(), TimeUnit.NANOSECONDS);
    }

    /**
     * Calls {@code hook} once when the run is to stop, soon if that is so already; for example to close the stream of a model.
     * It is called on the client's listener executor. What it throws is logged.
     *
     * @param hook is called once; may block
     * @return what removes the hook
     */
    public Registration onCancel(Runnable hook) {
        Hook added = new Hook(hook);
        hooks.add(added);
        if (isCancelled()) {
            added.call(executor);
        }
        return () -> hooks.remove(added);
    }

    /** {@return a future that completes with a cancel; cancelling it does not cancel the run} */
    public CompletableFuture<@Nullable Void> future() {
        CompletableFuture<@Nullable Void> future = new CompletableFuture<>();
        onCancel(() -> future.complete(null));
        return future;
    }

    void cancel() {
        cancelled.countDown();
        hooks.forEach(hook -> hook.call(executor));
    }
}
