package dev.parley.server.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.server.config.ConfigLoader;
import dev.parley.server.time.NodeClock;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of streams and history when somebody sets the clock of a whole server, on real files. */
@Timeout(60)
class ClockTest {
    private static final Duration YEAR = Duration.ofDays(365);
    private static final String STREAM = "/v1/stream/s";
    private static final String MESSAGES = "/channels/c/messages";

    private final HttpClient client = HttpClient.newHttpClient();
    private final AtomicLong aheadMillis = new AtomicLong();

    @TempDir
    private Path folder;

    private @Nullable ParleyServer server;

    private void start() throws InterruptedException {
        server = ParleyServer.start(
                new ConfigLoader()
                        .flags(Map.of("server.port", "0", "data.dir", folder.toString()))
                        .load(),
                new NodeClock(
                        () -> Instant.now().plusMillis(aheadMillis.get()),
                        System::nanoTime,
                        () -> System.nanoTime() / 1_000_000,
                        Duration.ofHours(1)));
    }

    @AfterEach
    void stop() {
        client.shutdownNow();
        server().stop();
    }

    private ParleyServer server() {
        return Objects.requireNonNull(server);
    }

    private HttpResponse<String> ask(String method, String path, String... headers)
            throws IOException, InterruptedException {
        String key = Files.readString(folder.resolve("root.key")).strip();
        var request = HttpRequest.newBuilder(server().uri().resolve(path))
                .header("Content-Type", "application/json")
                .header(
                        "Authorization",
                        "Basic " + Base64.getEncoder().encodeToString(key.getBytes(StandardCharsets.UTF_8)))
                .method(
                        method,
                        method.equals("POST") ? BodyPublishers.ofString("{\"data\":\"x\"}") : BodyPublishers.noBody());
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return client.send(request.build(), BodyHandlers.ofString());
    }

    /** A stream that lives for an hour, and a message that is kept for 30 days. */
    private void fill() throws Exception {
        assertThat(ask("PUT", STREAM, "Stream-TTL", "3600").statusCode()).isEqualTo(201);
        assertThat(ask("POST", STREAM).statusCode()).isEqualTo(204);
        assertThat(ask("POST", MESSAGES).statusCode()).isEqualTo(201);
    }

    private boolean inDoubt() throws Exception {
        return !ask("GET", "/metrics").body().contains("parley_clock_doubt_seconds 0.0\n");
    }

    private void assertAllIsThere() throws Exception {
        assertThat(ask("GET", STREAM).body()).isEqualTo("[{\"data\":\"x\"}]");
        assertThat(ask("GET", MESSAGES).body()).contains("\"data\":\"x\"");
    }

    @Test
    void aJumpThatIsTakenBackDeletesNothing() throws Exception {
        start();
        fill();

        aheadMillis.set(YEAR.toMillis());
        await().until(this::inDoubt);
        assertAllIsThere();
        // Whoever creates it again does not get another one.
        assertThat(ask("PUT", STREAM, "Stream-TTL", "3600").statusCode()).isEqualTo(200);
        aheadMillis.set(0);
        await().until(() -> !inDoubt());

        assertAllIsThere();
    }

    @Test
    void aStartAYearAheadDeletesNothingUntilTheTimeIsBelieved() throws Exception {
        start();
        fill();
        server().stop();
        aheadMillis.set(YEAR.toMillis());
        for (int i = 0; i < 2; i++) {
            // Nor does another one, although the last records are from a time that may be wrong.
            start();
            assertThat(inDoubt()).isTrue();
            assertAllIsThere();
            assertThat(ask("POST", MESSAGES).statusCode()).isEqualTo(201);
            for (String change : new String[] {"PUT", "POST", "DELETE"}) {
                HttpResponse<String> refusal = ask(change, STREAM);
                assertThat(refusal.statusCode()).isEqualTo(503);
                assertThat(refusal.body()).contains("CLOCK_IN_DOUBT");
            }
            assertThat(ask("PUT", "/v1/stream/new" + i, "Stream-TTL", "3600").statusCode())
                    .isEqualTo(201);
            assertThat(ask("POST", "/v1/stream/new" + i).statusCode()).isEqualTo(204);
            if (i == 0) {
                server().stop();
            }
        }

        assertThat(ask("POST", "/clock").statusCode()).isEqualTo(200);

        assertThat(inDoubt()).isFalse();
        assertThat(ask("GET", STREAM).statusCode()).isEqualTo(404);
        await().atMost(Duration.ofSeconds(30))
                .until(() -> ask("GET", MESSAGES).body().split("\"data\"").length == 3);
        assertThat(ask("GET", "/v1/stream/new1").statusCode()).isEqualTo(200);
    }

    @Test
    void onlyTheRootKeySaysWhatTimeItIs() throws Exception {
        start();
        var request = HttpRequest.newBuilder(server().uri().resolve("/clock")).POST(BodyPublishers.noBody());

        assertThat(client.send(request.build(), BodyHandlers.ofString()).statusCode())
                .isEqualTo(401);
    }
}
