package dev.parley.server.http;

import dev.parley.server.config.Config;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.ServerSSLOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Objects;
import java.util.stream.Stream;
import javax.net.ssl.X509KeyManager;

/**
 * A certificate chain and its private key, which belong together.
 *
 * @param expires when the first certificate of the chain expires
 */
record Certificate(Pem files, Instant expires) {

    /** The contents of the two files, which may be anything. */
    record Pem(Buffer chain, Buffer key) {

        /** Reads the files of {@code tls.cert} and {@code tls.key}. */
        static Pem read(Config.Tls tls) throws IOException {
            return new Pem(
                    Buffer.buffer(Files.readAllBytes(Objects.requireNonNull(tls.cert()))),
                    Buffer.buffer(Files.readAllBytes(Objects.requireNonNull(tls.key()))));
        }

        private PemKeyCertOptions options() {
            return new PemKeyCertOptions().addCertValue(chain).addKeyValue(key);
        }

        /**
         * The certificate in these files. Blocks.
         *
         * @throws GeneralSecurityException if the files cannot be parsed, or contain the key of another certificate, with
         *     a message that says so
         */
        Certificate parse(Vertx vertx) throws GeneralSecurityException {
            X509KeyManager keys;
            try {
                keys = (X509KeyManager) options().getKeyManagerFactory(vertx).getKeyManagers()[0];
            } catch (GeneralSecurityException e) {
                throw e;
            } catch (Exception e) { // as Vert.x declares it
                throw new GeneralSecurityException(e.getMessage(), e);
            }
            String alias = Stream.of("RSA", "EC")
                    .map(type -> keys.getServerAliases(type, null))
                    .filter(Objects::nonNull)
                    .map(aliases -> aliases[0])
                    .findFirst()
                    .orElseThrow(() -> new GeneralSecurityException("the key is neither RSA nor EC"));
            X509Certificate own = keys.getCertificateChain(alias)[0];
            checkPair(keys.getPrivateKey(alias), own);
            return new Certificate(this, own.getNotAfter().toInstant());
        }
    }

    private static void checkPair(PrivateKey key, X509Certificate certificate) throws GeneralSecurityException {
        byte[] text = "Parley".getBytes(StandardCharsets.US_ASCII);
        var signature = Signature.getInstance(key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA");
        signature.initSign(key);
        signature.update(text);
        byte[] signed = signature.sign();
        signature.initVerify(certificate);
        signature.update(text);
        if (!signature.verify(signed)) {
            throw new GeneralSecurityException("the key is not that of the certificate");
        }
    }

    ServerSSLOptions options() {
        return new ServerSSLOptions().setKeyCertOptions(files.options());
    }
}
