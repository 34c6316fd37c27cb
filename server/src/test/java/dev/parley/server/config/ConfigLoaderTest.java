package dev.parley.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.server.apps.Namespace;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigLoaderTest {

    private static final String SECRET = "0123456789abcdef0123456789abcdef";

    @TempDir
    Path folder;

    @Test
    void hasDefaultsForEverything() {
        Config config = Config.defaults();

        assertThat(config.server().host()).isEqualTo("127.0.0.1");
        assertThat(config.server().port()).isEqualTo(4437);
        assertThat(config.streams().longPollTimeout()).isEqualTo(Duration.ofSeconds(20));
        assertThat(config.limits().bodyBytes()).isEqualTo(16 << 20);
        assertThat(config.cors().origins()).isEmpty();
        assertThat(config.auth().keys()).isEmpty();
        assertThat(config.tls().enabled()).isFalse();
    }

    @Test
    void flagsBeatTheEnvironmentWhichBeatsTheFile() throws IOException {
        Path file = file("server: {host: file, port: 1, event-loops: 3}\nserver.drain-timeout: 5");

        Config config = new ConfigLoader()
                .file(file)
                .environment(Map.of("PARLEY_SERVER_PORT", "2", "PARLEY_SERVER_HOST", "environment"))
                .flags(Map.of("server.host", "flag"))
                .load();

        assertThat(config.server().host()).isEqualTo("flag");
        assertThat(config.server().port()).isEqualTo(2);
        assertThat(config.server().eventLoops()).isEqualTo(3);
        assertThat(config.server().drainTimeout()).isEqualTo(Duration.ofMillis(5));
    }

    @Test
    void readsKeysWithTheirCapabilities() throws IOException {
        Path file = file("""
                auth:
                  keys:
                    - key: app.reader:%s
                      capability: {'chat/*': [read, subscribe]}
                    - app.all:%s
                """.formatted(SECRET, SECRET));

        var keys = new ConfigLoader().file(file).load().auth().keys();

        assertThat(keys).extracting(ApiKey::name).containsExactly("app.reader", "app.all");
        assertThat(keys)
                .extracting(ApiKey::capabilities)
                .containsExactly(Capabilities.parse("{\"chat/*\":[\"read\",\"subscribe\"]}"), Capabilities.ALL);
    }

    @Test
    void readsNamespaces() throws IOException {
        Path file = file("""
                sessions:
                  namespaces:
                    - {id: '*', retention-age: 3600000, max-members: 9}
                    - {id: logs, persisted: false, mutable-messages: false, retention-bytes: 5}
                """);

        assertThat(new ConfigLoader().file(file).load().sessions().namespaces())
                .containsExactly(
                        new Namespace("*", true, Duration.ofHours(1), 1L << 30, 9),
                        new Namespace("logs", false, Namespace.NOT_PERSISTED, 5, 250));
    }

    @Test
    void amountsMayHaveUnits() throws IOException {
        Path file = file("""
                server: {drain-timeout: 2m}
                limits: {body-bytes: 8 MiB, request-timeout: 30s}
                sessions:
                  namespaces:
                    - {id: logs, retention-age: 7d, retention-bytes: 64MiB}
                """);

        Config config = new ConfigLoader()
                .file(file)
                .environment(Map.of("PARLEY_STREAMS_LONG_POLL_TIMEOUT", "1500ms"))
                .load();

        assertThat(config.server().drainTimeout()).isEqualTo(Duration.ofMinutes(2));
        assertThat(config.limits().bodyBytes()).isEqualTo(8 << 20);
        assertThat(config.limits().requestTimeout()).isEqualTo(Duration.ofSeconds(30));
        assertThat(config.streams().longPollTimeout()).isEqualTo(Duration.ofMillis(1500));
        Namespace logs = config.sessions().namespaces().getFirst();
        assertThat(logs.retentionAge()).isEqualTo(Duration.ofDays(7));
        assertThat(logs.retentionBytes()).isEqualTo(64L << 20);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            logs                          | sessions.namespaces: a namespace is expected to look like
            {id: 7}                       | sessions.namespaces: a namespace is expected to look like
            {id: logs, retention: 5}      | sessions.namespaces: a namespace has no 'retention'
            {id: logs, persisted: maybe}  | sessions.namespaces: 'persisted' must be true or false
            {id: logs, max-members: many} | sessions.namespaces: 'max-members' must be a whole number
            {id: logs, max-members: 0}    | sessions.namespaces: namespace logs keeps messages
            {id: logs, max-members: 9999999999} | sessions.namespaces: 'max-members' must be a whole number
            {id: 'a:b'}                   | sessions.namespaces: the id of a namespace
            [{id: a}, {id: a}]            | sessions.namespaces has two namespaces of the same id
            """)
    void saysWhatIsWrongWithNamespaces(String namespaces, String complaint) {
        assertThatThrownBy(() -> new ConfigLoader()
                        .flags(Map.of("sessions.namespaces", namespaces))
                        .load())
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(complaint);
    }

    @Test
    void aKeyMayBeToldNotToRevoke() throws IOException {
        Path file = file("""
                auth:
                  keys:
                    - {key: 'app.one:%s', capability: {'*': ['*']}, revocable-tokens: false}
                    - {key: 'app.two:%s', capability: {'*': ['*']}}
                """.formatted(SECRET, SECRET));

        assertThat(new ConfigLoader().file(file).load().auth().keys())
                .extracting(key -> key.uses().revocation())
                .containsExactly(false, true);
    }

    @Test
    void readsListsFromTheEnvironment() {
        Config config = new ConfigLoader()
                .environment(Map.of(
                        "PARLEY_CORS_ORIGINS",
                        "https://a.example, https://b.example",
                        "PARLEY_AUTH_KEYS",
                        "[{key: 'a.b:" + SECRET + "', capability: {'*': ['*']}}]"))
                .load();

        assertThat(config.cors().origins()).containsExactly("https://a.example", "https://b.example");
        assertThat(config.auth().keys()).extracting(ApiKey::name).containsExactly("a.b");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            server.port         | x     | --set server.port: 'x' is no whole number
            server.port         | 65536 | --set server.port: 65536 is out of bounds, allowed is 0 to 65535
            server.drain-timeout| 1w    | --set server.drain-timeout: '1w' is no whole number of milliseconds, and none with one of the units ms, s, m, h, d
            server.drain-timeout| 1.5s  | --set server.drain-timeout: '1.5s' is no whole number of milliseconds
            server.drain-timeout| 9999999999999d | --set server.drain-timeout: '9999999999999d' is too large
            server.port         | 1KiB  | --set server.port: '1KiB' is no whole number
            limits.body-bytes   | 1mib  | --set limits.body-bytes: '1mib' is no whole number of bytes
            log.format          | xml   | --set log.format: 'xml' is none of [text, json]
            metrics.enabled     | yes   | --set metrics.enabled: 'yes' is neither true nor false
            server.port         | ''    | --set server.port: a value is missing
            server.host         | ' '   | --set server.host: a value is missing
            data.dir            | ''    | --set data.dir: a value is missing
            server.hosts        | a     | --set: there is no setting 'server.hosts'. Do you mean 'server.host'?
            tls.cert            | a.pem | tls.cert and tls.key belong together: set both or neither
            limits.body-bytes   | 100000000 | engine.segment-bytes must be at least
            """)
    void saysWhatIsWrong(String name, String value, String complaint) {
        assertThatThrownBy(() -> new ConfigLoader().flags(Map.of(name, value)).load())
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(complaint);
    }

    @Test
    void anEmptyValueTakesAwayWhatNeedNotBe() throws IOException {
        Path file = file("server: {public-url: 'https://parley.example'}\ntls: {cert: a.pem, key: b.pem}");

        Config config = new ConfigLoader()
                .file(file)
                .environment(Map.of("PARLEY_SERVER_PUBLIC_URL", ""))
                .flags(Map.of("tls.cert", "", "tls.key", ""))
                .load();

        assertThat(config.server().publicUrl()).isNull();
        assertThat(config.tls().enabled()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            'server: {prot: 1}'             | : there is no setting 'server.prot'. Do you mean 'server.port'?
            'server: {port: 1, port: 2}'    | : no valid YAML at line 1
            '{server.port: 1, server: {port: 2}}' | : server.port is set twice
            'server: {port: [1]}'           | : server.port: one value is expected, not a list or a map
            'just text'                     | : settings are expected
            'data: {dir: "a\\0b"}'           | : data.dir: no path
            'data: {dir: }'                 | : data.dir: a value is missing
            """)
    void saysWhatIsWrongInTheFile(String content, String complaint) throws IOException {
        Path file = file(content);

        assertThatThrownBy(() -> new ConfigLoader().file(file).load())
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(file + complaint);
    }

    @ParameterizedTest
    @CsvSource({
        "app.id:SECRET-tooshort",
        "no-dot:SECRET-89abcdef0123456789abcdef0123456789",
        "'[{key: a.b:SECRET-89abcdef0123456789abcdef0123456789, capability: {\"[x*]y\": [read]}}]'",
        "'[{key: a.b:SECRET-89abcdef0123456789abcdef0123456789}]'",
        "'[{key: a.b:SECRET-89abcdef0123456789abcdef0123456789'"
    })
    void complaintsAboutKeysDoNotShowThem(String keys) {
        assertThatThrownBy(() ->
                        new ConfigLoader().flags(Map.of("auth.keys", keys)).load())
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("auth.keys")
                .hasMessageNotContaining("SECRET");
    }

    @Test
    void warnsOfVariablesThatAreNoSettings() {
        var warnings = ConfigLoader.unknownVariables(
                Map.of("PARLEY_SERVER_PROT", "1", "PARLEY_SERVER_PORT", "1", "PARLEY_JAVA_OPTS", "", "PATH", ""));

        assertThat(warnings)
                .singleElement()
                .asString()
                .contains("PARLEY_SERVER_PROT")
                .contains("PARLEY_SERVER_PORT");
    }

    private Path file(String content) throws IOException {
        return Files.writeString(folder.resolve("parley.yaml"), content);
    }
}
