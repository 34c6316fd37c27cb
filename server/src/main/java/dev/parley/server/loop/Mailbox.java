package dev.parley.server.loop;

import io.vertx.core.Context;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings work from engine threads to an event loop, waking it once for all that has come in meanwhile. What waits is
 * bounded by the engine's bound on waiting commands and by one word per log that is read live.
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

    /** Runs {@code task} on the event loop soon. Any thread. */
    public void post(Runnable task) {
        tasks.add(task);
        if (awake.compareAndSet(false, true)) {
            context.runOnContext(ignored -> drain());
        }
    }

    /** Runs {@code task} when the event loop has looked at its sockets and served them. On that loop. */
    void afterOthers(Runnable task) {
        // Netty works off all that is posted before it looks at the sockets again; what is scheduled waits for that.
        var _ = Netty.eventLoop(context)
                .schedule(() -> context.runOnContext(ignored -> task.run()), 0, TimeUnit.NANOSECONDS);
    }

    private void drain() {
        // Cleared first: a task that comes in from now on wakes the loop again.
        awake.set(false);
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            try {
                task.run();
            } catch (RuntimeException e) {
                // Those who wait behind it have nothing to do with it.
                LOG.error("a task of an event loop failed", e);
            }
        }
    }
}
