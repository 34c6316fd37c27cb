package dev.parley.server.streams.subscription;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.parley.engine.subscription.SubscriptionState;
import dev.parley.server.http.RefusedException;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.Objects;
import java.util.function.Supplier;

/** Tokens for callback, ack and release. Each is valid for one generation of one subscription (12.9). */
final class WakeTokens {
    /** The lifetime of a token. A worker that renews its lease for longer has to claim again. */
    static final Duration LIFETIME = Duration.ofHours(24);

    private static final int MAX_CHARS = 2048;
    private static final String INCARNATION = "inc";
    private static final String GENERATION = "gen";

    private final Supplier<byte[]> secret;

    WakeTokens(Supplier<byte[]> secret) {
        this.secret = secret;
    }

    /** A token for {@code generation} of the subscription. */
    String issue(SubscriptionState subscription, long generation, long nowMillis) {
        SignedJWT token = new SignedJWT(
                new JWSHeader(JWSAlgorithm.HS256),
                new JWTClaimsSet.Builder()
                        .subject(subject(subscription))
                        .claim(INCARNATION, subscription.incarnation())
                        .claim(GENERATION, generation)
                        .expirationTime(
                                Date.from(Instant.ofEpochMilli(nowMillis).plus(LIFETIME)))
                        .build());
        try {
            token.sign(new MACSigner(secret.get()));
        } catch (JOSEException e) {
            throw new IllegalStateException("signing with a secret of the right size", e);
        }
        return token.serialize();
    }

    /** The generation that {@code token} is for, if it is for this subscription. */
    long generation(String token, SubscriptionState subscription, long nowMillis) throws RefusedException {
        try {
            SignedJWT jwt = SignedJWT.parse(token.length() > MAX_CHARS ? "" : token);
            if (!JWSAlgorithm.HS256.equals(jwt.getHeader().getAlgorithm())
                    || !jwt.verify(new MACVerifier(secret.get()))) {
                throw invalid();
            }
            JWTClaimsSet claims = jwt.getJWTClaimsSet();
            if (!subject(subscription).equals(claims.getSubject())
                    || !Objects.equals(claims.getLongClaim(INCARNATION), subscription.incarnation())) {
                throw invalid();
            }
            if (claims.getExpirationTime().toInstant().toEpochMilli() <= nowMillis) {
                throw new RefusedException(401, "TOKEN_EXPIRED", "The token has expired.");
            }
            return claims.getLongClaim(GENERATION);
        } catch (ParseException | JOSEException e) {
            throw invalid();
        }
    }

    private static RefusedException invalid() {
        return new RefusedException(401, "TOKEN_INVALID", "The token is not valid for this subscription.");
    }

    private static String subject(SubscriptionState subscription) {
        return "subscription:" + subscription.id();
    }
}
