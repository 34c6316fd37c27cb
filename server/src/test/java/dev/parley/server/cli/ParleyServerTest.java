package dev.parley.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.server.config.ConfigLoader;
import dev.parley.server.streams.StreamPaths;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParleyServerTest {
    private static final Path OPERATIONS = Path.of("..", "docs", "operations.md");

    private final HttpClient client = HttpClient.newHttpClient();
    private ParleyServer server;

    @BeforeEach
    void start(@TempDir Path folder) throws InterruptedException {
        server = ParleyServer.start(new ConfigLoader()
                .flags(Map.of("server.port", "0", "data.dir", folder.toString()))
                .load());
    }

    @AfterEach
    void stop() {
        client.shutdownNow();
        server.stop();
    }

    private HttpResponse<String> ask(String method, String path) throws IOException, InterruptedException {
        return ask(method, path, method.equals("POST") ? "{}" : "");
    }

    private HttpResponse<String> ask(String method, String path, String body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(server.uri().resolve(path))
                .header("Content-Type", "application/json")
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .build();
        return client.send(request, BodyHandlers.ofString());
    }

    @Test
    void isNotReadyWhenItsEngineHasFailed() throws Exception {
        assertThat(ask("GET", "/health/ready").statusCode()).isEqualTo(200);

        server.failure().complete(new IOException("a sync has failed"));

        assertThat(ask("GET", "/health/ready").statusCode()).isEqualTo(503);
    }

    @Test
    void itsMetricsAreThoseOfTheDocumentation() throws Exception {
        ask("PUT", "/v1/stream/s");
        ask("POST", "/v1/stream/s");
        // Refusals are counted from the first one on.
        assertThat(ask("GET", "/channels/c/messages").statusCode()).isEqualTo(401);
        String shown = ask("GET", "/metrics").body();

        assertThat(names(shown, "(?m)^(parley_\\w+)"))
                .isEqualTo(names(Files.readString(OPERATIONS), "(?m)^\\| `(parley_\\w+)"));
        assertThat(shown)
                .contains("parley_engine_commands_total 4.0")
                .containsPattern("parley_engine_command_seconds_total (?!0\\.0\\n)\\d")
                .contains("parley_http_requests_total{door=\"/v1/stream/\",method=\"POST\",status=\"204\"} 1.0");
    }

    @Test
    void itsPursesAreThoseOfTheDocumentation() throws Exception {
        String page = Files.readString(OPERATIONS);
        String section = page.substring(page.indexOf("\n## Memory\n"), page.indexOf("\n## Under attack\n"));
        String shown = ask("GET", "/metrics").body();

        for (String metric : new String[] {"held", "capacity"}) {
            assertThat(names(shown, "(?m)^parley_memory_" + metric + "_bytes\\{purse=\"(\\w+)\""))
                    .isEqualTo(names(section, "(?m)^\\| `(\\w+)` "));
        }
    }

    @Test
    void aStreamOfTheLongestPathCanBeTakenOutOfASubscription() throws Exception {
        String longest = "a/".repeat(StreamPaths.MAX_LENGTH / 2 - 1) + "aa";
        String subscription = "/v1/stream/__ds/subscriptions/one";
        String body = "{\"type\":\"pull-wake\",\"wake_stream\":\"wakes\",\"streams\":[\"%s\"]}".formatted(longest);
        assertThat(ask("PUT", subscription, body).statusCode()).isEqualTo(201);

        String link = subscription + "/streams/" + longest.replace("/", "%2F");
        assertThat(ask("DELETE", link + "a").statusCode()).isEqualTo(400);
        assertThat(ask("DELETE", link).statusCode()).isEqualTo(204);

        assertThat(ask("GET", "/v1/stream/" + longest + "a").statusCode()).isEqualTo(400);
    }

    private static Set<String> names(String text, String pattern) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .map((MatchResult found) -> found.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
