package dev.parley.server.auth;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** Checks tokens: JWTs that the holder of a key has signed with it (HS256, {@code kid} is the key's name). */
final class Tokens {

    /** How far the clocks of issuer and server may differ, for {@code iat} and {@code nbf}. */
    static final Duration CLOCK_SKEW = Duration.ofSeconds(60);

    static final int MAX_TOKEN_CHARS = 8_192;
    static final int MAX_CLIENT_ID_CHARS = 256;
    static final int MAX_VERIFIED = 10_000;

    private static final List<String> CAPABILITY_CLAIMS = List.of("parley-capability", "x-ably-capability");
    private static final List<String> CLIENT_ID_CLAIMS = List.of("parley-client-id", "x-ably-clientId");

    private final Map<String, ApiKey> keys;
    private final Duration maxLifetime;
    private final InstantSource clock;

    /** So that a token's signature is checked once, not with every request. Only good tokens come in here. */
    private final ConcurrentHashMap<String, Verified> verified = new ConcurrentHashMap<>();

    private record Verified(Access.Granted access, Instant expires) {}

    Tokens(Map<String, ApiKey> keys, Duration maxLifetime, InstantSource clock) {
        this.keys = keys;
        this.maxLifetime = maxLifetime;
        this.clock = clock;
    }

    Access check(String token) {
        Instant now = clock.instant();
        Verified known = verified.get(token);
        if (known == null) {
            if (token.length() > MAX_TOKEN_CHARS) {
                return Access.Refused.invalid("The token is longer than " + MAX_TOKEN_CHARS + " characters.");
            }
            try {
                known = verify(token, now);
            } catch (ParseException | IllegalArgumentException e) {
                return Access.Refused.invalid("The token cannot be used: " + e.getMessage());
            } catch (JOSEException e) {
                return Access.Refused.invalid("The token's signature cannot be checked.");
            }
            remember(token, known, now);
        }
        return now.isBefore(known.expires) ? known.access : Access.Refused.expired();
    }

    private void remember(String token, Verified access, Instant now) {
        if (!now.isBefore(access.expires)) {
            return;
        }
        if (verified.size() >= MAX_VERIFIED) {
            verified.values().removeIf(other -> !now.isBefore(other.expires));
            if (verified.size() >= MAX_VERIFIED) {
                verified.clear();
            }
        }
        verified.put(token, access);
    }

    private Verified verify(String token, Instant now) throws ParseException, JOSEException {
        var jwt = SignedJWT.parse(token);
        if (!JWSAlgorithm.HS256.equals(jwt.getHeader().getAlgorithm())) {
            throw unusable("it is not signed with HS256");
        }
        String keyName = jwt.getHeader().getKeyID();
        ApiKey key = keyName == null ? null : keys.get(keyName);
        // One message for both: who does not have the key need not learn which keys there are.
        if (key == null || !jwt.verify(new MACVerifier(key.secret()))) {
            throw unusable("it is not signed by a key of this server ('kid' names the key)");
        }
        JWTClaimsSet claims = jwt.getJWTClaimsSet();
        Instant expires = instant(claims.getExpirationTime());
        if (expires == null) {
            throw unusable("the claim 'exp' is missing");
        }
        if (expires.isAfter(now.plus(maxLifetime))) {
            throw unusable("it expires later than this server allows");
        }
        refuseFuture("iat", instant(claims.getIssueTime()), now);
        refuseFuture("nbf", instant(claims.getNotBeforeTime()), now);
        var principal = new Principal(key.name(), clientId(claims), capabilities(key, claims));
        return new Verified(new Access.Granted(principal), expires);
    }

    private static void refuseFuture(String claim, @Nullable Instant time, Instant now) {
        if (time != null && time.isAfter(now.plus(CLOCK_SKEW))) {
            throw unusable("its '" + claim + "' lies in the future");
        }
    }

    /** Never more than the key itself may do. */
    private static Capabilities capabilities(ApiKey key, JWTClaimsSet claims) {
        Capabilities capabilities = key.capabilities();
        for (String name : CAPABILITY_CLAIMS) {
            Object claim = claims.getClaim(name);
            if (claim != null) {
                capabilities = capabilities.intersect(
                        claim instanceof String text
                                ? Capabilities.parse(text)
                                : Capabilities.of(JsonMapper.shared().valueToTree(claim)));
            }
        }
        return capabilities;
    }

    private static @Nullable String clientId(JWTClaimsSet claims) throws ParseException {
        for (String name : CLIENT_ID_CLAIMS) {
            String clientId = claims.getStringClaim(name);
            if (clientId != null) {
                if (clientId.isEmpty() || clientId.length() > MAX_CLIENT_ID_CHARS) {
                    throw unusable("the client id must have 1 to " + MAX_CLIENT_ID_CHARS + " characters");
                }
                return clientId;
            }
        }
        return null;
    }

    private static @Nullable Instant instant(@Nullable Date date) {
        return date == null ? null : date.toInstant();
    }

    private static IllegalArgumentException unusable(String why) {
        return new IllegalArgumentException(why);
    }
}
