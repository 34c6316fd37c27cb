package dev.parley.server.auth;

import com.nimbusds.jose.Header;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.EncryptedJWT;
import com.nimbusds.jwt.JWT;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.JWTParser;
import com.nimbusds.jwt.SignedJWT;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Issues and verifies tokens: JWTs that are signed with a key, by its holder or by this server (HS256; {@code kid} is
 * the key's name), or by an identity provider.
 */
final class Tokens {

    /** How far the clocks of issuer and server may differ, for {@code iat} and {@code nbf}. */
    static final Duration CLOCK_SKEW = Duration.ofSeconds(60);

    static final int MAX_TOKEN_CHARS = 8_192;
    static final int MAX_CLIENT_ID_CHARS = 256;
    static final int MAX_VERIFIED = 10_000;

    private static final List<String> CAPABILITY_CLAIMS = List.of("parley-capability", "x-ably-capability");
    private static final List<String> CLIENT_ID_CLAIMS = List.of("parley-client-id", "x-ably-clientId");
    private static final List<String> REVOCATION_KEY_CLAIMS = List.of("parley-revocation-key", "x-ably-revocation-key");

    /** The claim with the roles of the bearer. */
    private static final String ROLES_CLAIM = "parley-roles";

    /**
     * The claim, or field of the header, that contains a token of this server in a JWT that says nothing else to it.
     */
    private static final String EMBEDDED_TOKEN = "x-ably-token";

    /** The claim with the times of tokens that this server issues, in milliseconds. Those of JWTs are in seconds. */
    private static final String ISSUED_CLAIM = "parley-issued";

    private static final String EXPIRES_CLAIM = "parley-expires";

    private final Keys keys;
    private final @Nullable IdentityProvider provider;
    private final Revocations revocations;
    private final Duration maxLifetime;
    private final InstantSource clock;

    /** Verified tokens, so that a signature is checked once and not with every request. */
    private final ConcurrentHashMap<String, Verified> verified = new ConcurrentHashMap<>();

    private record Verified(Signer signer, Instant expires, Access.Granted access) {

        String keyName() {
            return signer.keyName;
        }
    }

    /**
     * Who has signed a token, and in which claims it says what.
     *
     * @param keyName the name of the key
     * @param capabilities what its tokens may do at most
     * @param exactTimes whether its tokens may have the claims with times in milliseconds
     * @param signs whether it may still sign: a key may be removed or replaced
     */
    private record Signer(
            String app,
            String keyName,
            Capabilities capabilities,
            List<String> clientIdClaims,
            List<String> capabilityClaims,
            String rolesClaim,
            boolean exactTimes,
            BooleanSupplier signs) {}

    /** @param provider whose tokens are accepted besides those of keys; null for nobody */
    Tokens(
            Keys keys,
            @Nullable IdentityProvider provider,
            Revocations revocations,
            Duration maxLifetime,
            InstantSource clock) {
        this.keys = keys;
        this.provider = provider;
        this.revocations = revocations;
        this.maxLifetime = maxLifetime;
        this.clock = clock;
    }

    /**
     * Issues a token of {@code key}. The server keeps nothing of it: it is verified like tokens that others have
     * signed.
     */
    String make(
            ApiKey key,
            Instant issued,
            Instant expires,
            @Nullable Capabilities capabilities,
            @Nullable String clientId) {
        var claims = new JWTClaimsSet.Builder()
                // Makes all tokens different.
                .jwtID(UUID.randomUUID().toString())
                .issueTime(Date.from(issued))
                // Rounded up: the exact time is in the other claim.
                .expirationTime(Date.from(expires.plusMillis(999)))
                .claim(ISSUED_CLAIM, issued.toEpochMilli())
                .claim(EXPIRES_CLAIM, expires.toEpochMilli())
                .claim(CLIENT_ID_CLAIMS.getFirst(), clientId)
                .claim(CAPABILITY_CLAIMS.getFirst(), capabilities == null ? null : capabilities.toJson());
        var jwt = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.HS256).keyID(key.name()).build(), claims.build());
        try {
            jwt.sign(new MACSigner(key.secret()));
        } catch (JOSEException e) {
            throw new IllegalStateException("a key's secret does not sign", e);
        }
        return jwt.serialize();
    }

    Access check(String token) {
        Instant now = clock.instant();
        Verified known = verified.get(token);
        if (known == null || !known.signer.signs.getAsBoolean()) {
            if (token.length() > MAX_TOKEN_CHARS) {
                return Access.Refused.invalid("The token is longer than " + MAX_TOKEN_CHARS + " characters.");
            }
            try {
                known = verify(token, now);
            } catch (AccessRefusedException e) {
                return new Access.Refused(e.refused().reason(), e.refused().message(), keyName(token));
            } catch (ParseException | IllegalArgumentException e) {
                return new Access.Refused(
                        Access.Reason.INVALID_TOKEN, "The token cannot be used: " + e.getMessage(), keyName(token));
            } catch (JOSEException e) {
                return new Access.Refused(
                        Access.Reason.INVALID_TOKEN, "The token's signature cannot be verified.", keyName(token));
            }
            remember(token, known, now);
        }
        if (!now.isBefore(known.expires)) {
            return new Access.Refused(Access.Reason.TOKEN_EXPIRED, "The token has expired.", known.keyName());
        } else if (revocations.cover(known.access.principal())) {
            return new Access.Refused(Access.Reason.TOKEN_REVOKED, "The token has been revoked.", known.keyName());
        }
        return known.access;
    }

    /** The name of the key in a token that is not verified; empty if it does not have the form of a name. */
    private static String keyName(String token) {
        try {
            Object name = header(token).get("kid");
            return name instanceof String text && ApiKey.isName(text) ? text : "";
        } catch (ParseException e) {
            return "";
        }
    }

    private static Map<String, Object> header(String token) throws ParseException {
        int end = token.indexOf('.');
        return JSONObjectUtils.parse(
                Base64URL.from(token.substring(0, Math.max(end, 0))).decodeToString());
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

    private Verified verify(String token, Instant now) throws ParseException, JOSEException, AccessRefusedException {
        JWT parsed = parse(token);
        String embedded = embedded(parsed);
        if (embedded != null) {
            parsed = JWTParser.parse(embedded);
        }
        if (parsed instanceof SignedJWT jwt) {
            JWSAlgorithm algorithm = jwt.getHeader().getAlgorithm();
            if (JWSAlgorithm.HS256.equals(algorithm)) {
                return verified(keyOf(jwt), jwt.getJWTClaimsSet(), now);
            } else if (provider != null && IdentityProvider.signsWith(algorithm)) {
                return verified(providerOf(jwt, provider), jwt.getJWTClaimsSet(), now);
            }
        }
        throw unusable(
                provider == null ? "it is not signed with HS256" : "it is signed with none of HS256, RS256 and ES256");
    }

    private Signer keyOf(SignedJWT jwt) throws JOSEException, AccessRefusedException {
        String name = jwt.getHeader().getKeyID();
        ApiKey key = name == null ? null : keys.find(name);
        if (key == null) {
            throw new AccessRefusedException(
                    Access.Reason.UNKNOWN_KEY,
                    "The token is not signed by a key of this server ('kid' names the key).");
        } else if (!jwt.verify(new MACVerifier(key.secret()))) {
            throw unusable("it is not signed by the key that it names ('kid')");
        }
        return new Signer(
                key.app(),
                key.name(),
                key.capabilities(),
                CLIENT_ID_CLAIMS,
                CAPABILITY_CLAIMS,
                ROLES_CLAIM,
                true,
                () -> keys.find(key.name()) == key);
    }

    private static Signer providerOf(SignedJWT jwt, IdentityProvider provider)
            throws JOSEException, AccessRefusedException, ParseException {
        JWK key = provider.verify(jwt);
        IdentityProvider.Terms terms = provider.terms();
        String clientId = jwt.getJWTClaimsSet().getStringClaim(terms.clientIdClaim());
        if (clientId == null || clientId.equals(Principal.ANY_CLIENT)) {
            throw unusable("'" + terms.clientIdClaim() + "' does not say who its bearer is");
        }
        return new Signer(
                terms.app(),
                terms.keyName(),
                terms.most(),
                List.of(terms.clientIdClaim()),
                List.of(terms.capabilityClaim()),
                terms.rolesClaim(),
                false,
                () -> provider.publishes(key));
    }

    /**
     * Parses a token. A text that is not a token at all is refused for another reason than an invalid token: a new
     * token would not help the client.
     */
    private static JWT parse(String token) throws ParseException, AccessRefusedException {
        try {
            return JWTParser.parse(token);
        } catch (ParseException e) {
            if (hasHeader(token)) {
                throw e;
            }
            throw new AccessRefusedException(
                    Access.Reason.INVALID_CREDENTIALS, "This is not a token: " + e.getMessage());
        }
    }

    private static boolean hasHeader(String token) {
        try {
            return !header(token).isEmpty();
        } catch (ParseException e) {
            return false;
        }
    }

    /**
     * The token of this server that another JWT contains, or null. That JWT may be signed or even encrypted with a key
     * that this server does not have. The token in it is a complete credential, so the JWT around it need not be
     * verified.
     */
    private static @Nullable String embedded(JWT jwt) throws ParseException {
        Header header = jwt.getHeader();
        Object embedded = header.toJSONObject().get(EMBEDDED_TOKEN);
        if (embedded == null && !(jwt instanceof EncryptedJWT)) {
            JWTClaimsSet claims = jwt.getJWTClaimsSet();
            embedded = claims == null ? null : claims.getClaim(EMBEDDED_TOKEN);
        }
        return embedded instanceof String text ? text : null;
    }

    private Verified verified(Signer signer, JWTClaimsSet claims, Instant now) throws ParseException {
        Instant expires = instant(claims, signer.exactTimes ? EXPIRES_CLAIM : null, claims.getExpirationTime());
        Instant issued = instant(claims, signer.exactTimes ? ISSUED_CLAIM : null, claims.getIssueTime());
        if (expires == null || claims.getExpirationTime() == null) {
            throw unusable("the claim 'exp' is missing");
        }
        // Revocations are removed after the longest lifetime of a token, so no token may live longer.
        if (expires.isAfter(now.plus(maxLifetime)) || (issued != null && expires.isAfter(issued.plus(maxLifetime)))) {
            throw unusable("it expires later than this server allows");
        }
        refuseFuture("iat", issued, now);
        Date notBefore = claims.getNotBeforeTime();
        refuseFuture("nbf", notBefore == null ? null : notBefore.toInstant(), now);
        var principal = new Principal(
                signer.app,
                signer.keyName,
                text(claims, signer.clientIdClaims),
                capabilities(signer, claims),
                // The earliest possible time: a revocation rather includes too many tokens than too few.
                issued == null ? expires.minus(maxLifetime) : issued,
                expires,
                text(claims, REVOCATION_KEY_CLAIMS),
                roles(claims, signer.rolesClaim));
        return new Verified(signer, expires, new Access.Granted(principal));
    }

    private static void refuseFuture(String claim, @Nullable Instant time, Instant now) {
        if (time != null && time.isAfter(now.plus(CLOCK_SKEW))) {
            throw unusable("its '" + claim + "' lies in the future");
        }
    }

    private static List<String> roles(JWTClaimsSet claims, String name) throws ParseException {
        List<String> roles = claims.getStringListClaim(name);
        if (roles == null) {
            return List.of();
        }
        if (roles.size() > Principal.MAX_ROLES
                || roles.stream()
                        .anyMatch(role -> role == null || role.isEmpty() || role.length() > Principal.MAX_ROLE_CHARS)) {
            throw unusable("'" + name + "' has at most " + Principal.MAX_ROLES + " texts with 1 to "
                    + Principal.MAX_ROLE_CHARS + " characters");
        }
        return List.copyOf(roles);
    }

    /** The capabilities of a token, which never allow more than those of its signer. */
    private static Capabilities capabilities(Signer signer, JWTClaimsSet claims) {
        Capabilities capabilities = signer.capabilities;
        for (String name : signer.capabilityClaims) {
            Object claim = claims.getClaim(name);
            if (claim != null) {
                capabilities = capabilities.intersect(
                        Capabilities.requested(JsonMapper.shared().valueToTree(claim)));
            }
        }
        return capabilities;
    }

    private static @Nullable String text(JWTClaimsSet claims, List<String> names) throws ParseException {
        for (String name : names) {
            String text = claims.getStringClaim(name);
            if (text != null) {
                if (text.isEmpty() || text.length() > MAX_CLIENT_ID_CHARS) {
                    throw unusable("'" + name + "' must have 1 to " + MAX_CLIENT_ID_CHARS + " characters");
                }
                return text;
            }
        }
        return null;
    }

    /**
     * The exact time, or the time of the JWT. The signer can write anything into either, so neither needs to be checked
     * against the other.
     */
    private static @Nullable Instant instant(JWTClaimsSet claims, @Nullable String exact, @Nullable Date rounded)
            throws ParseException {
        Long millis = exact == null ? null : claims.getLongClaim(exact);
        return millis != null ? Instant.ofEpochMilli(millis) : rounded == null ? null : rounded.toInstant();
    }

    private static IllegalArgumentException unusable(String why) {
        return new IllegalArgumentException(why);
    }
}
