package dev.parley.server.auth;

import static dev.parley.server.auth.SignedTokens.base64;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

class GateTest {

    private static final String SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret";
    private static final String KEY = "app.writer:" + SECRET;
    private static final ApiKey WRITER = ApiKey.parse(KEY, Capabilities.parse("{\"chat/*\":[\"read\",\"append\"]}"));
    private static final ApiKey OTHER = ApiKey.parse("other.key:" + SECRET.toUpperCase(Locale.ROOT), Capabilities.ALL);
    private static final ApiKey APP_KEY =
            ApiKey.parse("made.key:" + SECRET, Capabilities.ALL, new ApiKey.Uses(false, false));
    private static final Duration LIFETIME = Duration.ofDays(1);
    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");

    private static final Logger REFUSALS = (Logger) LoggerFactory.getLogger(RefusalLog.class);

    private Instant now = NOW;
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private Engine engine;
    private Revocations revocations;
    private Gate gate;
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    private Gate gate(boolean open) {
        return new Gate(Keys.of(List.of(WRITER, OTHER, APP_KEY)), null, open, LIFETIME, revocations, () -> now, meters);
    }

    @BeforeEach
    void listen(@TempDir Path folder) throws IOException {
        engine = Engine.open(EngineOptions.in(folder));
        revocations = new Revocations(engine, LIFETIME, () -> now);
        gate = gate(false);
        log.start();
        REFUSALS.addAppender(log);
        REFUSALS.setAdditive(false);
    }

    @AfterEach
    void stopListening() throws IOException {
        engine.close();
        REFUSALS.detachAppender(log);
        REFUSALS.setAdditive(true);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Bearer ", "bearer ", "BEARER  "})
    void takesAKeyAsBearer(String scheme) {
        assertThat(granted(gate.check(scheme + KEY, CapabilityOp.APPEND, "chat/1"))
                        .keyName())
                .isEqualTo("app.writer");
    }

    @Test
    void takesAKeyInBase64() {
        assertThat(granted(gate.authenticate("Basic " + base64(KEY))).keyName()).isEqualTo("app.writer");
        assertThat(granted(gate.authenticate("Bearer " + base64(KEY))).keyName())
                .isEqualTo("app.writer");
    }

    @Test
    void distinguishesWhoFromWhat() {
        assertThat(refused(gate.check(null, CapabilityOp.READ, "chat/1")))
                .extracting(Access.Refused::status, Access.Refused::code)
                .containsExactly(401, "UNAUTHENTICATED");
        assertThat(refused(gate.check("Bearer " + KEY, CapabilityOp.DELETE, "chat/1")))
                .extracting(Access.Refused::status, Access.Refused::code)
                .containsExactly(403, "FORBIDDEN");
        assertThat(refused(gate.check("Bearer " + KEY, CapabilityOp.READ, "other/1"))
                        .status())
                .isEqualTo(403);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "Bearer",
                "Bearer ",
                "Basic",
                "Basic !",
                "Basic YQ==",
                "Digest x",
                "Bearer app.writer:wrong",
                "Bearer app.other:" + SECRET,
                "Bearer :" + SECRET,
                "Bearer app.writer",
                "Bearer a.b.c",
                "Bearer ....",
                "\u0000"
            })
    void refusesBadCredentials(String authorization) {
        assertThat(refused(gate.authenticate(authorization)))
                .extracting(Access.Refused::status, Access.Refused::code)
                .containsExactly(401, "INVALID_CREDENTIALS");
    }

    @Test
    void keysOfMadeAppsDoNotOpenStreams() {
        String token = SignedTokens.sign(JWSAlgorithm.HS256, "made.key", SECRET, claims());

        assertThat(refused(gate.check("Bearer made.key:" + SECRET, CapabilityOp.READ, "x"))
                        .code())
                .isEqualTo("INVALID_CREDENTIALS");
        assertThat(refused(gate.check("Bearer " + token, CapabilityOp.READ, "x"))
                        .code())
                .isEqualTo("INVALID_CREDENTIALS");
        assertThat(granted(gate.sessionHeader("Bearer " + token)).app()).isEqualTo("made");
    }

    @Test
    void anOpenGateLetsEverybodyIn() {
        Gate open = gate(true);

        assertThat(granted(open.check(null, CapabilityOp.DELETE, "x")).isAnonymous())
                .isTrue();
        assertThat(granted(open.check("Bearer of-something-else", CapabilityOp.DELETE, "x"))
                        .isAnonymous())
                .isTrue();
        assertThat(refused(open.check("Bearer " + KEY, CapabilityOp.DELETE, "x"))
                        .status())
                .isEqualTo(403);
    }

    @Test
    void aTokenNarrowsItsKey() {
        String token = sign(claims().claim("parley-capability", Map.of("*", List.of("read")))
                .claim("parley-client-id", "ada"));

        Principal principal = granted(gate.check("Bearer " + token, CapabilityOp.READ, "chat/1"));

        assertThat(principal).isEqualTo(writer("ada", "{\"chat/*\":[\"read\"]}"));
        assertThat(refused(gate.check("Bearer " + token, CapabilityOp.APPEND, "chat/1"))
                        .status())
                .isEqualTo(403);
    }

    @Test
    void takesTheTokensOfAblyClients() {
        String token =
                sign(claims().claim("x-ably-capability", "{\"chat/1\":[\"*\"]}").claim("x-ably-clientId", "ada"));

        assertThat(granted(gate.authenticate("Bearer " + base64(token))))
                .isEqualTo(writer("ada", "{\"chat/1\":[\"read\",\"append\"]}"));
    }

    private static Principal writer(String clientId, String capability) {
        return new Principal(
                "app", "app.writer", clientId, Capabilities.parse(capability), NOW, NOW.plusSeconds(60), null);
    }

    @Test
    void aTokenWithoutCapabilityMayDoWhatItsKeyMay() {
        assertThat(granted(gate.authenticate("Bearer " + sign(claims()))).capabilities())
                .isEqualTo(WRITER.capabilities());
    }

    @Test
    void aKnownTokenStillExpires() {
        String token = sign(claims());
        granted(gate.authenticate("Bearer " + token));

        now = NOW.plusSeconds(60);

        assertThat(refused(gate.authenticate("Bearer " + token)))
                .extracting(Access.Refused::status, Access.Refused::code)
                .containsExactly(401, "TOKEN_EXPIRED");
    }

    @Test
    void refusesTokensThatAreNotRight() {
        assertInvalid(sign(claims().expirationTime(null)));
        assertInvalid(sign(claims().expirationTime(at(Duration.ofDays(2)))));
        assertInvalid(sign(claims().issueTime(at(Duration.ofSeconds(61)))));
        assertInvalid(sign(claims().notBeforeTime(at(Duration.ofSeconds(61)))));
        assertInvalid(sign(claims().claim("parley-capability", "nonsense")));
        assertInvalid(sign(claims().claim("parley-capability", Map.of("*", List.of("fly")))));
        assertInvalid(sign(claims().claim("parley-client-id", "")));
        assertInvalid(sign(claims().claim("parley-client-id", 7)));
        assertInvalid(SignedTokens.sign(JWSAlgorithm.HS256, "app.writer", SECRET + "x", claims()));
        assertInvalid(SignedTokens.sign(JWSAlgorithm.HS256, "app.other", SECRET, claims()));
        assertInvalid(SignedTokens.sign(JWSAlgorithm.HS256, null, SECRET, claims()));
        assertInvalid(SignedTokens.sign(JWSAlgorithm.HS512, "app.writer", SECRET + SECRET, claims()));
        assertInvalid(new PlainJWT(claims().build()).serialize());
        String good = sign(claims());
        assertInvalid(good.substring(0, good.length() - 1));
        assertInvalid(good + "x".repeat(Tokens.MAX_TOKEN_CHARS));
    }

    private void assertInvalid(String token) {
        assertThat(refused(gate.authenticate("Bearer " + token)).code())
                .describedAs(token)
                .isEqualTo("INVALID_CREDENTIALS");
    }

    @Test
    void logsRefusalsWithoutSecretsAndNotWithoutBound() {
        String token = sign(claims());
        gate.check("Bearer " + KEY, CapabilityOp.DELETE, "chat/1");
        Peer.call("192.0.2.1:4711", () -> gate.check("Bearer app.wrong:" + SECRET, CapabilityOp.DELETE, "chat/1"));
        gate.check("Bearer " + token + "x", CapabilityOp.DELETE, "x".repeat(10_000));
        for (int i = 0; i < 1_000; i++) {
            gate.authenticate(null);
        }
        now = NOW.plusSeconds(1);
        gate.authenticate(null);

        assertThat(log.list)
                .hasSize(RefusalLog.MAX_LINES_PER_SECOND + 2)
                .allSatisfy(event -> assertThat(event.getFormattedMessage() + event.getKeyValuePairs())
                        .doesNotContain(SECRET)
                        .doesNotContain(token)
                        .hasSizeLessThan(500));
        assertThat(log.list.getFirst().getKeyValuePairs().toString()).contains("app.writer", "delete", "chat/1");
        assertThat(log.list.get(1).getKeyValuePairs().toString()).contains("app.wrong", "192.0.2.1:4711");
        assertThat(log.list.get(2).getKeyValuePairs().toString())
                .as("who signed the token")
                .contains("app.writer");
        assertThat(meters.get("parley.access.refused")
                        .tag("code", "UNAUTHENTICATED")
                        .counter()
                        .count())
                .isEqualTo(1_001);
    }

    private static Principal granted(Access access) {
        assertThat(access).isInstanceOf(Access.Granted.class);
        return ((Access.Granted) access).principal();
    }

    private static Access.Refused refused(Access access) {
        assertThat(access).isInstanceOf(Access.Refused.class);
        return (Access.Refused) access;
    }

    private static JWTClaimsSet.Builder claims() {
        return new JWTClaimsSet.Builder().issueTime(Date.from(NOW)).expirationTime(at(Duration.ofSeconds(60)));
    }

    private static Date at(Duration fromNow) {
        return Date.from(NOW.plus(fromNow));
    }

    private static String sign(JWTClaimsSet.Builder claims) {
        return SignedTokens.sign(JWSAlgorithm.HS256, "app.writer", SECRET, claims);
    }
}
