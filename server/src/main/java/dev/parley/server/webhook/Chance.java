package dev.parley.server.webhook;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;

/** Random values for commands. The engine itself uses no randomness. */
public final class Chance {
    public static final Duration MIN_BACKOFF = Duration.ofSeconds(1);
    public static final Duration MAX_BACKOFF = Duration.ofSeconds(60);
    public static final double JITTER = 0.2;

    private static final int WAKE_ID_BYTES = 12;
    private static final SecureRandom RANDOM = new SecureRandom();

    private Chance() {}

    /** An id that no other wake has. */
    public static String wakeId() {
        byte[] bytes = new byte[WAKE_ID_BYTES];
        RANDOM.nextBytes(bytes);
        return "w_" + HexFormat.of().formatHex(bytes);
    }

    /** The pause after a failed delivery, if {@code before} others have failed before it (7.1). */
    public static long backoffMillis(int before) {
        long doubled = MIN_BACKOFF.toMillis() << Math.min(before, 16);
        long base = Math.min(doubled, MAX_BACKOFF.toMillis());
        return Math.round(base * (1 + JITTER * RANDOM.nextDouble(-1, 1)));
    }
}
