package dev.parley.server.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionName;
import dev.parley.server.apps.Apps;
import dev.parley.server.apps.TestApps;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Revocations;
import dev.parley.server.wire.WireException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class AdminAndKeysTest {

    private static final ApiKey ROOT = ApiKey.parse("root.key:0123456789abcdef0123456789abcdef", Capabilities.ALL);

    private static final String SPEC = """
            {"keys": [{}, {"capability": "{\\"a\\":[\\"subscribe\\",\\"publish\\"]}"}, {"revocableTokens": true}],
             "namespaces": [{"id": "persisted", "persisted": true}],
             "channels": [{"name": "persisted:fixtures", "presence": [
                {"clientId": "ada", "data": "true"},
                {"clientId": "bob", "data": "aGVsbG8=", "encoding": "json/utf-8/cipher+aes-128-cbc/base64"}]}]}
            """;

    @TempDir
    Path folder;

    private Engine engine;
    private Apps apps;
    private Gate gate;
    private KeysResource keys;

    @BeforeEach
    void open() throws IOException {
        engine = Engine.open(EngineOptions.in(folder));
        apps = TestApps.of(engine, ROOT, List.of(ROOT), List.of());
        var lifetime = Duration.ofDays(1);
        gate = new Gate(
                apps,
                null,
                true,
                lifetime,
                new Revocations(engine, lifetime, Clock.systemUTC()),
                Clock.systemUTC(),
                new SimpleMeterRegistry());
        keys = new KeysResource(gate);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private AppsResource admin(boolean forEverybody) {
        return new AppsResource(engine, apps, gate, ROOT, forEverybody, Clock.systemUTC());
    }

    private static AppsResource.Caller caller(@Nullable String key) {
        return new AppsResource.Caller(key == null ? null : basic(key), null, "localhost", 4437, false);
    }

    private static String basic(String key) {
        return "Basic " + Base64.getEncoder().encodeToString(key.getBytes(StandardCharsets.UTF_8));
    }

    private static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }

    @Test
    void membersAreInChannelsThatCanBeNamed() {
        assertThatThrownBy(() -> admin(true)
                        .create(
                                caller(null),
                                json("{\"channels\":[{\"name\":\"..\",\"presence\":[{\"clientId\":\"ann\"}]}]}")))
                .isInstanceOf(WireException.class);
    }

    @Test
    void anAppIsDescribedWithItsSecrets() throws Exception {
        JsonNode app = admin(true).create(caller(null), json(SPEC));

        assertThat(app.get("keys")).hasSize(3);
        assertThat(app.get("namespaces")).hasSize(1);
        assertThat(app.get("endpoint").asString()).isEqualTo("localhost");
        assertThat(app.get("port").asInt()).isEqualTo(4437);
        assertThat(app.get("tls").asBoolean()).isFalse();
        JsonNode key = app.get("keys").get(1);
        assertThat(key.get("keyStr").asString())
                .isEqualTo(key.get("keyName").asString() + ":"
                        + key.get("keySecret").asString());
        assertThat(key.get("value").asString()).isEqualTo(key.get("keySecret").asString());
        assertThat(key.get("capability").asString()).isEqualTo("{\"a\":[\"publish\",\"subscribe\"]}");
        assertThat(gate.sessionKey(key.get("keyStr").asString()))
                .isInstanceOfSatisfying(
                        Access.Granted.class,
                        granted -> assertThat(granted.principal().app())
                                .isEqualTo(app.get("appId").asString()));
    }

    @Test
    void itsFixedMembersAreThere() throws Exception {
        String app = admin(true).create(caller(null), json(SPEC)).get("appId").asString();

        var session = engine.sessions().find(new SessionName(app, "persisted:fixtures"));
        List<PresenceEntry> members = engine.sessions().presence().members(Objects.requireNonNull(session));
        assertThat(members).extracting(PresenceEntry::clientId).containsExactlyInAnyOrder("ada", "bob");
        assertThat(members).extracting(PresenceEntry::connectionId).containsOnly(Apps.FIXED_MEMBERS_CONNECTION);
        assertThat(members)
                .filteredOn(member -> member.clientId().equals("bob"))
                .extracting(member -> member.body().encoding())
                .containsExactly("json/utf-8/cipher+aes-128-cbc");
    }

    @Test
    void appsAreNotMadeForJustAnybody() throws Exception {
        AppsResource closed = admin(false);
        String key = admin(true)
                .create(caller(null), json(SPEC))
                .at("/keys/0/keyStr")
                .asString();

        assertRefused(401, 40101, () -> closed.create(caller(null), json(SPEC)));
        assertRefused(401, 40160, () -> closed.create(caller(key), json(SPEC)));
        assertRefused(401, 40101, () -> closed.create(caller("root.key:wrong"), json(SPEC)));
        closed.create(caller(ROOT.written()), json(SPEC));
        // A web page must not make any, even if everybody else may.
        var page = new AppsResource.Caller(null, "https://elsewhere.example", "localhost", 4437, false);
        assertRefused(401, 40101, () -> admin(true).create(page, json(SPEC)));
    }

    @Test
    void anAppIsRemovedByItsOwnKeysOrTheRootKey() throws Exception {
        AppsResource admin = admin(true);
        JsonNode one = admin.create(caller(null), json(SPEC));
        JsonNode two = admin.create(caller(null), json(SPEC));
        String key = one.at("/keys/0/keyStr").asString();
        String id = one.get("appId").asString();
        String token = token(key);

        assertRefused(401, 40101, () -> admin.remove(caller(null), id));
        assertRefused(
                401, 40160, () -> admin.remove(caller(two.at("/keys/0/keyStr").asString()), id));
        admin.remove(caller(key), id);

        assertThat(gate.sessionKey(key)).isInstanceOf(Access.Refused.class);
        assertThat(gate.sessionToken(token))
                .isInstanceOfSatisfying(
                        Access.Refused.class,
                        refused -> assertThat(refused.sessionCode()).isEqualTo(40400));
        admin.remove(caller(ROOT.written()), two.get("appId").asString());
        assertThatThrownBy(() -> admin.remove(caller(ROOT.written()), id)).isInstanceOf(WireException.class);
    }

    private String token(String key) throws AccessRefusedException {
        String name = key.substring(0, key.indexOf(':'));
        return keys.requestToken(name, basic(key), json("{\"clientId\":\"ada\"}"))
                .get("token")
                .asString();
    }

    @Test
    void aTokenIsAnsweredInTheProtocolsWords() throws Exception {
        String key = admin(true)
                .create(caller(null), json(SPEC))
                .at("/keys/0/keyStr")
                .asString();
        String name = key.substring(0, key.indexOf(':'));

        JsonNode details = keys.requestToken(name, basic(key), json("{\"clientId\":\"ada\",\"ttl\":5000}"));

        assertThat(details.get("keyName").asString()).isEqualTo(name);
        assertThat(details.get("expires").asLong() - details.get("issued").asLong())
                .isEqualTo(5000);
        assertThat(details.get("capability").asString()).isEqualTo("{\"*\":[\"*\"]}");
        assertThat(details.get("clientId").asString()).isEqualTo("ada");
        assertThat(gate.sessionToken(details.get("token").asString())).isInstanceOf(Access.Granted.class);
    }

    @Test
    void revocationAnswersForEachTarget() throws Exception {
        JsonNode app = admin(true).create(caller(null), json(SPEC));
        String key = app.at("/keys/2/keyStr").asString();
        String name = key.substring(0, key.indexOf(':'));
        String token = token(key);
        long before = System.currentTimeMillis();

        JsonNode result = keys.revokeTokens(name, basic(key), json("""
                {"targets": ["clientId:ada", "invalidType:abc"], "allowReauthMargin": true, "issuedBefore": 1000}
                """));

        assertThat(result.get("successCount").asInt()).isEqualTo(1);
        assertThat(result.get("failureCount").asInt()).isEqualTo(1);
        assertThat(result.at("/results/0/target").asString()).isEqualTo("clientId:ada");
        assertThat(result.at("/results/0/issuedBefore").asLong()).isEqualTo(1000);
        assertThat(result.at("/results/0/appliesAt").asLong()).isGreaterThanOrEqualTo(before + 30_000);
        assertThat(result.at("/results/1/target").asString()).isEqualTo("invalidType:abc");
        assertThat(result.at("/results/1/error/statusCode").asInt()).isEqualTo(400);
        assertThat(gate.sessionToken(token)).isInstanceOf(Access.Granted.class);
    }

    @Test
    void onlyTheKeyRevokesItsTokensIfItMay() throws Exception {
        JsonNode app = admin(true).create(caller(null), json(SPEC));
        String key = app.at("/keys/2/keyStr").asString();
        String name = key.substring(0, key.indexOf(':'));
        String notRevocable = app.at("/keys/0/keyStr").asString();
        JsonNode body = json("{\"targets\": [\"clientId:ada\"]}");

        assertRefused(401, 40133, () -> keys.revokeTokens(name, basic(notRevocable), body));
        assertRefused(401, 40101, () -> keys.revokeTokens(name, null, body));
        assertRefused(401, 40162, () -> keys.revokeTokens(name, "Bearer " + token(key), body));
        assertRefused(
                401,
                40163,
                () -> keys.revokeTokens(
                        notRevocable.substring(0, notRevocable.indexOf(':')), basic(notRevocable), body));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "{\"targets\": []}",
                "{\"targets\": \"clientId:ada\"}",
                "{\"targets\": [7]}",
                "{\"targets\": [\"clientId:ada\"], \"issuedBefore\": \"now\"}",
                "{\"targets\": [\"clientId:ada\"], \"allowReauthMargin\": \"yes\"}"
            })
    void refusesRevocationsThatMakeNoSense(String body) {
        assertThatThrownBy(() -> keys.revokeTokens("root.key", basic(ROOT.written()), json(body)))
                .isInstanceOf(WireException.class);
    }

    private static void assertRefused(int status, int code, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        AccessRefusedException.class,
                        e -> assertThat(e.refused())
                                .extracting(Access.Refused::sessionStatus, Access.Refused::sessionCode)
                                .containsExactly(status, code));
    }
}
