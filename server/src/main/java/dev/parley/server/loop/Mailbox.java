package dev.parley.server.loop;

import io.vertx.core.Context;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Passes work from engine threads to an event loop, and wakes the loop once for all that has arrived meanwhile. The
 * number of waiting tasks is bounded by the engine's bound on waiting commands, and by one task for each log that is
 * read live.
 */
public final class Mailbox {
    private static final Logger LOG = LoggerFactory.getLogger(Mailbox.class);

    private final Context context;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean awake = new AtomicBoolean();

    /** A mailbox of the event loop of {@code context}. */
    public Mailbox(Context context) {
        this.context = context;
    }

    /** Runs {@code task} on the event loop soon. May be called by any thread. */
    public void post(Runnable task) {
        tasks.add(task);
        if (awake.compareAndSet(false, true)) {
            context.runOnContext(ignored -> drain());
        }
    }

    /** Runs {@code task} after the event loop has served its sockets. Called on that loop. */
    void afterOthers(Runnable task) {
        // Netty runs all posted tasks before it looks at the sockets again, and scheduled tasks after it.
        var _ = Netty.eventLoop(context)
                .schedule(() -> context.runOnContext(ignored -> task.run()), 0, TimeUnit.NANOSECONDS);
    }

    private void drain() {
        // Cleared first, so that a task that arrives from now on wakes the loop again.
        awake.set(false);
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            try {
                task.run();
            } catch (RuntimeException | Error e) {
                // The other tasks do not depend on this one.
                LOG.error("a task of an event loop failed", e);
            }
        }
    }
}
