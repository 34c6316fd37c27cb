package dev.parley.server.auth;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The keys with which clients come back to their connection. A key names the connection, and its signature proves that
 * this server gave it to this user. It is therefore valid for ever, even after a restart, although the server remembers
 * nothing.
 */
public final class ConnectionKeys {

    public static final String FILE_NAME = "connection.key";

    private static final String ALGORITHM = "HmacSHA256";
    private static final int SECRET_BYTES = 32;
    private static final int ID_BYTES = 12;
    private static final int NONCE_BYTES = 6;
    private static final int SIGNATURE_BYTES = 18;
    private static final Pattern KEY = Pattern.compile("([A-Za-z0-9_-]{16})!([A-Za-z0-9_-]{8})\\.([A-Za-z0-9_-]{24})");
    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    private final SecretKeySpec secret;
    private final SecureRandom random = new SecureRandom();

    private ConnectionKeys(byte[] secret) {
        this.secret = new SecretKeySpec(secret, ALGORITHM);
    }

    /** The keys of a data folder. Their secret is created if it does not exist. */
    public static ConnectionKeys in(Path folder) throws IOException {
        Path file = folder.resolve(FILE_NAME);
        if (!Files.exists(file)) {
            byte[] made = new byte[SECRET_BYTES];
            new SecureRandom().nextBytes(made);
            SecretFile.write(folder, FILE_NAME, BASE64.encodeToString(made));
        }
        try {
            byte[] secret = Base64.getUrlDecoder().decode(Files.readString(file).strip());
            if (secret.length < SECRET_BYTES) {
                throw new IllegalArgumentException("it is too short");
            }
            return new ConnectionKeys(secret);
        } catch (IllegalArgumentException e) {
            throw new IOException(
                    file + " holds no secret (" + e.getMessage() + "). Remove the file to have a new one made.", e);
        }
    }

    /** A new id for a connection, which nobody can guess. */
    public String newId() {
        return randomText(ID_BYTES);
    }

    /**
     * A key for a connection. Each call returns a different one.
     *
     * @param app the app that the user belongs to
     * @param clientId the client id of the user, or null
     */
    public String issue(String connectionId, String app, @Nullable String clientId) {
        String nonce = randomText(NONCE_BYTES);
        return connectionId + "!" + nonce + "." + sign(connectionId, nonce, app, clientId);
    }

    /** The id of the connection for which {@code key} was issued to this user, or null if it was not. */
    public @Nullable String open(String key, String app, @Nullable String clientId) {
        var parts = KEY.matcher(key);
        if (!parts.matches()) {
            return null;
        }
        String expected = sign(parts.group(1), parts.group(2), app, clientId);
        return MessageDigest.isEqual(
                        expected.getBytes(StandardCharsets.US_ASCII),
                        parts.group(3).getBytes(StandardCharsets.US_ASCII))
                ? parts.group(1)
                : null;
    }

    private String sign(String connectionId, String nonce, String app, @Nullable String clientId) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(secret);
            // The parts before the client id contain no line break.
            String signed = connectionId + "\n" + nonce + "\n" + app + "\n" + (clientId == null ? "" : "=" + clientId);
            byte[] whole = mac.doFinal(signed.getBytes(StandardCharsets.UTF_8));
            return BASE64.encodeToString(whole).substring(0, SIGNATURE_BYTES * 4 / 3);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no " + ALGORITHM, e);
        }
    }

    private String randomText(int bytes) {
        byte[] made = new byte[bytes];
        random.nextBytes(made);
        return BASE64.encodeToString(made);
    }
}
