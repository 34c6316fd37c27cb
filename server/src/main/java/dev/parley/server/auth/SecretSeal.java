package dev.parley.server.auth;

import dev.parley.engine.registry.RegisteredApp;
import dev.parley.engine.registry.SealedSecret;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Encrypts the secrets of keys and agents before they go into the log, and decrypts them. It needs the root key, which is in a file of
 * its own: whoever has the log but not this file cannot sign tokens. A sealed secret is bound to the name of its key, so
 * it cannot take the place of another one; secrets of an agent are bound to the agent. Thread-safe.
 *
 * <p>A sealed secret is a version byte, a nonce, and the output of AES-256-GCM. The name of the key is the additional data.
 * The encryption key is derived from the secret of the root key by HKDF-SHA256.
 */
public final class SecretSeal {

    private static final int VERSION = 1;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BYTES = 16;
    private static final int KEY_BYTES = 32;

    /** Begins what secrets are bound to that are not of keys. The name of no key begins so. */
    private static final String OTHERS = "\0";

    private static final String LABEL = "parley: secrets of keys in the registry, 1";

    private final SecretKey key;
    private final SecureRandom random = new SecureRandom();

    private SecretSeal(SecretKey key) {
        this.key = key;
    }

    /** What was sealed was sealed with another root key, or is damaged. */
    public static final class BrokenSealException extends Exception {

        private static final long serialVersionUID = 1L;

        BrokenSealException(String whose) {
            super("the secret of " + whose + " cannot be decrypted with the root key of this server");
        }
    }

    /** The seal of a server with this root key. */
    public static SecretSeal with(ApiKey rootKey) {
        try {
            var derivation = HKDFParameterSpec.ofExtract()
                    .addIKM(new SecretKeySpec(rootKey.secret(), "Generic"))
                    .thenExpand(LABEL.getBytes(StandardCharsets.US_ASCII), KEY_BYTES);
            return new SecretSeal(KDF.getInstance("HKDF-SHA256").deriveKey("AES", derivation));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no HKDF-SHA256", e);
        }
    }

    /** Encrypts the secret of {@code apiKey}; each time gives other bytes. */
    public SealedSecret seal(ApiKey apiKey) {
        return new SealedSecret(encrypt(apiKey.secret(), apiKey.name()));
    }

    /** The key of an app, with its secret. */
    public ApiKey open(RegisteredApp.Key sealed) throws BrokenSealException {
        byte[] secret = decrypt(sealed.secret().bytes(), sealed.name(), "the key " + sealed.name());
        return ApiKey.parse(
                sealed.name() + ":" + new String(secret, StandardCharsets.US_ASCII),
                Capabilities.parse(sealed.capability()),
                new ApiKey.Uses(false, sealed.revocableTokens()));
    }

    /**
     * Encrypts other secrets that go into the log; each time gives other bytes.
     *
     * @param owner whose they are; nobody else can have them
     */
    public byte[] seal(byte[] secret, String owner) {
        return encrypt(secret, OTHERS + owner);
    }

    /** Decrypts the secrets of {@code owner}. */
    public byte[] open(byte[] sealed, String owner) throws BrokenSealException {
        return decrypt(sealed, OTHERS + owner, owner);
    }

    private byte[] encrypt(byte[] secret, String boundTo) {
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        try {
            byte[] encrypted = cipher(Cipher.ENCRYPT_MODE, boundTo, nonce).doFinal(secret);
            return ByteBuffer.allocate(1 + NONCE_BYTES + encrypted.length)
                    .put((byte) VERSION)
                    .put(nonce)
                    .put(encrypted)
                    .array();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no AES-GCM", e);
        }
    }

    private byte[] decrypt(byte[] bytes, String boundTo, String whose) throws BrokenSealException {
        if (bytes.length < 1 + NONCE_BYTES + TAG_BYTES || bytes[0] != VERSION) {
            throw new BrokenSealException(whose);
        }
        byte[] nonce = new byte[NONCE_BYTES];
        System.arraycopy(bytes, 1, nonce, 0, NONCE_BYTES);
        try {
            return cipher(Cipher.DECRYPT_MODE, boundTo, nonce)
                    .doFinal(bytes, 1 + NONCE_BYTES, bytes.length - 1 - NONCE_BYTES);
        } catch (AEADBadTagException e) {
            var broken = new BrokenSealException(whose);
            broken.initCause(e);
            throw broken;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no AES-GCM", e);
        }
    }

    private Cipher cipher(int mode, String boundTo, byte[] nonce) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, key, new GCMParameterSpec(8 * TAG_BYTES, nonce));
        cipher.updateAAD(boundTo.getBytes(StandardCharsets.UTF_8));
        return cipher;
    }
}
