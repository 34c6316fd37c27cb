package dev.parley.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.server.config.ConfigLoader;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParleyServerTest {

    @Test
    void isNotReadyWhenItsEngineHasFailed(@TempDir Path folder) throws Exception {
        var config = new ConfigLoader()
                .flags(Map.of("server.port", "0", "data.dir", folder.toString()))
                .load();
        var server = ParleyServer.start(config);
        try (var client = HttpClient.newHttpClient()) {
            assertThat(ready(client, server)).isEqualTo(200);

            server.failure().complete(new IOException("a sync has failed"));

            assertThat(ready(client, server)).isEqualTo(503);
        } finally {
            server.stop();
        }
    }

    private static int ready(HttpClient client, ParleyServer server) throws IOException, InterruptedException {
        var request =
                HttpRequest.newBuilder(server.uri().resolve("/health/ready")).build();
        return client.send(request, BodyHandlers.discarding()).statusCode();
    }
}
