package dev.parley.server.http;

import dev.parley.server.config.Config;
import dev.parley.server.http.Certificate.Pem;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.net.ServerSSLOptions;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes up a renewed certificate while the server runs: new connections get it, and those that exist stay as they are.
 * Whoever renews a certificate replaces two files, one after the other, so what cannot be used is not taken, and looked
 * at again when it changes.
 */
final class Certificates {
    private static final Logger LOG = LoggerFactory.getLogger(Certificates.class);

    private final Vertx vertx;
    private final Config.Tls tls;

    /** The certificate that new connections get. */
    private volatile Certificate shown;

    /** What the files contained when they were last looked at; null if they are to be looked at again. */
    private volatile @Nullable Pem seen;

    private Certificates(Vertx vertx, Config.Tls tls, Certificate first) {
        this.vertx = vertx;
        this.tls = tls;
        this.shown = first;
        this.seen = first.files();
    }

    /**
     * The certificate that the settings name.
     *
     * @throws GeneralSecurityException if the files cannot be used, with a message that says why
     */
    static Certificates open(Vertx vertx, Config.Tls tls, MeterRegistry meters)
            throws IOException, GeneralSecurityException {
        var certificates = new Certificates(vertx, tls, Pem.read(tls).parse(vertx));
        Gauge.builder(
                        "parley.tls.certificate.expiry",
                        certificates,
                        all -> all.shown.expires().getEpochSecond())
                .description("When the certificate of this server expires, in seconds since 1970")
                .baseUnit("seconds")
                .register(meters);
        return certificates;
    }

    /** The options for servers that begin now. */
    ServerSSLOptions options() {
        return shown.options();
    }

    /** Looks at the files from time to time, and shows what is in them to new clients of {@code servers}. */
    void follow(List<HttpServer> servers) {
        vertx.setTimer(
                tls.reloadInterval().toMillis(),
                timer -> Thread.ofVirtual().name("certificates").start(() -> look(servers)));
    }

    private void look(List<HttpServer> servers) {
        try {
            Certificate renewed = renewed();
            if (renewed != null) {
                show(renewed, servers);
            }
        } catch (CompletionException e) {
            LOG.atError().setCause(e.getCause()).log("The renewed certificate cannot be shown");
            seen = null;
        } finally {
            follow(servers);
        }
    }

    /** A certificate that may be shown instead of the present one, or null. */
    private @Nullable Certificate renewed() {
        Pem now;
        try {
            now = Pem.read(tls);
        } catch (IOException e) {
            if (seen != null) {
                LOG.atWarn()
                        .setCause(e)
                        .log("tls.cert or tls.key cannot be read; the server goes on with the certificate that it has");
            }
            seen = null;
            return null;
        }
        if (now.equals(seen)) {
            return null;
        }
        seen = now;
        if (now.equals(shown.files())) {
            return null;
        }
        try {
            return now.parse(vertx);
        } catch (GeneralSecurityException e) {
            LOG.warn(
                    "tls.cert and tls.key have changed and cannot be used: {}. The server goes on with the certificate that it has.",
                    e.getMessage());
            return null;
        }
    }

    private void show(Certificate renewed, List<HttpServer> servers) {
        Future.all(servers.stream()
                        .map(server -> server.updateSSLOptions(renewed.options()))
                        .toList())
                .toCompletionStage()
                .toCompletableFuture()
                .join();
        shown = renewed;
        LOG.info("New connections get the certificate that expires at {}", renewed.expires());
    }
}
