package dev.parley.server.webhook;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.OctetSequenceKey;
import com.nimbusds.jose.util.Base64URL;
import dev.parley.server.auth.SecretFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import java.text.ParseException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The server's keys for webhooks: Ed25519 keys that sign them, and the secret of the tokens of subscriptions. They are kept in
 * a file of the data folder that is a JWK set.
 *
 * <p>To change the signing key, insert a new one before the old one: the first key signs, and all are published.
 */
public final class WebhookKeys {
    /** The file in the data folder. */
    public static final String FILE_NAME = "subscription-keys.json";

    private static final int SECRET_BYTES = 32;
    private static final int RAW_KEY_BYTES = 32;

    private final Path folder;

    @GuardedBy("this")
    private @Nullable Keys keys;

    /**
     * The keys as the file has them.
     *
     * @param published the public keys, as a JWK set
     */
    public record Keys(String keyId, PrivateKey signing, byte[] tokenSecret, String published) {}

    /** The keys of {@code folder}. */
    public WebhookKeys(Path folder) {
        this.folder = folder;
    }

    /**
     * Reads the keys, or creates them, unless this was done before. A server without subscriptions does not need them.
     */
    public synchronized Keys load() throws IOException {
        if (keys == null) {
            Path file = folder.resolve(FILE_NAME);
            try {
                if (!Files.exists(file)) {
                    SecretFile.write(folder, FILE_NAME, generate().toString(false));
                }
                keys = of(JWKSet.parse(Files.readString(file)).getKeys());
            } catch (ParseException | JOSEException | GeneralSecurityException e) {
                throw new IOException(
                        file + " holds no keys (" + e.getMessage() + "). Remove the file to have new ones made.", e);
            }
        }
        return keys;
    }

    private Keys keys() {
        try {
            return load();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Keys of(List<JWK> keys) throws JOSEException, GeneralSecurityException, IOException {
        List<OctetKeyPair> signing = keys.stream()
                .filter(OctetKeyPair.class::isInstance)
                .map(OctetKeyPair.class::cast)
                .toList();
        OctetSequenceKey secret = keys.stream()
                .filter(OctetSequenceKey.class::isInstance)
                .map(OctetSequenceKey.class::cast)
                .findFirst()
                .orElseThrow(() -> new IOException("The file of subscription keys has no key of type oct."));
        if (signing.isEmpty() || signing.getFirst().getD() == null) {
            throw new IOException("The file of subscription keys has no private key of type OKP.");
        }
        OctetKeyPair first = signing.getFirst();
        PrivateKey signingKey = KeyFactory.getInstance("Ed25519")
                .generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519, first.getDecodedD()));
        String published = new JWKSet(List.<JWK>copyOf(signing)).toString(true);
        return new Keys(first.getKeyID(), signingKey, secret.toByteArray(), published);
    }

    private static JWKSet generate() throws JOSEException, GeneralSecurityException {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        // The encoded public key consists of a fixed header and the key itself.
        byte[] encoded = pair.getPublic().getEncoded();
        byte[] raw = Arrays.copyOfRange(encoded, encoded.length - RAW_KEY_BYTES, encoded.length);
        byte[] seed = ((EdECPrivateKey) pair.getPrivate()).getBytes().orElseThrow();
        OctetKeyPair.Builder signing = new OctetKeyPair.Builder(Curve.Ed25519, Base64URL.encode(raw))
                .d(Base64URL.encode(seed))
                .keyUse(KeyUse.SIGNATURE)
                .algorithm(JWSAlgorithm.EdDSA);
        String keyId = "ds_" + signing.build().computeThumbprint();
        byte[] secret = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(secret);
        return new JWKSet(List.of(
                signing.keyID(keyId).build(),
                new OctetSequenceKey.Builder(secret)
                        .keyUse(KeyUse.SIGNATURE)
                        .algorithm(JWSAlgorithm.HS256)
                        .build()));
    }

    /** The id of the key that signs. */
    public String keyId() {
        return keys().keyId();
    }

    /** The public keys with which a receiver can verify signatures, as a JWK set. */
    public String publicKeys() {
        return keys().published();
    }

    /** The secret of the tokens of subscriptions. */
    public byte[] tokenSecret() {
        return keys().tokenSecret().clone();
    }

    /** The header {@code Webhook-Signature} for a body that is sent at {@code seconds} since 1970 (7.1). */
    public String sign(byte[] body, long seconds) {
        try {
            Signature signature = Signature.getInstance("Ed25519");
            signature.initSign(keys().signing());
            signature.update((seconds + ".").getBytes(StandardCharsets.US_ASCII));
            signature.update(body);
            return "t=" + seconds + ",kid=" + keyId() + ",ed25519=" + Base64URL.encode(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("signing with a key that was read before", e);
        }
    }
}
