package dev.parley.client;

import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/** A value that is read again when it may have changed: once for all changes that come while it is being read. */
final class LiveValue {
    private static final Logger LOG = LoggerFactory.getLogger(LiveValue.class);

    private final Supplier<@Nullable JsonNode> source;
    private final Consumer<@Nullable JsonNode> listener;
    private final Executor executor;
    private final AtomicBoolean due = new AtomicBoolean();
    private final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private @Nullable JsonNode last;

    @GuardedBy("lock")
    private boolean told;

    LiveValue(Supplier<@Nullable JsonNode> source, Consumer<@Nullable JsonNode> listener, Executor executor) {
        this.source = source;
        this.listener = listener;
        this.executor = executor;
    }

    /** Reads the value soon. */
    void mayHaveChanged() {
        if (due.compareAndSet(false, true)) {
            executor.execute(() -> {
                try {
                    read();
                } catch (RuntimeException e) {
                    LOG.warn("A value that is watched cannot be read, or its listener has failed", e);
                }
            });
        }
    }

    /** Reads the value, and tells it if it is new; blocks. */
    void read() {
        lock.lock();
        try {
            due.set(false);
            JsonNode value = source.get();
            if (!told || !Objects.equals(value, last)) {
                told = true;
                last = value;
                listener.accept(value);
            }
        } finally {
            lock.unlock();
        }
    }
}
