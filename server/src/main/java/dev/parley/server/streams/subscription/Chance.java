package dev.parley.server.streams.subscription;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;

/** What is drawn at random; the engine draws nothing. */
final class Chance {
    static final Duration MIN_BACKOFF = Duration.ofSeconds(1);
    static final Duration MAX_BACKOFF = Duration.ofSeconds(60);
    static final double JITTER = 0.2;

    private static final int WAKE_ID_BYTES = 12;
    private static final SecureRandom RANDOM = new SecureRandom();

    private Chance() {}

    /** A name that no other wake has. */
    static String wakeId() {
        byte[] bytes = new byte[WAKE_ID_BYTES];
        RANDOM.nextBytes(bytes);
        return "w_" + HexFormat.of().formatHex(bytes);
    }

    /** How long to wait after a delivery has failed, {@code before} others having failed before it (7.1). */
    static long backoffMillis(int before) {
        long doubled = MIN_BACKOFF.toMillis() << Math.min(before, 16);
        long base = Math.min(doubled, MAX_BACKOFF.toMillis());
        return Math.round(base * (1 + JITTER * RANDOM.nextDouble(-1, 1)));
    }
}
