package dev.parley.server.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class TokenRequestTest {

    private static final String SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret";
    private static final ApiKey KEY = ApiKey.parse(
            "shop.backend:" + SECRET, Capabilities.parse("{\"room:*\":[\"publish\",\"subscribe\"],\"all\":[\"*\"]}"));
    private static final ApiKey OTHER = ApiKey.parse("shop.other:" + SECRET + "x", Capabilities.ALL);
    private static final Instant NOW = Instant.ofEpochMilli(1_795_251_092_123L);
    private static final String NONCE = "0123456789abcdef";

    private Instant now = NOW;
    private Engine engine;
    private Gate gate;

    @BeforeEach
    void open(@TempDir Path folder) throws IOException {
        engine = Engine.open(EngineOptions.in(folder));
        var revocations = new Revocations(engine, Duration.ofDays(1), () -> now);
        gate = new Gate(
                Keys.of(List.of(KEY, OTHER)),
                null,
                false,
                Duration.ofDays(1),
                revocations,
                () -> now,
                new SimpleMeterRegistry());
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    /** What a client would send; change it, then {@link #signed}. */
    private static ObjectNode request() {
        return JsonMapper.shared()
                .createObjectNode()
                .put("keyName", "shop.backend")
                .put("timestamp", NOW.toEpochMilli())
                .put("nonce", NONCE);
    }

    private static ObjectNode signed(ObjectNode request, String secret) {
        var text = new StringBuilder();
        for (String field : List.of("keyName", "ttl", "capability", "clientId", "timestamp", "nonce")) {
            text.append(request.path(field).asString("")).append('\n');
        }
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.US_ASCII), "HmacSHA256"));
            byte[] bytes = mac.doFinal(text.toString().getBytes(StandardCharsets.UTF_8));
            return request.put("mac", Base64.getEncoder().encodeToString(bytes));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private TokenDetails send(ObjectNode request) throws AccessRefusedException {
        return send(null, request);
    }

    private TokenDetails send(@Nullable String authorization, ObjectNode request) throws AccessRefusedException {
        return gate.requestToken(authorization, TokenRequest.of("shop.backend", request));
    }

    private void assertRefused(int status, int code, @Nullable String authorization, ObjectNode request) {
        assertThatThrownBy(() -> send(authorization, request))
                .isInstanceOfSatisfying(
                        AccessRefusedException.class,
                        e -> assertThat(e.refused())
                                .extracting(Access.Refused::sessionStatus, Access.Refused::sessionCode)
                                .containsExactly(status, code));
    }

    private Principal granted(String token) {
        Access access = gate.sessionToken(token);
        assertThat(access).isInstanceOf(Access.Granted.class);
        return ((Access.Granted) access).principal();
    }

    @Test
    void aSignedRequestGetsATokenOfItsKey() throws AccessRefusedException {
        TokenDetails details = send(signed(request(), SECRET));

        assertThat(details.keyName()).isEqualTo("shop.backend");
        assertThat(details.issued()).isEqualTo(NOW);
        assertThat(details.expires()).isEqualTo(NOW.plus(Duration.ofHours(1)));
        assertThat(details.capabilities()).isEqualTo(KEY.capabilities());
        assertThat(details.clientId()).isNull();
        assertThat(granted(details.token()))
                .isEqualTo(new Principal(
                        "shop", "shop.backend", null, KEY.capabilities(), NOW, NOW.plus(Duration.ofHours(1)), null));
    }

    @Test
    void theTokenIsAsItWasRequested() throws AccessRefusedException {
        TokenDetails details = send(signed(
                request()
                        .put("ttl", 123)
                        .put("clientId", "ada")
                        .put("capability", "{\"room:1\":[\"*\"],\"other\":[\"publish\"]}"),
                SECRET));

        Capabilities both = Capabilities.parse("{\"room:1\":[\"publish\",\"subscribe\"]}");
        assertThat(details.capabilities()).isEqualTo(both);
        assertThat(granted(details.token()))
                .isEqualTo(new Principal("shop", "shop.backend", "ada", both, NOW, NOW.plusMillis(123), null));

        now = NOW.plusMillis(122);
        granted(details.token());
        now = NOW.plusMillis(123);
        assertThat(((Access.Refused) gate.sessionToken(details.token())).sessionCode())
                .isEqualTo(40142);
    }

    @Test
    void noTwoTokensAreEqual() throws AccessRefusedException {
        String first = send(signed(request(), SECRET)).token();
        String second =
                send(signed(request().put("nonce", NONCE + "2"), SECRET)).token();

        assertThat(first).isNotEqualTo(second);
    }

    @Test
    void theHolderOfTheKeyNeedNotSign() throws AccessRefusedException {
        var unsigned = JsonMapper.shared().createObjectNode().put("clientId", "ada");

        assertThat(send(basic(KEY), unsigned).clientId()).isEqualTo("ada");
        assertRefused(401, 40101, null, unsigned);
        assertRefused(401, 40101, basic(OTHER), unsigned);
        assertRefused(401, 40101, "Basic " + base64("shop.backend:wrong"), unsigned);
        String token = send(signed(request(), SECRET)).token();
        assertRefused(401, 40162, "Bearer " + base64(token), unsigned);
    }

    @Test
    void refusesForgedRequests() {
        assertRefused(401, 40101, null, signed(request(), SECRET + "x"));
        assertRefused(401, 40101, null, request().put("mac", "12345"));
        assertRefused(401, 40101, null, signed(request(), SECRET).put("clientId", "admin"));
        assertRefused(401, 40101, null, signed(request(), SECRET).put("ttl", 1));
        // Another key's signature does not help, not even with the right key shown beside it.
        assertRefused(401, 40101, basic(KEY), signed(request(), SECRET + "x"));
    }

    @Test
    void aRequestIsGoodOnce() throws AccessRefusedException {
        send(signed(request(), SECRET));

        assertRefused(401, 40105, null, signed(request(), SECRET));
        now = NOW.plus(TokenRequests.TIMESTAMP_WINDOW);
        assertRefused(401, 40105, null, signed(request(), SECRET));
        now = now.plusMillis(1);
        assertRefused(401, 40104, null, signed(request(), SECRET));
    }

    @Test
    void aNonceOfAnotherTimeIsNoReplay() throws AccessRefusedException {
        send(signed(request(), SECRET));

        send(signed(request().put("timestamp", NOW.toEpochMilli() + 1), SECRET));
    }

    @Test
    void aRefusedRequestHasNotUsedItsNonce() throws AccessRefusedException {
        assertRefused(400, 40003, null, signed(request().put("ttl", -1), SECRET));

        send(signed(request(), SECRET));
    }

    @ParameterizedTest
    @CsvSource({"-1800000, 40104", "1800000, 40104", "-120001, 40104", "120001, 40104"})
    void refusesRequestsOfAnotherTime(long offset, int code) {
        assertRefused(401, code, null, signed(request().put("timestamp", NOW.toEpochMilli() + offset), SECRET));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ttl        | 0                          | 400 | 40003
            ttl        | -1                         | 400 | 40003
            ttl        | 86400001                   | 400 | 40003
            ttl        | notanumber                 | 400 | 40003
            ttl        | 99999999999999999999       | 400 | 40003
            capability | nonsense                   | 400 | 40000
            capability | {"channel0":["publish_"]}  | 400 | 40000
            capability | {"channel0":["*","publish"]} | 400 | 40000
            capability | {"channel0":[]}            | 400 | 40000
            capability | {"[*]":["publish"]}        | 401 | 40160
            capability | {"channelx":["publish"]}   | 401 | 40160
            capability | {"room:1":["presence"]}    | 401 | 40160
            clientId   | ''                         | 400 | 40012
            timestamp  | yesterday                  | 400 | 40003
            timestamp  | -1                         | 400 | 40003
            timestamp  | 9223372036854775807        | 400 | 40003
            nonce      | 0123456789abcde            | 400 | 40003
            """)
    void refusesWhatMakesNoSense(String field, String value, int status, int code) {
        assertRefused(status, code, null, signed(request().put(field, value), SECRET));
    }

    @ParameterizedTest
    @ValueSource(strings = {"timestamp", "nonce"})
    void aSignedRequestNeedsATimeAndANonce(String field) {
        var request = request();
        request.remove(field);

        assertRefused(400, 40003, null, signed(request, SECRET));
    }

    @Test
    void refusesOtherKeysThanThatOfThePath() {
        assertRefused(400, 40003, null, signed(request().put("keyName", "shop.other"), SECRET + "x"));
        assertThatThrownBy(() -> gate.requestToken(
                        null, TokenRequest.of("no.key", request().put("keyName", "no.key"))))
                .isInstanceOfSatisfying(
                        AccessRefusedException.class,
                        e -> assertThat(e.refused())
                                .extracting(Access.Refused::sessionStatus, Access.Refused::sessionCode)
                                .containsExactly(404, 40400));
    }

    private static String basic(ApiKey key) {
        return "Basic " + base64(key.written());
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
