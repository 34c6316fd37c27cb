package dev.parley.client;

import java.security.SecureRandom;
import java.util.Base64;
import java.util.concurrent.atomic.AtomicLong;

/** Makes ids that nobody else makes: a random part for each client, and a number. */
final class MessageIds {
    private static final int RANDOM_BYTES = 12;

    private final String prefix;
    private final AtomicLong count = new AtomicLong();

    MessageIds() {
        byte[] random = new byte[RANDOM_BYTES];
        new SecureRandom().nextBytes(random);
        prefix = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    }

    String next() {
        return prefix + "-" + count.incrementAndGet();
    }
}
