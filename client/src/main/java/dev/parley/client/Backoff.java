package dev.parley.client;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** Pauses between attempts: each twice as long as the one before, shortened at random so that clients do not come together. */
final class Backoff {
    private static final int MAX_DOUBLINGS = 30;

    private final long minMillis;
    private final long maxMillis;
    private int attempts;

    Backoff(Duration min, Duration max) {
        this.minMillis = Math.max(1, min.toMillis());
        this.maxMillis = Math.max(minMillis, max.toMillis());
    }

    /** The pause before the next attempt, in milliseconds. */
    long nextMillis() {
        long full = Math.min(maxMillis, minMillis << Math.min(attempts, MAX_DOUBLINGS));
        attempts++;
        return full - ThreadLocalRandom.current().nextLong(full / 2 + 1);
    }

    /** An attempt was successful. */
    void reset() {
        attempts = 0;
    }
}
