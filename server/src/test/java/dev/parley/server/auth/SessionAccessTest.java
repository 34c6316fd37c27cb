package dev.parley.server.auth;

import static dev.parley.server.auth.SignedTokens.base64;
import static dev.parley.server.auth.SignedTokens.sign;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.registry.Revocation;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Who gets into sessions, and who does not: for every operation, and every way to be wrong. */
class SessionAccessTest {

    private static final String SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret";
    private static final String OTHER_SECRET = SECRET.toUpperCase(Locale.ROOT);
    private static final ApiKey KEY =
            ApiKey.parse("shop.backend:" + SECRET, Capabilities.parse("{\"room:*\":[\"*\"]}"));
    private static final ApiKey OTHER = ApiKey.parse("shop.other:" + OTHER_SECRET, Capabilities.ALL);
    private static final Duration LIFETIME = Duration.ofDays(1);
    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
    private static final Logger REFUSALS = (Logger) LoggerFactory.getLogger(RefusalLog.class);

    @TempDir
    Path folder;

    private Instant now = NOW;
    private Engine engine;
    private Revocations revocations;
    private Gate gate;
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    @BeforeEach
    void open() throws IOException {
        engine = Engine.open(EngineOptions.in(folder));
        revocations = new Revocations(engine, LIFETIME, () -> now);
        // The streams are open to everybody here, which must not matter.
        gate = new Gate(
                Keys.of(List.of(KEY, OTHER)), null, true, LIFETIME, revocations, () -> now, new SimpleMeterRegistry());
        log.start();
        REFUSALS.addAppender(log);
        REFUSALS.setAdditive(false);
    }

    @AfterEach
    void nothingThatWasLoggedIsASecret() throws IOException {
        engine.close();
        REFUSALS.detachAppender(log);
        REFUSALS.setAdditive(true);
        assertThat(log.list)
                .allSatisfy(event -> assertThat(event.getFormattedMessage() + event.getKeyValuePairs())
                        .doesNotContain(SECRET)
                        .doesNotContain(OTHER_SECRET)
                        .doesNotContain("eyJ"));
    }

    @ParameterizedTest
    @EnumSource
    void everyOperationNeedsItsCapability(CapabilityOp operation) {
        String word = operation.wireName();
        Principal allowed = granted(
                gate.sessionToken(token(claims().claim("x-ably-capability", "{\"room:1\":[\"" + word + "\"]}"))));

        for (CapabilityOp tried : CapabilityOp.values()) {
            Access access = gate.permit(allowed, tried, "room:1");
            if (tried.wireName().equals(word)) {
                assertThat(access).isEqualTo(new Access.Granted(allowed));
            } else {
                assertRefused(access, 401, 40160);
            }
            assertRefused(gate.permit(allowed, tried, "room:2"), 401, 40160);
        }
        assertThat(log.list).isNotEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void aTokenNeverAllowsMoreThanItsKey(CapabilityOp operation) {
        Principal principal =
                granted(gate.sessionToken(token(claims().claim("x-ably-capability", "{\"[*]*\":[\"*\"]}"))));

        assertThat(principal.may(operation, "room:1")).isTrue();
        assertRefused(gate.permit(principal, operation, "elsewhere"), 401, 40160);
    }

    @Test
    void aKeyIsForItsAppAndAnyClient() {
        Principal expected = new Principal("shop", "shop.backend", "*", KEY.capabilities(), null, null, null);

        assertThat(granted(gate.sessionKey("shop.backend:" + SECRET))).isEqualTo(expected);
        assertThat(granted(gate.sessionHeader("Basic " + base64("shop.backend:" + SECRET))))
                .isEqualTo(expected);
        assertThat(expected.isToken()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"this.is:wrong", "shop.backend:wrong", "shop.backend", "", ":", "shop.nobody:" + SECRET})
    void refusesOtherKeys(String key) {
        assertRefused(gate.sessionKey(key), 401, 40101);
        assertRefused(gate.sessionHeader("Basic " + base64(key)), 401, 40101);
        assertThat(log.list).hasSize(2);
    }

    @Test
    void nobodyIsAnonymous() {
        assertRefused(gate.sessionHeader(null), 401, 40101);
        assertRefused(gate.sessionHeader(""), 401, 40101);
        assertRefused(gate.sessionHeader("Bearer "), 401, 40101);
    }

    @Test
    void knowsWhatStandsInAToken() {
        String token = token(claims().claim("x-ably-clientId", "ada")
                .claim("x-ably-capability", "{\"room:1\":[\"subscribe\"]}")
                .claim("x-ably-revocation-key", "customers"));
        Principal expected = new Principal(
                "shop",
                "shop.backend",
                "ada",
                Capabilities.parse("{\"room:1\":[\"subscribe\"]}"),
                NOW,
                NOW.plusSeconds(60),
                "customers");

        assertThat(granted(gate.sessionToken(token))).isEqualTo(expected);
        assertThat(granted(gate.sessionHeader("Bearer " + base64(token)))).isEqualTo(expected);
    }

    @Test
    void refusesTokensThatAreOver() {
        String token = token(claims());
        granted(gate.sessionToken(token));
        now = NOW.plusSeconds(60);

        assertRefused(gate.sessionToken(token), 401, 40142);
        assertThat(log.list).hasSize(1);
    }

    @Test
    void refusesForgedTokens() {
        String good = token(claims());
        String[] parts = good.split("\\.", -1);
        String moreRights = base64Url("{\"exp\":%d,\"x-ably-clientId\":\"*\"}"
                .formatted(NOW.plusSeconds(60).getEpochSecond()));

        assertRefused(gate.sessionToken(sign("shop.backend", OTHER_SECRET, claims())), 401, 40144);
        assertRefused(gate.sessionToken(parts[0] + "." + moreRights + "." + parts[2]), 401, 40144);
        assertRefused(gate.sessionToken(parts[0] + "." + parts[1] + "."), 401, 40144);
        assertRefused(gate.sessionToken(new PlainJWT(claims().build()).serialize()), 401, 40144);
        assertRefused(
                gate.sessionToken(
                        base64Url("{\"alg\":\"none\",\"kid\":\"shop.backend\"}") + "." + parts[1] + "." + parts[2]),
                401,
                40144);
        assertRefused(gate.sessionToken(parts[0] + "." + parts[1]), 401, 40144);
    }

    @ParameterizedTest
    @ValueSource(strings = {"garbage", "", "not.a.token", "shop.AbCdEf", "..", "e30.e30.e30"})
    void whatIsNoTokenAtAllIsNoBadToken(String token) {
        // 40144 would have clients ask for another one, and another one.
        assertRefused(gate.sessionToken(token), 401, 40101);
        assertRefused(gate.sessionHeader("Bearer " + base64(token)), 401, 40101);
    }

    @Test
    void aPatternThatMeansNothingGrantsNothingAndVoidsNothing() {
        Principal principal = granted(gate.sessionToken(token(claims().claim(
                        "x-ably-capability",
                        "{\"room:1\":[\"publish\"],\"[*]\":[\"*\"],\"\":[\"*\"],\"[m*]x\":[\"*\"]}"))));

        assertThat(principal.capabilities()).isEqualTo(Capabilities.parse("{\"room:1\":[\"publish\"]}"));
        assertThat(granted(gate.sessionToken(token(claims().claim("x-ably-capability", "{\"[*]\":[\"*\"]}"))))
                        .capabilities())
                .isEqualTo(Capabilities.NONE);
    }

    @Test
    void saysThatAKeyIsNotKnown() {
        assertRefused(gate.sessionToken(sign("invalid.invalid", SECRET, claims())), 404, 40400);
    }

    @Test
    void refusesTokensThatLiveTooLong() {
        assertRefused(
                gate.sessionToken(token(
                        claims().expirationTime(Date.from(NOW.plus(LIFETIME).plusSeconds(1))))),
                401,
                40144);
        // Made two days ago and good for a day and a bit more.
        assertRefused(
                gate.sessionToken(token(new JWTClaimsSet.Builder()
                        .issueTime(Date.from(NOW.minus(LIFETIME)))
                        .expirationTime(Date.from(NOW.plusSeconds(60))))),
                401,
                40144);
    }

    @Test
    void takesATokenOfOursInAWrapping() {
        String inner = token(claims().claim("x-ably-clientId", "ada"));
        String signed = sign("somebody.else", OTHER_SECRET, claims().claim("x-ably-token", inner));
        String encrypted = base64Url("{\"alg\":\"dir\",\"enc\":\"A128GCM\",\"x-ably-token\":\"" + inner + "\"}")
                + "..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA";

        assertThat(granted(gate.sessionToken(signed)).clientId()).isEqualTo("ada");
        assertThat(granted(gate.sessionToken(encrypted)).clientId()).isEqualTo("ada");
    }

    @Test
    void aWrappingMakesNothingBetter() {
        String forged = sign("shop.backend", OTHER_SECRET, claims());
        String over = token(claims().expirationTime(Date.from(NOW.minusSeconds(1))));
        String wrappedTwice = token(claims().claim("x-ably-token", token(claims().claim("x-ably-token", forged))));

        assertRefused(gate.sessionToken(token(claims().claim("x-ably-token", forged))), 401, 40144);
        assertRefused(gate.sessionToken(token(claims().claim("x-ably-token", over))), 401, 40142);
        // Only what is outside is a wrapping: inside is a token of the key, whatever it carries.
        assertThat(granted(gate.sessionToken(wrappedTwice)).keyName()).isEqualTo("shop.backend");
    }

    @ParameterizedTest
    @CsvSource({
        "*,   ada, ada,  0",
        "*,   ,    *,    0",
        "ada, ada, ada,  0",
        "ada, ,    ada,  0",
        "ada, bob, ,     40102",
        ",    bob, ,     40102",
        ",    ,    ,     0",
        "*,   '',  ,     40012",
        "ada, *,   ,     40012",
        ",    *,   ,     40012",
    })
    void aClientIsWhoItsTokenSays(
            @Nullable String inToken, @Nullable String claimed, @Nullable String result, int code) {
        var claims = claims();
        if (inToken != null) {
            claims.claim("x-ably-clientId", inToken);
        }

        Access access = gate.as(granted(gate.sessionToken(token(claims))), claimed);

        if (code == 0) {
            assertThat(granted(access).clientId()).isEqualTo(result);
        } else {
            assertRefused(access, code == 40012 ? 400 : 401, code);
            assertThat(log.list).hasSize(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"clientId:ada", "revocationKey:customers", "channel:room:1"})
    void revokedTokensAreGoodNoLonger(String target) throws Exception {
        String token = token(claims().claim("x-ably-clientId", "ada")
                .claim("x-ably-capability", "{\"room:1\":[\"*\"]}")
                .claim("x-ably-revocation-key", "customers"));
        Principal before = granted(gate.sessionToken(token));
        String another = token(claims().claim("x-ably-clientId", "bob"));
        now = NOW.plusSeconds(1);

        var heard = new CompletableFuture<Revocation>();
        revocations.onRevoked(heard::complete);
        gate.revoke(KEY, target, null, false).join();

        assertThat(Revocations.covers(heard.join(), before)).isTrue();
        assertRefused(gate.sessionToken(token), 401, 40141);
        assertThat(((Access.Refused) gate.sessionToken(token)).code()).isEqualTo("TOKEN_REVOKED");
        granted(gate.sessionToken(another));
        granted(gate.sessionKey("shop.backend:" + SECRET));
        // A token that is made afterwards is a good one.
        granted(gate.sessionToken(token(claims().issueTime(Date.from(now)).claim("x-ably-clientId", "ada"))));
    }

    @Test
    void aTokenThatDoesNotSayWhenItWasMadeIsRevokedWithTheOthers() throws Exception {
        String token = token(claims().issueTime(null).claim("x-ably-clientId", "ada"));
        granted(gate.sessionToken(token));

        gate.revoke(KEY, "clientId:ada", null, false).join();

        assertRefused(gate.sessionToken(token), 401, 40141);
    }

    private static Principal granted(Access access) {
        assertThat(access).isInstanceOf(Access.Granted.class);
        return ((Access.Granted) access).principal();
    }

    private static void assertRefused(Access access, int status, int code) {
        assertThat(access).isInstanceOf(Access.Refused.class);
        assertThat((Access.Refused) access)
                .extracting(Access.Refused::sessionStatus, Access.Refused::sessionCode)
                .containsExactly(status, code);
    }

    private static JWTClaimsSet.Builder claims() {
        return new JWTClaimsSet.Builder().issueTime(Date.from(NOW)).expirationTime(Date.from(NOW.plusSeconds(60)));
    }

    private static String token(JWTClaimsSet.Builder claims) {
        return sign("shop.backend", SECRET, claims);
    }

    private static String base64Url(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
