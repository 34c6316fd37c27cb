package dev.parley.server.auth;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Pattern;

/**
 * An API key, written {@code app.id:secret}, where {@code app.id} is its name. Its holder may send the key itself, or
 * sign tokens with its secret.
 */
public final class ApiKey {

    /** HMAC-SHA256 requires a secret of at least its own length. */
    public static final int MIN_SECRET_BYTES = 32;

    static final int MAX_NAME_CHARS = 128;
    static final int MAX_SECRET_BYTES = 512;

    private static final Pattern APP = Pattern.compile("[A-Za-z0-9_-]+");
    private static final Pattern NAME = Pattern.compile(APP + "\\.[A-Za-z0-9_-]+");
    private static final Pattern SECRET = Pattern.compile("[\\x21-\\x7e]+");

    private final String name;
    private final byte[] secret;
    private final Capabilities capabilities;
    private final Uses uses;

    /**
     * What a key may be used for, besides its capabilities.
     *
     * @param streams whether the key gives access to streams. Streams belong to no app, so keys of apps that were
     *     created over HTTP must not.
     * @param revocation whether the key may revoke tokens that it has signed
     */
    public record Uses(boolean streams, boolean revocation) {

        /** The uses of a key in the configuration. */
        public static final Uses ALL = new Uses(true, true);
    }

    private ApiKey(String name, byte[] secret, Capabilities capabilities, Uses uses) {
        this.name = name;
        this.secret = secret;
        this.capabilities = capabilities;
        this.uses = uses;
    }

    /**
     * Parses the written form.
     *
     * @throws IllegalArgumentException with a message that does not contain the secret
     */
    public static ApiKey parse(String written, Capabilities capabilities) {
        return parse(written, capabilities, Uses.ALL);
    }

    /** Parses the written form of a key with these uses. */
    public static ApiKey parse(String written, Capabilities capabilities, Uses uses) {
        int colon = written.indexOf(':');
        String name = written.substring(0, Math.max(colon, 0));
        if (!isName(name)) {
            throw new IllegalArgumentException(
                    "a key looks like app.id:secret, with letters, digits, '-' and '_' in app and id");
        }
        String secret = written.substring(colon + 1);
        if (!SECRET.matcher(secret).matches()
                || secret.length() < MIN_SECRET_BYTES
                || secret.length() > MAX_SECRET_BYTES) {
            throw new IllegalArgumentException("the secret of key %s must have %d to %d printable ASCII characters"
                    .formatted(name, MIN_SECRET_BYTES, MAX_SECRET_BYTES));
        }
        return new ApiKey(name, secret.getBytes(StandardCharsets.US_ASCII), capabilities, uses);
    }

    /** A new key with a secret of 256 random bits, in its written form. */
    public static String generate(String app) {
        var random = new SecureRandom();
        byte[] id = new byte[6];
        byte[] secret = new byte[32];
        random.nextBytes(id);
        random.nextBytes(secret);
        var base64 = Base64.getUrlEncoder().withoutPadding();
        return app + "." + base64.encodeToString(id) + ":" + base64.encodeToString(secret);
    }

    /** Whether {@code name} has the form of an app's name. */
    public static boolean isApp(String name) {
        return APP.matcher(name).matches();
    }

    /** Whether {@code name} has the form of a key's name. */
    static boolean isName(String name) {
        return name.length() <= MAX_NAME_CHARS && NAME.matcher(name).matches();
    }

    public String name() {
        return name;
    }

    /** The app to which the key belongs: the part of its name before the dot. */
    public String app() {
        return name.substring(0, name.indexOf('.'));
    }

    public Uses uses() {
        return uses;
    }

    /**
     * The written form, which contains the secret: for the owner of the key, and for files that only the owner may
     * read.
     */
    public String written() {
        return name + ":" + new String(secret, StandardCharsets.US_ASCII);
    }

    public Capabilities capabilities() {
        return capabilities;
    }

    /** The secret, for checking signatures only. */
    byte[] secret() {
        return secret.clone();
    }

    /** Compares secrets. Takes the same time wherever the first difference is. */
    boolean hasSecret(String shown) {
        return MessageDigest.isEqual(secret, shown.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String toString() {
        return "ApiKey[" + name + "]";
    }
}
