package dev.parley.server.auth;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.text.ParseException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys that an identity provider publishes (JWKS, RFC 7517), fetched by a thread of their own. Whoever asks for a key
 * never waits. Thread-safe.
 */
final class ProviderKeys implements AutoCloseable {
    /** For how long the keys are good while the provider cannot be reached. */
    static final Duration MAX_AGE = Duration.ofDays(1);

    static final int MAX_BYTES = 256 << 10;

    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(ProviderKeys.class);

    private final URL url;
    private final Duration interval;
    private final Duration leastInterval;
    private final Semaphore asked = new Semaphore(0);
    private final Thread fetching;

    private volatile @Nullable Published newest;

    /** @param nanos when they were asked for, in the terms of {@link System#nanoTime} */
    private record Published(JWKSet keys, long nanos) {

        boolean isOlderThan(Duration age) {
            return System.nanoTime() - nanos >= age.toNanos();
        }
    }

    /** What is known of a key. */
    sealed interface Found {}

    /** The key is published. */
    record Known(JWK key) implements Found {}

    /** The key is not published. */
    record Unknown() implements Found {}

    /** The key may be published: the provider is asked now, or cannot be reached. */
    record Unclear() implements Found {}

    /**
     * The keys at {@code address}, which are fetched now and every {@code interval}.
     *
     * @param leastInterval the least time between two requests to the provider, whatever tokens clients send
     * @throws IllegalArgumentException if nothing can be fetched from such an address
     */
    ProviderKeys(URI address, Duration interval, Duration leastInterval) {
        try {
            this.url = address.toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(e);
        }
        this.interval = interval;
        this.leastInterval = leastInterval;
        this.fetching = Thread.ofVirtual().name("identity-keys").start(this::follow);
    }

    Found find(String id) {
        Published known = newest;
        JWK key = known == null || known.isOlderThan(MAX_AGE) ? null : known.keys.getKeyByKeyId(id);
        if (key != null) {
            return new Known(key);
        }
        ask();
        return known == null || known.isOlderThan(leastInterval) ? new Unclear() : new Unknown();
    }

    private void ask() {
        if (asked.availablePermits() == 0) {
            asked.release();
        }
    }

    private void follow() {
        boolean failing = false;
        try {
            while (true) {
                asked.drainPermits();
                long began = System.nanoTime();
                try {
                    newest = new Published(fetch(), began);
                    if (failing) {
                        LOG.info("The keys of the identity provider can be fetched again");
                    }
                    failing = false;
                } catch (IOException | ParseException e) {
                    if (!failing) {
                        LOG.atWarn()
                                .setCause(e)
                                .addKeyValue("url", url)
                                .log("The keys of the identity provider cannot be fetched");
                    }
                    failing = true;
                }
                TimeUnit.NANOSECONDS.sleep(leastInterval.toNanos() - (System.nanoTime() - began));
                var _ = asked.tryAcquire(
                        failing ? leastInterval.toMillis() : interval.toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            // The server stops.
        }
    }

    private JWKSet fetch() throws IOException, ParseException {
        int millis = Math.toIntExact(TIMEOUT.toMillis());
        return JWKSet.parse(new DefaultResourceRetriever(millis, millis, MAX_BYTES)
                .retrieveResource(url)
                .getContent());
    }

    @Override
    public void close() {
        fetching.interrupt();
    }
}
