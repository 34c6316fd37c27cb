package dev.parley.server.auth;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A request for a token. The holder of a key signs it, so that somebody else can send it. The fields are kept as texts
 * exactly as they were written, because the signature is over these texts.
 *
 * @param ttl the lifetime of the token, in milliseconds
 * @param timestamp when the request was made, in milliseconds since 1970
 * @param nonce makes the request unique, so that it can be used only once
 * @param mac the signature; null if the request comes with the key itself
 */
public record TokenRequest(
        String keyName,
        @Nullable String ttl,
        @Nullable String capability,
        @Nullable String clientId,
        @Nullable String timestamp,
        @Nullable String nonce,
        @Nullable String mac) {

    /** Reads the body of a request for a token of the key. */
    public static TokenRequest of(String keyName, @Nullable JsonNode body) throws AccessRefusedException {
        if (body != null && !body.isObject() && !body.isNull()) {
            throw new AccessRefusedException(Access.Reason.BAD_REQUEST, "A token request is an object.");
        }
        String named = text(body, "keyName");
        if (named != null && !named.equals(keyName)) {
            throw new AccessRefusedException(Access.Reason.BAD_REQUEST, "'keyName' is not the key in the path.");
        }
        return new TokenRequest(
                keyName,
                text(body, "ttl"),
                text(body, "capability"),
                text(body, "clientId"),
                text(body, "timestamp"),
                text(body, "nonce"),
                text(body, "mac"));
    }

    private static @Nullable String text(@Nullable JsonNode body, String field) throws AccessRefusedException {
        JsonNode value = body == null ? null : body.get(field);
        if (value == null || value.isNull()) {
            return null;
        }
        if (value.isObject() && field.equals("capability")) {
            return value.toString();
        }
        if (!value.isString() && !value.isIntegralNumber()) {
            throw new AccessRefusedException(
                    Access.Reason.BAD_REQUEST, "'" + field + "' must be a text or a whole number.");
        }
        return value.asString();
    }

    /** Whether the request is signed with {@code key}. */
    boolean isSignedBy(ApiKey key) {
        if (mac == null) {
            return false;
        }
        var signed = new StringBuilder();
        for (String field : new @Nullable String[] {keyName, ttl, capability, clientId, timestamp, nonce}) {
            signed.append(field == null ? "" : field).append('\n');
        }
        try {
            var hmac = Mac.getInstance("HmacSHA256");
            hmac.init(new SecretKeySpec(key.secret(), "HmacSHA256"));
            byte[] expected = hmac.doFinal(signed.toString().getBytes(StandardCharsets.UTF_8));
            return MessageDigest.isEqual(
                    Base64.getEncoder().encodeToString(expected).getBytes(StandardCharsets.US_ASCII),
                    mac.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }
}
