package dev.parley.engine;

import dev.parley.engine.delivery.CallbackFailures;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts exceptions that callbacks have thrown and logs at most one per second, because a bug in a door may throw with
 * every command.
 */
final class CallbackLog implements CallbackFailures {
    private static final Logger LOG = LoggerFactory.getLogger(CallbackLog.class);
    private static final long PAUSE_NANOS = 1_000_000_000;

    private final LongAdder count = new LongAdder();
    private final AtomicLong quietUntil = new AtomicLong(System.nanoTime());

    @Override
    public void add(Throwable failure) {
        count.increment();
        long now = System.nanoTime();
        long until = quietUntil.get();
        if (now - until >= 0 && quietUntil.compareAndSet(until, now + PAUSE_NANOS)) {
            LOG.error("a callback has failed; the engine goes on", failure);
        }
    }

    /** Number of callbacks that have failed since the engine was opened. */
    long count() {
        return count.sum();
    }
}
