package dev.parley.server.auth;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.StringNode;

/**
 * Issues tokens to clients that send a key, or a request that the holder of a key has signed. A signed request can be
 * used once: its nonce is remembered, in memory, for as long as its timestamp would be accepted.
 */
final class TokenRequests {

    /** How far the clock of the signer may differ from that of the server. */
    static final Duration TIMESTAMP_WINDOW = Duration.ofMinutes(2);

    static final Duration DEFAULT_TTL = Duration.ofHours(1);
    static final int MIN_NONCE_CHARS = 16;
    static final int MAX_NONCE_CHARS = 256;
    static final int MAX_NONCES = 200_000;

    private final Tokens tokens;
    private final Duration maxTtl;
    private final InstantSource clock;

    /** For the nonces of keys, the time until which they must not be used again. */
    @GuardedBy("itself")
    private final Map<Nonce, Instant> nonces = new HashMap<>();

    private record Nonce(String keyName, String value, Instant made) {}

    TokenRequests(Tokens tokens, Duration maxTtl, InstantSource clock) {
        this.tokens = tokens;
        this.maxTtl = maxTtl;
        this.clock = clock;
    }

    /**
     * Issues the token.
     *
     * @param shown whether the sender has sent the key itself
     */
    TokenDetails answer(ApiKey key, boolean shown, TokenRequest request) throws AccessRefusedException {
        Instant now = clock.instant();
        if (request.mac() != null) {
            if (!request.isSignedBy(key)) {
                throw new AccessRefusedException(
                        Access.Reason.INVALID_CREDENTIALS, "The token request is not signed by the key that it names.");
            }
        } else if (!shown) {
            throw new AccessRefusedException(
                    Access.Reason.INVALID_CREDENTIALS, "A token request must be signed, or come with the key itself.");
        }
        Duration ttl = ttl(request.ttl());
        String clientId = request.clientId();
        if (clientId != null && (clientId.isEmpty() || clientId.length() > Tokens.MAX_CLIENT_ID_CHARS)) {
            throw new AccessRefusedException(
                    Access.Reason.BAD_CLIENT_ID, "A client id has 1 to " + Tokens.MAX_CLIENT_ID_CHARS + " characters.");
        }
        Capabilities capabilities = capabilities(key, request.capability());
        if (request.mac() != null) {
            useNonce(request, now);
        }
        Instant issued = Instant.ofEpochMilli(now.toEpochMilli());
        Instant expires = issued.plus(ttl);
        String token = tokens.make(key, issued, expires, request.capability() == null ? null : capabilities, clientId);
        if (token.length() > Tokens.MAX_TOKEN_CHARS) {
            throw new AccessRefusedException(Access.Reason.BAD_REQUEST, "The capability is too long for a token.");
        }
        return new TokenDetails(token, key.name(), issued, expires, capabilities, clientId);
    }

    private Duration ttl(@Nullable String ttl) throws AccessRefusedException {
        if (ttl == null || ttl.isEmpty()) {
            return DEFAULT_TTL.compareTo(maxTtl) < 0 ? DEFAULT_TTL : maxTtl;
        }
        long millis = number("ttl", ttl);
        if (millis < 1 || millis > maxTtl.toMillis()) {
            throw new AccessRefusedException(
                    Access.Reason.BAD_REQUEST, "'ttl' must be 1 to " + maxTtl.toMillis() + " milliseconds.");
        }
        return Duration.ofMillis(millis);
    }

    private static Capabilities capabilities(ApiKey key, @Nullable String requested) throws AccessRefusedException {
        if (requested == null || requested.isEmpty()) {
            return key.capabilities();
        }
        Capabilities capabilities;
        try {
            capabilities = key.capabilities().intersect(Capabilities.requested(StringNode.valueOf(requested)));
        } catch (IllegalArgumentException e) {
            throw new AccessRefusedException(
                    Access.Reason.BAD_CAPABILITY, "'capability' cannot be used: " + e.getMessage());
        }
        if (capabilities.equals(Capabilities.NONE)) {
            throw new AccessRefusedException(
                    Access.Reason.FORBIDDEN, "The key allows nothing of the requested capability.");
        }
        return capabilities;
    }

    private void useNonce(TokenRequest request, Instant now) throws AccessRefusedException {
        String timestamp = request.timestamp();
        String value = request.nonce();
        if (timestamp == null || value == null) {
            throw new AccessRefusedException(
                    Access.Reason.BAD_REQUEST, "A signed token request has a 'timestamp' and a 'nonce'.");
        }
        Instant made = instant("timestamp", timestamp);
        if (Duration.between(made, now).abs().compareTo(TIMESTAMP_WINDOW) > 0) {
            throw new AccessRefusedException(
                    Access.Reason.STALE_REQUEST,
                    "The token request's timestamp is more than " + TIMESTAMP_WINDOW.toSeconds()
                            + " seconds from the time of this server.");
        }
        if (value.length() < MIN_NONCE_CHARS || value.length() > MAX_NONCE_CHARS) {
            throw new AccessRefusedException(
                    Access.Reason.BAD_REQUEST,
                    "A nonce has " + MIN_NONCE_CHARS + " to " + MAX_NONCE_CHARS + " characters.");
        }
        var nonce = new Nonce(request.keyName(), value, made);
        synchronized (nonces) {
            if (nonces.containsKey(nonce)) {
                throw new AccessRefusedException(Access.Reason.REPLAYED_REQUEST, "The token request was used before.");
            }
            if (nonces.size() >= MAX_NONCES) {
                nonces.values().removeIf(now::isAfter);
                if (nonces.size() >= MAX_NONCES) {
                    throw new AccessRefusedException(
                            Access.Reason.TOO_MANY, "Too many tokens are requested; try again later.");
                }
            }
            nonces.put(nonce, made.plus(TIMESTAMP_WINDOW));
        }
    }

    private static Instant instant(String field, String text) throws AccessRefusedException {
        long millis = number(field, text);
        // Far from the values at which durations between instants overflow.
        if (millis < 0 || millis > Long.MAX_VALUE / 1_000_000) {
            throw new AccessRefusedException(Access.Reason.BAD_REQUEST, "'" + field + "' is no time in milliseconds.");
        }
        return Instant.ofEpochMilli(millis);
    }

    private static long number(String field, String text) throws AccessRefusedException {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new AccessRefusedException(Access.Reason.BAD_REQUEST, "'" + field + "' is no whole number.");
        }
    }
}
