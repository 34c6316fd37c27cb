package dev.parley.client;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A real server in a process of its own, started from the jar through the launcher. */
public final class TestServer implements AutoCloseable {
    private static final Path ROOT = root(Path.of("").toAbsolutePath());
    private static final Pattern READY = Pattern.compile("^Parley is listening on (\\S+)$", Pattern.MULTILINE);
    private static final Duration START_TIMEOUT = Duration.ofSeconds(90);

    private final Path folder;
    private final List<String> settings;
    private @Nullable Process process;
    private String scheme = "http";
    private int port;

    private TestServer(List<String> settings) throws IOException {
        this.folder = Files.createTempDirectory("parley-client-test-");
        this.settings = settings;
        Runtime.getRuntime().addShutdownHook(new Thread(this::kill));
    }

    /** The folder of the launcher, above the one of the module whose tests run. */
    private static Path root(Path folder) {
        return Files.isExecutable(folder.resolve("parley"))
                ? folder
                : root(Objects.requireNonNull(folder.getParent(), "the folder of the launcher"));
    }

    /** Starts a server on an empty folder. {@code settings}: {@code name=value}. */
    public static TestServer start(String... settings) throws IOException {
        var server = new TestServer(List.of(settings));
        server.restart();
        return server;
    }

    /** Its address. */
    public URI uri() {
        return URI.create(scheme + "://127.0.0.1:" + port);
    }

    /** Where it listens. */
    public int port() {
        return port;
    }

    /** Starts the server on the folder and the port that it had. */
    public void restart() throws IOException {
        Path output = folder.resolve("stdout");
        Files.deleteIfExists(output);
        List<String> command = new ArrayList<>(List.of(
                ROOT.resolve("parley").toString(),
                "serve",
                "--host",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--data",
                folder.resolve("data").toString(),
                "--admin-api"));
        settings.forEach(setting -> command.addAll(List.of("--set", setting)));
        var builder = new ProcessBuilder(command)
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.appendTo(
                        folder.resolve("stderr").toFile()));
        builder.environment().put("PARLEY_SKIP_BUILD", "1");
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("PARLEY_JAVA_OPTS", "-Xmx384m");
        Process started = builder.start();
        process = started;
        await("the server to be ready")
                .atMost(START_TIMEOUT)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> {
                    if (!started.isAlive()) {
                        throw new IllegalStateException("The server has ended: " + log());
                    }
                    Matcher ready = READY.matcher(read(output));
                    if (ready.find()) {
                        URI uri = URI.create(ready.group(1));
                        scheme = uri.getScheme();
                        port = uri.getPort();
                        return true;
                    }
                    return false;
                });
    }

    private static String read(Path file) throws IOException {
        return Files.exists(file) ? Files.readString(file) : "";
    }

    /** Lets the server know no connection of earlier clients any more, while it is stopped. */
    public void forgetConnections() throws IOException {
        Files.delete(folder.resolve("data").resolve("connection.key"));
    }

    /** What it has written to its standard error. */
    public String log() throws IOException {
        return read(folder.resolve("stderr"));
    }

    /** Ends the server as a crash would. */
    public void kill() {
        end(true);
    }

    /** Ends the server in good order. */
    public void stop() {
        end(false);
    }

    private void end(boolean byForce) {
        Process running = process;
        if (running == null) {
            return;
        }
        process = null;
        var _ = byForce ? running.destroyForcibly() : destroy(running);
        try {
            if (!running.waitFor(Duration.ofSeconds(30))) {
                running.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Process destroy(Process running) {
        running.destroy();
        return running;
    }

    /** Makes an app with these namespaces, as in the body of {@code POST /apps}, and returns a key that may do everything. */
    public String newKey() throws IOException, InterruptedException {
        return newKey(HttpClient.newHttpClient());
    }

    /** The same over this client. */
    String newKey(HttpClient http) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(uri().resolve("/apps"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"keys\":[{}],\"namespaces\":[]}"))
                .build();
        var response = http.send(request, BodyHandlers.ofString());
        JsonNode app = Wire.MAPPER.readTree(response.body());
        return app.path("keys").path(0).path("keyStr").asString();
    }

    /** A client with a key of an app of its own. */
    public ParleyClient client() throws IOException, InterruptedException {
        return ParleyClient.of(options(uri(), newKey()).build());
    }

    /** Options of a client with this key. */
    public static ClientOptions.Builder options(URI uri, String key) {
        return ClientOptions.builder(uri)
                .credentials(Credentials.key(key))
                .clientId("tester")
                .backoff(Duration.ofMillis(50), Duration.ofMillis(500));
    }

    @Override
    public void close() {
        stop();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
