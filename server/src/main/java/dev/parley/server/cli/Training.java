package dev.parley.server.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/**
 * A few requests of every common kind, so that a training run of the JVM's AOT cache sees the classes that serve them.
 * What they answer does not matter.
 */
final class Training {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final int ROUNDS = 50;

    private final HttpClient client;
    private final URI base;

    private Training(HttpClient client, URI base) {
        this.client = client;
        this.base = base;
    }

    static void run(URI base) throws InterruptedException {
        var client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(TIMEOUT)
                .build();
        try {
            new Training(client, base).requests();
        } catch (IOException e) {
            throw new StartException("The training run failed: " + e, e);
        } finally {
            client.shutdownNow();
        }
    }

    private void requests() throws IOException, InterruptedException {
        String stream = "/v1/stream/training";
        send("PUT", stream, BodyPublishers.ofString("[]"));
        for (int i = 0; i < ROUNDS; i++) {
            send("POST", stream, BodyPublishers.ofString("{\"n\":" + i + "}"));
            send("GET", stream + "?offset=-1", BodyPublishers.noBody());
        }
        send("HEAD", stream, BodyPublishers.noBody());
        send("GET", stream + "?offset=-1&live=long-poll", BodyPublishers.noBody());
        try (var events = client.send(
                        request("GET", stream + "?offset=-1&live=sse", BodyPublishers.noBody()),
                        BodyHandlers.ofInputStream())
                .body()) {
            events.read();
        }
        send("GET", "/health/ready", BodyPublishers.noBody());
        send("GET", "/metrics", BodyPublishers.noBody());
        send("DELETE", stream, BodyPublishers.noBody());
    }

    private void send(String method, String path, BodyPublisher body) throws IOException, InterruptedException {
        client.send(request(method, path, body), BodyHandlers.discarding());
    }

    private HttpRequest request(String method, String path, BodyPublisher body) {
        return HttpRequest.newBuilder(base.resolve(path))
                .timeout(TIMEOUT)
                .header("Content-Type", "application/json")
                .method(method, body)
                .build();
    }
}
