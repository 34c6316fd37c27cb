package dev.parley.server.auth;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.net.URI;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;

/**
 * An identity provider whose tokens give access to sessions: JWTs that are signed with RS256 or ES256 by a key that the
 * provider publishes. Thread-safe. No method blocks.
 */
public final class IdentityProvider implements AutoCloseable {
    /** A key with fewer bits can be broken. */
    private static final int MIN_RSA_BITS = 2_048;

    /** The least time between two requests for its keys, whatever tokens clients send. */
    static final Duration LEAST_INTERVAL = Duration.ofSeconds(5);

    private final Terms terms;
    private final ProviderKeys keys;

    /**
     * Which tokens are accepted, and what their claims say.
     *
     * @param issuer the claim {@code iss} of its tokens
     * @param audience what the claim {@code aud} of its tokens has to contain
     * @param app the app whose sessions they give access to
     * @param most what they may do at most
     * @param clientIdClaim the claim with the client id
     * @param capabilityClaim the claim that may narrow what a token may do
     * @param rolesClaim the claim with the roles
     */
    public record Terms(
            String issuer,
            String audience,
            String app,
            Capabilities most,
            String clientIdClaim,
            String capabilityClaim,
            String rolesClaim) {

        /**
         * The name that stands for the provider's keys wherever the name of a key is expected. No key can have this
         * name.
         */
        String keyName() {
            return app + ".~identity";
        }
    }

    /**
     * The provider that publishes its keys at {@code jwks}.
     *
     * @param refresh how often they are looked at, besides when a token names one that is not known
     */
    public IdentityProvider(URI jwks, Duration refresh, Terms terms) {
        this(new ProviderKeys(jwks, refresh, LEAST_INTERVAL), terms);
    }

    /** The provider with these keys, which are closed with it. */
    IdentityProvider(ProviderKeys keys, Terms terms) {
        this.keys = keys;
        this.terms = terms;
    }

    Terms terms() {
        return terms;
    }

    /** Whether {@code algorithm} is one that the provider's tokens are signed with. */
    static boolean signsWith(JWSAlgorithm algorithm) {
        return JWSAlgorithm.RS256.equals(algorithm) || JWSAlgorithm.ES256.equals(algorithm);
    }

    /**
     * The key that has signed {@code jwt}, whose signature, issuer and audience are found to be right.
     *
     * @throws IllegalArgumentException with a message that says why the token cannot be used
     * @throws AccessRefusedException if the key is not known at the moment
     */
    JWK verify(SignedJWT jwt) throws AccessRefusedException, JOSEException, ParseException {
        String id = jwt.getHeader().getKeyID();
        if (id == null) {
            throw new IllegalArgumentException("its header does not name the key ('kid')");
        }
        JWK key = switch (keys.find(id)) {
            case ProviderKeys.Known(JWK known) -> known;
            case ProviderKeys.Unknown unknown ->
                throw new IllegalArgumentException("the identity provider publishes no key with its 'kid'");
            case ProviderKeys.Unclear unclear ->
                throw new AccessRefusedException(
                        Access.Reason.IDENTITY_UNAVAILABLE,
                        "The key of the token ('kid') is not known yet; the identity provider is asked. Try again.");
        };
        if (!jwt.verify(verifier(key, jwt.getHeader().getAlgorithm()))) {
            throw new IllegalArgumentException("it is not signed by the key that it names ('kid')");
        }
        JWTClaimsSet claims = jwt.getJWTClaimsSet();
        if (!terms.issuer.equals(claims.getIssuer())) {
            throw new IllegalArgumentException("its 'iss' is not identity.issuer");
        }
        List<String> audience = claims.getAudience();
        if (!audience.contains(terms.audience)) {
            throw new IllegalArgumentException("its 'aud' does not contain identity.audience");
        }
        return key;
    }

    /** Whether {@code key} may still sign. */
    boolean publishes(JWK key) {
        return keys.find(key.getKeyID()) instanceof ProviderKeys.Known(JWK known) && known.equals(key);
    }

    private static JWSVerifier verifier(JWK key, JWSAlgorithm algorithm) throws JOSEException {
        boolean signs = (key.getKeyUse() == null || KeyUse.SIGNATURE.equals(key.getKeyUse()))
                && (key.getAlgorithm() == null || key.getAlgorithm().equals(algorithm));
        if (signs && key instanceof RSAKey rsa && JWSAlgorithm.RS256.equals(algorithm) && rsa.size() >= MIN_RSA_BITS) {
            return new RSASSAVerifier(rsa.toRSAPublicKey());
        } else if (signs
                && key instanceof ECKey ec
                && JWSAlgorithm.ES256.equals(algorithm)
                && Curve.P_256.equals(ec.getCurve())) {
            return new ECDSAVerifier(ec.toECPublicKey());
        }
        throw new IllegalArgumentException("the key that it names ('kid') does not sign with " + algorithm);
    }

    @Override
    public void close() {
        keys.close();
    }
}
