package dev.parley.engine.session.object;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/**
 * The ids of objects: {@code map:} or {@code counter:}, a hash of the initial value, {@code @} and the time. No client
 * can therefore create an object with the id of another client's object and a different content.
 */
public final class ObjectIds {
    /** The map that every session has. */
    public static final String ROOT = "root";

    /** The greatest length of an id. */
    public static final int MAX_LENGTH = 128;

    private static final String MAP = "map:";
    private static final String COUNTER = "counter:";

    private ObjectIds() {}

    /** The id of a map with this initial value, which is JSON as the client wrote it. */
    public static String ofMap(String initialValue, String nonce, long time) {
        return MAP + hash(initialValue, nonce) + "@" + time;
    }

    /** The id of a counter with this initial value. */
    public static String ofCounter(String initialValue, String nonce, long time) {
        return COUNTER + hash(initialValue, nonce) + "@" + time;
    }

    /** Whether {@code id} belongs to an object with this initial value and nonce. */
    public static boolean verify(String id, String initialValue, String nonce) {
        int at = id.indexOf('@');
        return (isMap(id) || isCounter(id))
                && at > 0
                && id.length() <= MAX_LENGTH
                && withoutPadding(id.substring(id.indexOf(':') + 1, at)).equals(hash(initialValue, nonce))
                && isTime(id.substring(at + 1));
    }

    /** Whether only a map can have this id. */
    public static boolean isMap(String id) {
        return id.equals(ROOT) || id.startsWith(MAP);
    }

    /** Whether only a counter can have this id. */
    public static boolean isCounter(String id) {
        return id.startsWith(COUNTER);
    }

    /** The hash without padding: some clients write it with 43 characters, and some with 44. */
    private static String withoutPadding(String base64) {
        return base64.endsWith("=") ? base64.substring(0, base64.length() - 1) : base64;
    }

    private static boolean isTime(String text) {
        return !text.isEmpty() && text.length() <= 15 && text.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private static String hash(String initialValue, String nonce) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest((initialValue + ":" + nonce).getBytes(StandardCharsets.UTF_8));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
