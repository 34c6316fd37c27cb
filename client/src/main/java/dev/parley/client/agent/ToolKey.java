package dev.parley.client.agent;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;

/**
 * What one call of a tool is known by, however often it is made: a tool that takes keys has the effect once for each key.
 *
 * @param sessionName the session's name
 * @param runId the run's id
 * @param toolCallId the call's id, which is unique in its run
 */
public record ToolKey(String sessionName, String runId, String toolCallId) {
    /**
     * {@return the key as 43 letters, digits, hyphens and underscores, such as the idempotency keys of HTTP APIs: different for
     * different keys, and the same in every process}
     */
    public String value() {
        return digest(List.of(sessionName, runId, toolCallId));
    }

    @Override
    public String toString() {
        return value();
    }

    /** A digest of texts, of which none can be shifted into the next. */
    static String digest(List<String> texts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String text : texts) {
                byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
                digest.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
                digest.update(bytes);
            }
            return Base64.getUrlEncoder().withoutPadding().encodeToString(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256.", e);
        }
    }
}
