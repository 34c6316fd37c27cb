package dev.parley.server.auth;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Tokens of an identity provider that publishes its keys over HTTP. */
@Timeout(60)
class IdentityProviderTest {
    private static final Instant NOW = Instant.parse("2026-11-28T12:00:00Z");
    private static final Duration LIFETIME = Duration.ofDays(1);
    private static final String ISSUER = "https://id.example/";
    private static final String AUDIENCE = "parley";

    private final RSAKey rsa = generate("one");
    private final ECKey ec = generateEc("two");

    private Instant now = NOW;
    private Engine engine;
    private HttpServer server;
    private IdentityProvider provider;
    private Gate gate;

    /** What the provider answers with; a status if it is a number. */
    private volatile String answer = published(rsa, ec);

    private final AtomicInteger requests = new AtomicInteger();

    @BeforeEach
    void open(@TempDir Path folder) throws IOException {
        engine = Engine.open(EngineOptions.in(folder));
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/jwks", exchange -> {
            requests.incrementAndGet();
            byte[] body = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(answer.startsWith("{") ? 200 : 503, body.length);
            try (var out = exchange.getResponseBody()) {
                out.write(body);
            }
        });
        server.start();
        provider = provider(Duration.ofMillis(20));
        gate = gate(provider);
    }

    @AfterEach
    void close() throws IOException {
        provider.close();
        server.stop(0);
        engine.close();
    }

    private IdentityProvider provider(Duration interval) {
        return new IdentityProvider(
                new ProviderKeys(
                        URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/jwks"),
                        interval,
                        Duration.ofMillis(10)),
                new IdentityProvider.Terms(
                        ISSUER,
                        AUDIENCE,
                        "shop",
                        Capabilities.parse("{\"chat:*\":[\"publish\",\"subscribe\"]}"),
                        "email",
                        "can",
                        "groups"));
    }

    private Gate gate(IdentityProvider from) {
        return new Gate(
                Keys.of(List.of(ApiKey.parse("shop.key:" + "k".repeat(32), Capabilities.ALL))),
                from,
                false,
                LIFETIME,
                new Revocations(engine, LIFETIME, () -> now),
                () -> now,
                new SimpleMeterRegistry());
    }

    private static RSAKey generate(String id) {
        try {
            return new RSAKeyGenerator(2_048).keyID(id).generate();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    private static ECKey generateEc(String id) {
        try {
            return new ECKeyGenerator(Curve.P_256).keyID(id).generate();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    private static String published(JWK... keys) {
        return new JWKSet(List.of(keys)).toString(true);
    }

    private static JWTClaimsSet.Builder claims() {
        return new JWTClaimsSet.Builder()
                .issuer(ISSUER)
                .audience(List.of("other", AUDIENCE))
                .claim("email", "alice@example")
                .issueTime(Date.from(NOW))
                .expirationTime(Date.from(NOW.plusSeconds(60)));
    }

    private String rs256(JWTClaimsSet.Builder claims) throws JOSEException {
        return sign(JWSAlgorithm.RS256, "one", new RSASSASigner(rsa), claims);
    }

    private static String sign(
            JWSAlgorithm algorithm, @Nullable String keyId, JWSSigner signer, JWTClaimsSet.Builder claims)
            throws JOSEException {
        var jwt = new SignedJWT(new JWSHeader.Builder(algorithm).keyID(keyId).build(), claims.build());
        jwt.sign(signer);
        return jwt.serialize();
    }

    /** The answer as soon as the keys of the provider are known. */
    private Access once(String token) throws InterruptedException {
        Access access = gate.sessionToken(token);
        while (access instanceof Access.Refused refused && refused.reason() == Access.Reason.IDENTITY_UNAVAILABLE) {
            Thread.onSpinWait();
            access = gate.sessionToken(token);
        }
        return access;
    }

    private Principal granted(String token) throws InterruptedException {
        assertThat(once(token)).isInstanceOf(Access.Granted.class);
        return ((Access.Granted) once(token)).principal();
    }

    private void assertRefused(String token, String why) throws InterruptedException {
        assertThat(once(token)).isInstanceOfSatisfying(Access.Refused.class, refused -> {
            assertThat(refused.sessionStatus()).isEqualTo(401);
            assertThat(refused.message()).contains(why);
        });
    }

    @Test
    void tellsWhoTheBearerIs() throws Exception {
        for (String token : List.of(rs256(claims()), sign(JWSAlgorithm.ES256, "two", new ECDSASigner(ec), claims()))) {
            Principal principal = granted(token);
            assertThat(principal.app()).isEqualTo("shop");
            assertThat(principal.clientId()).isEqualTo("alice@example");
            assertThat(principal.isToken()).isTrue();
            assertThat(principal.may(CapabilityOp.PUBLISH, "chat:1")).isTrue();
            assertThat(principal.may(CapabilityOp.PUBLISH, "other")).isFalse();
            assertThat(principal.may(CapabilityOp.HISTORY, "chat:1")).isFalse();
        }
    }

    @Test
    void claimsNarrowAndNameRoles() throws Exception {
        var token = rs256(claims().claim("can", Map.of("*", List.of("subscribe", "history")))
                .claim("groups", List.of("supervisor")));

        Principal principal = granted(token);

        assertThat(principal.may(CapabilityOp.SUBSCRIBE, "chat:1")).isTrue();
        assertThat(principal.may(CapabilityOp.PUBLISH, "chat:1")).isFalse();
        assertThat(principal.may(CapabilityOp.HISTORY, "chat:1")).isFalse();
        assertThat(principal.roles()).containsExactly("supervisor");
    }

    @Test
    void opensStreamsAsFarAsItsCapabilityDoes() throws Exception {
        String token = rs256(claims());
        granted(token);

        assertThat(gate.check("Bearer " + token, CapabilityOp.READ, "chat/1"))
                .isInstanceOfSatisfying(
                        Access.Refused.class,
                        refused -> assertThat(refused.status()).isEqualTo(403));
    }

    @Test
    void whatIsNotForThisServerIsRefused() throws Exception {
        assertRefused(rs256(claims().issuer("https://other.example/")), "'iss'");
        assertRefused(rs256(claims().issuer(null)), "'iss'");
        assertRefused(rs256(claims().audience("other")), "'aud'");
        assertRefused(rs256(claims().audience((String) null)), "'aud'");
        assertRefused(rs256(claims().claim("email", null)), "'email'");
        assertRefused(rs256(claims().claim("email", "*")), "'email'");
        assertRefused(rs256(claims().claim("email", "x".repeat(257))), "'email'");
        assertRefused(rs256(claims().expirationTime(null)), "'exp'");
        assertRefused(rs256(claims().expirationTime(Date.from(NOW.minusSeconds(1)))), "expired");
        assertRefused(rs256(claims().expirationTime(Date.from(NOW.plus(LIFETIME).plusSeconds(1)))), "expires later");
        assertRefused(rs256(claims().notBeforeTime(Date.from(NOW.plusSeconds(100)))), "'nbf'");
        // The claims of tokens that this server makes do not count.
        assertRefused(
                rs256(claims().expirationTime(Date.from(NOW.minusSeconds(1)))
                        .claim("parley-expires", NOW.plusSeconds(60).toEpochMilli())),
                "expired");
    }

    @Test
    void otherSignaturesAreRefused() throws Exception {
        granted(rs256(claims()));
        // A public key is no secret.
        assertThat(once(sign(
                        JWSAlgorithm.HS256,
                        "one",
                        new MACSigner(rsa.toPublicJWK().toJSONString().getBytes(StandardCharsets.UTF_8)),
                        claims())))
                .isInstanceOf(Access.Refused.class);
        assertRefused(new PlainJWT(claims().build()).serialize(), "signed with none of");
        assertRefused(sign(JWSAlgorithm.RS384, "one", new RSASSASigner(rsa), claims()), "signed with none of");
        assertRefused(sign(JWSAlgorithm.PS256, "one", new RSASSASigner(rsa), claims()), "signed with none of");
        assertRefused(sign(JWSAlgorithm.RS256, "two", new RSASSASigner(rsa), claims()), "does not sign with RS256");
        assertRefused(sign(JWSAlgorithm.ES256, "one", new ECDSASigner(ec), claims()), "does not sign with ES256");
        assertRefused(
                sign(JWSAlgorithm.RS256, "one", new RSASSASigner(generate("one")), claims()), "not signed by the key");
        assertRefused(sign(JWSAlgorithm.RS256, null, new RSASSASigner(rsa), claims()), "'kid'");
        String altered = rs256(claims());
        String other = rs256(claims().claim("email", "bob@example"));
        assertRefused(
                altered.substring(0, altered.indexOf('.'))
                        + other.substring(other.indexOf('.'), other.lastIndexOf('.'))
                        + altered.substring(altered.lastIndexOf('.')),
                "not signed by the key");
    }

    @Test
    void keysAreRotated() throws Exception {
        String before = rs256(claims());
        granted(before);
        RSAKey next = generate("next");
        String after = sign(JWSAlgorithm.RS256, "next", new RSASSASigner(next), claims());

        answer = published(rsa, next);
        while (!(gate.sessionToken(after) instanceof Access.Granted)) {
            Thread.onSpinWait();
        }
        granted(before);

        answer = published(next);
        while (gate.sessionToken(before) instanceof Access.Granted) {
            Thread.onSpinWait();
        }
        assertRefused(before, "publishes no key");
        granted(after);
    }

    @Test
    void anUnknownKeyMakesTheServerAsk() throws Exception {
        provider.close();
        provider = provider(Duration.ofHours(1));
        gate = gate(provider);
        granted(rs256(claims()));
        RSAKey next = generate("next");
        answer = published(next);

        while (!(gate.sessionToken(sign(JWSAlgorithm.RS256, "next", new RSASSASigner(next), claims()))
                instanceof Access.Granted)) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aProviderThatIsDownHarmsNobodyWhoIsKnown() throws Exception {
        String token = rs256(claims());
        granted(token);
        for (String broken : List.of("503", "{", "{\"keys\":[]" + " ".repeat(ProviderKeys.MAX_BYTES) + "}")) {
            answer = broken;
            int asked = requests.get();
            while (requests.get() < asked + 3) {
                Thread.onSpinWait();
            }
            assertThat(gate.sessionToken(token)).isInstanceOf(Access.Granted.class);
            assertThat(gate.sessionToken(
                            sign(JWSAlgorithm.RS256, "next", new RSASSASigner(generate("next")), claims())))
                    .isInstanceOfSatisfying(
                            Access.Refused.class,
                            refused -> assertThat(refused.sessionStatus()).isEqualTo(503));
        }
    }

    @Test
    void beforeTheKeysAreKnownOneMayTryAgain() throws Exception {
        answer = "503";
        provider.close();
        provider = provider(Duration.ofHours(1));
        gate = gate(provider);

        assertThat(gate.sessionToken(rs256(claims()))).isInstanceOfSatisfying(Access.Refused.class, refused -> {
            assertThat(refused.sessionStatus()).isEqualTo(503);
            assertThat(refused.message()).contains("Try again");
        });
        answer = published(rsa);
        granted(rs256(claims()));
    }
}
