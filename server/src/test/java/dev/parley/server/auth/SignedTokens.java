package dev.parley.server.auth;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** Tokens that somebody else than the server has signed. */
final class SignedTokens {
    private SignedTokens() {}

    static String sign(String keyName, String secret, JWTClaimsSet.Builder claims) {
        return sign(JWSAlgorithm.HS256, keyName, secret, claims);
    }

    /** {@code keyName}: null for a token that names no key. */
    static String sign(JWSAlgorithm algorithm, @Nullable String keyName, String secret, JWTClaimsSet.Builder claims) {
        var header = new JWSHeader.Builder(algorithm);
        if (keyName != null) {
            header.keyID(keyName);
        }
        var jwt = new SignedJWT(header.build(), claims.build());
        try {
            jwt.sign(new MACSigner(secret));
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
        return jwt.serialize();
    }

    static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
