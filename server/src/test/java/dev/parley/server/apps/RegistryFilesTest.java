package dev.parley.server.apps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.registry.RegisteredApp;
import dev.parley.engine.registry.Revocation;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import dev.parley.server.auth.SecretSeal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryFilesTest {

    private static final ApiKey ROOT = ApiKey.parse("root.a:0123456789abcdef0123456789abcdef", Capabilities.ALL);
    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");

    /** As the version before has written it. */
    private static final String APPS = """
            [{"id":"app","removed":false,
              "keys":[{"key":"app.a:abcdefghijklmnopqrstuvwxyz012345","capability":"{\\"*\\":[\\"publish\\"]}","revocableTokens":true}],
              "namespaces":[{"id":"chat","mutableMessages":false,"retentionAge":120000,"retentionBytes":1000,"maxMembers":7,
                "redeliverCancels":true,"endAbandonedRuns":false}]},
             {"id":"gone","removed":true,"keys":[],"namespaces":[]}]
            """;

    private static final String REVOCATIONS = """
            [{"keyName":"app.a","target":"clientId:ada","issuedBefore":"2026-11-21T11:00:00.000500Z","appliesAt":"2026-11-21T11:00:30.000500Z"},
             {"keyName":"app.a","target":"channel:*","issuedBefore":"2026-11-21T10:00:00Z","appliesAt":"2026-11-21T10:00:00Z"}]
            """;

    @TempDir
    Path folder;

    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = Engine.open(EngineOptions.in(folder));
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private void register() throws IOException {
        RegistryFiles.register(folder, engine, SecretSeal.with(ROOT), NOW);
    }

    private void write() throws IOException {
        Files.writeString(folder.resolve("apps.json"), APPS);
        Files.writeString(folder.resolve("revocations.json"), REVOCATIONS);
    }

    @Test
    void whatTheFilesSayIsInTheLogAndTheyAreGone() throws IOException {
        write();
        register();
        assertThat(folder.resolve("apps.json")).doesNotExist();
        assertThat(folder.resolve("revocations.json")).doesNotExist();
        close();
        open();
        register();

        Apps apps = TestApps.of(engine, ROOT, List.of(ROOT), List.of());
        ApiKey key = apps.find("app.a");
        assertThat(key).isNotNull();
        assertThat(key.written()).isEqualTo("app.a:abcdefghijklmnopqrstuvwxyz012345");
        assertThat(key.capabilities()).isEqualTo(Capabilities.parse("{\"*\":[\"publish\"]}"));
        assertThat(key.uses()).isEqualTo(new ApiKey.Uses(false, true));
        assertThat(apps.namespace("app", "chat:1"))
                .isEqualTo(new Namespace("chat", false, Duration.ofMinutes(2), 1_000, 7, true, false));
        assertThat(apps.ids()).containsExactlyInAnyOrder("root", "app");
        assertThat(apps.removed()).containsExactly("gone");
        assertThat(engine.registry().revocationCount()).isEqualTo(2);
        assertThat(engine.registry().revocations("app.a", "clientId:ada"))
                .as("tokens of the millisecond that had begun")
                .containsExactly(new Revocation(
                        "app.a",
                        "clientId:ada",
                        Instant.parse("2026-11-21T11:00:00.001Z").toEpochMilli(),
                        Instant.parse("2026-11-21T11:00:30Z").toEpochMilli()));
    }

    /** As after a crash before they were removed. */
    @Test
    void filesThatAreThereAgainChangeNothing() throws IOException {
        write();
        register();
        RegisteredApp app = engine.registry().app("app");

        write();
        register();

        assertThat(engine.registry().app("app")).isEqualTo(app);
        assertThat(engine.registry().appCount()).isEqualTo(2);
        assertThat(engine.registry().revocationCount()).isEqualTo(2);
        assertThat(folder.resolve("apps.json")).doesNotExist();
    }

    @Test
    void aDamagedFileIsNotShownAndStays() throws IOException {
        for (String name : List.of("apps.json", "revocations.json")) {
            for (String damaged : List.of("[{\"id\":\"SECRET\",", "[null]", "[{\"id\":\"SECRET\"}]", "null")) {
                Files.writeString(folder.resolve(name), damaged);

                assertThatThrownBy(this::register)
                        .as("%s: %s", name, damaged)
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining(name)
                        .hasMessageNotContaining("SECRET");
                assertThat(folder.resolve(name)).exists();
            }
            Files.delete(folder.resolve(name));
        }
        assertThat(engine.registry().appCount()).isZero();
        assertThat(engine.registry().revocationCount()).isZero();
    }
}
