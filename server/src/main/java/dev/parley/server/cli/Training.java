package dev.parley.server.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Makes requests of every common kind, and many writes with a reader, so that a training run of the JVM's AOT cache sees
 * the classes that serve them. The answers do not matter. The cache keeps no profile of the run; bench/RESULTS.md says
 * why.
 */
final class Training {

    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final int ROUNDS = 50;
    private static final int WRITES = 10_000;

    /** The launcher shows lines that begin with this text. */
    private static final String PROGRESS = "Training: ";

    private static final int PARTS = 4;

    private final HttpClient client;
    private final URI base;
    private final String key;

    private Training(HttpClient client, URI base, String key) {
        this.client = client;
        this.base = base;
        this.key = key;
    }

    static void run(URI base, Path keyFile) throws InterruptedException {
        var client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(TIMEOUT)
                .build();
        try {
            new Training(client, base, Files.readString(keyFile).strip()).all();
        } catch (IOException e) {
            throw new StartException("The training run failed: " + e, e);
        } finally {
            client.shutdownNow();
        }
    }

    private void all() throws IOException, InterruptedException {
        streams();
        session();
        send("GET", "/health/ready", BodyPublishers.noBody());
        send("GET", "/metrics", BodyPublishers.noBody());
    }

    private void streams() throws IOException, InterruptedException {
        String stream = "/v1/stream/training";
        send("PUT", stream, BodyPublishers.ofString("[]"));
        for (int i = 0; i < ROUNDS; i++) {
            send("POST", stream, BodyPublishers.ofString("{\"n\":" + i + "}"));
            send("GET", stream + "?offset=-1", BodyPublishers.noBody());
        }
        send("HEAD", stream, BodyPublishers.noBody());
        send("GET", stream + "?offset=-1&live=long-poll", BodyPublishers.noBody());
        var reader = client.sendAsync(
                request("GET", stream + "?offset=-1&live=sse", BodyPublishers.noBody()), BodyHandlers.discarding());
        for (int i = 0; i < WRITES; i++) {
            send("POST", stream, BodyPublishers.ofString("{\"n\":" + i + "}"));
            tell(i + 1);
        }
        // This ends the read as well.
        send("DELETE", stream, BodyPublishers.noBody());
        reader.join();
    }

    private static void tell(int writes) {
        if (writes % (2 * WRITES / PARTS) == 0) {
            System.out.println(PROGRESS + 100 * writes / (2 * WRITES) + " %");
        }
    }

    /** A client that publishes messages, and receives them. */
    private void session() throws InterruptedException {
        var acknowledged = new Semaphore(0);
        URI address = URI.create("ws" + base.toString().substring("http".length()) + "/?v=6&format=json&key=" + key);
        WebSocket socket = client.newWebSocketBuilder()
                .buildAsync(address, new Acknowledged(acknowledged))
                .join();
        socket.sendText("{\"action\":10,\"channel\":\"training\"}", true).join();
        for (int i = 0; i < WRITES; i++) {
            String message =
                    "{\"action\":15,\"channel\":\"training\",\"msgSerial\":" + i + ",\"messages\":[{\"data\":\"x\"}]}";
            socket.sendText(message, true).join();
            if (!acknowledged.tryAcquire(TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                throw new StartException("The training run got no answer to a message", null);
            }
            tell(WRITES + i + 1);
        }
        socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
    }

    /** Counts the acknowledgements among the frames. */
    private static final class Acknowledged implements WebSocket.Listener {
        private final Semaphore count;
        private final StringBuilder frame = new StringBuilder();

        Acknowledged(Semaphore count) {
            this.count = count;
        }

        @Override
        public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
            frame.append(part);
            if (last) {
                if (frame.indexOf("{\"action\":1,") == 0) {
                    count.release();
                }
                frame.setLength(0);
            }
            socket.request(1);
            return null;
        }
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
