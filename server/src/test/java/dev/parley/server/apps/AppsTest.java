package dev.parley.server.apps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.registry.RegistryOutcome;
import dev.parley.engine.registry.RegistryOutcome.Done;
import dev.parley.engine.registry.RegistryOutcome.IdTaken;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import dev.parley.server.auth.SecretSeal;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

class AppsTest {

    private static final ApiKey CONFIGURED =
            ApiKey.parse("shop.backend:0123456789abcdef0123456789abcdef", Capabilities.ALL);
    private static final Namespace LOGS = new Namespace("logs", false, Duration.ofHours(1), 1_000, 5);

    private static final ApiKey ROOT = ApiKey.parse("root.a:0123456789abcdef0123456789abcdef", Capabilities.ALL);
    private static final ApiKey OTHER_ROOT = ApiKey.parse("root.a:0123456789abcdef0123456789abcdeF", Capabilities.ALL);
    private static final long NOW = 1_800_000_000_000L;

    @TempDir
    Path folder;

    private Engine engine;
    private Apps apps;

    @BeforeEach
    void open() throws Exception {
        engine = Engine.open(EngineOptions.in(folder));
        apps = apps(ROOT);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private Apps apps(ApiKey rootKey) throws SecretSeal.BrokenSealException {
        return new Apps(engine, SecretSeal.with(rootKey), List.of(CONFIGURED), List.of(LOGS));
    }

    private RegistryOutcome.OfAddApp add(App app) {
        return apps.add(app, NOW).join();
    }

    private static AppSpec spec(String json) {
        return AppSpec.of(JsonMapper.shared().readTree(json));
    }

    @Test
    void hasTheAppsOfTheConfiguration() {
        assertThat(apps.find("shop.backend")).isSameAs(CONFIGURED);
        assertThat(apps.find("shop.other")).isNull();
        assertThat(apps.ids()).containsExactly("shop");
    }

    @ParameterizedTest
    @CsvSource({
        "logs:today,        logs",
        "logs:a:b,          logs",
        "[meta]logs:today,  logs",
        "[?rewind=1]logs:x, logs",
        "logs,              *",
        "log:s,             *",
        ":logs,             *",
        "[broken:logs,      *",
    })
    void theNamespaceIsTheBeginningOfTheName(String session, String id) {
        assertThat(apps.namespace("shop", session).id()).isEqualTo(id);
    }

    @Test
    void aMadeAppHasItsOwnNamespacesAndThoseOfTheConfiguration() throws Exception {
        App app = spec("""
                {"keys": [{}], "limits": {"presence": {"maxMembers": 7}},
                 "namespaces": [{"id": "kept"}, {"id": "fleeting", "persisted": false, "mutableMessages": false}]}
                """).app();
        add(app);

        assertThat(apps.namespace(app.id(), "kept:1"))
                .isEqualTo(new Namespace("kept", true, Duration.ofDays(30), 1L << 30, 7));
        assertThat(apps.namespace(app.id(), "fleeting:1"))
                .isEqualTo(new Namespace("fleeting", false, Duration.ofMinutes(2), 1L << 30, 7));
        assertThat(apps.namespace(app.id(), "logs:1")).isEqualTo(LOGS);
        assertThat(apps.namespace(app.id(), "else").maxMembers()).isEqualTo(7);
        assertThat(apps.namespace("shop", "kept:1")).isEqualTo(Namespace.DEFAULT);
    }

    @Test
    void madeAppsSurviveARestart() throws Exception {
        App app = spec("""
                {"keys": [{}, {"capability": "{\\"a\\":[\\"publish\\"]}", "revocableTokens": true}],
                 "namespaces": [{"id": "x", "persisted": false}]}
                """).app();
        assertThat(add(app)).isEqualTo(new Done());
        assertThat(add(app)).isEqualTo(new IdTaken());
        assertThat(add(new App("shop", List.of(), List.of()))).isEqualTo(new IdTaken());

        for (int restart = 0; restart < 2; restart++) {
            for (ApiKey key : app.keys()) {
                ApiKey again = apps.find(key.name());
                assertThat(again).isNotNull();
                assertThat(again.written()).isEqualTo(key.written());
                assertThat(again.capabilities()).isEqualTo(key.capabilities());
                assertThat(again.uses()).isEqualTo(key.uses());
            }
            assertThat(apps.find(app.id() + ".other")).isNull();
            assertThat(apps.find("no name")).isNull();
            assertThat(apps.namespace(app.id(), "x:1"))
                    .isEqualTo(app.namespaces().getFirst());
            assertThat(apps.ids()).containsExactly("shop", app.id());
            close();
            open();
        }
        assertThat(app.keys())
                .extracting(ApiKey::uses)
                .containsExactly(new ApiKey.Uses(false, false), new ApiKey.Uses(false, true));
    }

    @Test
    void noSecretIsInTheDataFolder() throws Exception {
        App app = spec("{\"keys\": [{}]}").app();
        add(app);
        close();

        String written = app.keys().getFirst().written();
        String secret = written.substring(written.indexOf(':') + 1);
        int names = 0;
        try (var files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
                assertThat(bytes).as("%s", file).doesNotContain(secret);
                names += bytes.contains(app.keys().getFirst().name()) ? 1 : 0;
            }
        }
        assertThat(names).as("files with the name of the key").isPositive();
        open();
    }

    @Test
    void anotherRootKeyIsNoticedAtTheStart() throws Exception {
        App app = spec("{\"keys\": [{}]}").app();
        Apps other = apps(OTHER_ROOT);
        add(app);

        assertThatThrownBy(() -> apps(OTHER_ROOT))
                .isInstanceOf(SecretSeal.BrokenSealException.class)
                .hasMessageContaining(app.keys().getFirst().name());
        assertThat(other.find(app.keys().getFirst().name()))
                .as("on a node that has another root key")
                .isNull();
    }

    @Test
    void aRemovedAppIsGoneAtOnceAndForgottenLater() throws Exception {
        App app = spec("{\"keys\": [{}]}").app();
        add(app);
        assertThat(apps.find(app.keys().getFirst().name())).isNotNull();
        var heard = new CompletableFuture<String>();
        var left = new CompletableFuture<Void>();
        apps.onRemoved(id -> {
            heard.complete(id);
            return left;
        });

        CompletableFuture<Boolean> removed = apps.remove(app.id(), NOW);

        assertThat(heard.join()).isEqualTo(app.id());
        assertThat(removed).as("as long as clients have not left").isNotDone();
        left.complete(null);
        assertThat(removed.join()).isTrue();
        assertThat(apps.find(app.keys().getFirst().name())).isNull();
        assertThat(apps.ids()).doesNotContain(app.id());
        assertThat(apps.remove(app.id(), NOW).join()).isFalse();
        close();
        open();
        assertThat(apps.find(app.keys().getFirst().name())).isNull();
        assertThat(apps.removed()).containsExactly(app.id());
        apps.forget(app.id(), NOW).join();
        assertThat(apps.removed()).isEmpty();
        assertThat(apps.remove("shop", NOW).join()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "7",
                "{\"keys\": {}}",
                "{\"keys\": [1]}",
                "{\"keys\": [{\"capability\": \"nonsense\"}]}",
                "{\"keys\": [{\"revocableTokens\": 1}]}",
                "{\"namespaces\": [{}]}",
                "{\"namespaces\": [{\"id\": \"a:b\"}]}",
                "{\"namespaces\": [{\"id\": \"a\"}, {\"id\": \"a\"}]}",
                "{\"namespaces\": [{\"id\": \"a\", \"persisted\": \"yes\"}]}",
                "{\"limits\": {\"presence\": {\"maxMembers\": 0}}}",
                "{\"limits\": {\"presence\": {\"maxMembers\": \"x\"}}}",
                "{\"channels\": [{\"presence\": []}]}"
            })
    void refusesSpecificationsThatMakeNoSense(String json) {
        assertThatIllegalArgumentException().isThrownBy(() -> spec(json));
    }
}
