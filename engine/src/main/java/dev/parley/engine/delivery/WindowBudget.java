package dev.parley.engine.delivery;

import java.util.concurrent.atomic.AtomicLong;

/** The memory that the newest entries of all streams and sessions with live readers may take together. Thread-safe. */
final class WindowBudget {
    private final long maxBytes;
    private final AtomicLong bytes = new AtomicLong();

    WindowBudget(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /** Notes that a window holds so much more, or less if negative. Returns by how much all of them hold too much. */
    long add(long change) {
        return Math.max(0, bytes.addAndGet(change) - maxBytes);
    }

    /** What all windows hold now. */
    long bytes() {
        return bytes.get();
    }
}
