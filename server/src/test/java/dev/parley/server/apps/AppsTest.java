package dev.parley.server.apps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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

    @TempDir
    Path folder;

    private Apps apps;

    @BeforeEach
    void open() throws IOException {
        apps = Apps.open(folder, List.of(CONFIGURED), List.of(LOGS));
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
        apps.add(app);

        assertThat(apps.namespace(app.id(), "kept:1"))
                .isEqualTo(new Namespace("kept", true, Duration.ofDays(30), 1L << 30, 7));
        assertThat(apps.namespace(app.id(), "fleeting:1"))
                .isEqualTo(new Namespace("fleeting", false, Duration.ofMinutes(2), 1L << 30, 7));
        assertThat(apps.namespace(app.id(), "logs:1")).isEqualTo(LOGS);
        assertThat(apps.namespace(app.id(), "else").maxMembers()).isEqualTo(7);
        assertThat(apps.namespace("shop", "kept:1")).isEqualTo(Namespace.DEFAULT);
    }

    @Test
    void madeAppsSurviveARestartInASecretFile() throws Exception {
        App app = spec("""
                {"keys": [{}, {"capability": "{\\"a\\":[\\"publish\\"]}", "revocableTokens": true}],
                 "namespaces": [{"id": "x", "persisted": false}]}
                """).app();
        apps.add(app);

        open();

        for (ApiKey key : app.keys()) {
            ApiKey again = apps.find(key.name());
            assertThat(again).isNotNull();
            assertThat(again.written()).isEqualTo(key.written());
            assertThat(again.capabilities()).isEqualTo(key.capabilities());
            assertThat(again.uses()).isEqualTo(key.uses());
        }
        assertThat(app.keys())
                .extracting(ApiKey::uses)
                .containsExactly(new ApiKey.Uses(false, false), new ApiKey.Uses(false, true));
        assertThat(apps.namespace(app.id(), "x:1")).isEqualTo(app.namespaces().getFirst());
        assertThat(apps.ids()).containsExactly("shop", app.id());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("apps.json"))))
                .isEqualTo("rw-------");
    }

    @Test
    void aRemovedAppIsGoneAtOnceAndForgottenLater() throws Exception {
        App app = spec("{\"keys\": [{}]}").app();
        apps.add(app);
        var heard = new ArrayList<String>();
        apps.onRemoved(heard::add);

        assertThat(apps.remove(app.id())).isTrue();

        assertThat(heard).containsExactly(app.id());
        assertThat(apps.find(app.keys().getFirst().name())).isNull();
        assertThat(apps.ids()).doesNotContain(app.id());
        assertThat(apps.remove(app.id())).isFalse();
        open();
        assertThat(apps.find(app.keys().getFirst().name())).isNull();
        assertThat(apps.removed()).containsExactly(app.id());
        apps.forget(app.id());
        open();
        assertThat(apps.removed()).isEmpty();
        assertThat(apps.remove("shop")).isFalse();
    }

    @Test
    void theNumberOfAppsIsBounded() throws Exception {
        var file = new MadeAppsFile(folder);
        var many = new ArrayList<App>();
        for (int i = 0; i < Apps.MAX_MADE_APPS; i++) {
            many.add(new App("app" + i, List.of(), List.of(), false));
        }
        file.write(many);
        open();

        assertThatThrownBy(() -> apps.add(spec("{}").app())).isInstanceOf(TooManyAppsException.class);
    }

    @Test
    void complainsAboutADamagedFileWithoutShowingIt() throws IOException {
        Files.writeString(folder.resolve("apps.json"), "[{\"id\":\"SECRET\",");

        assertThatThrownBy(this::open)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("apps.json")
                .hasMessageNotContaining("SECRET");
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
