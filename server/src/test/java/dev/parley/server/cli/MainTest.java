package dev.parley.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program as its users meet it: a process with arguments, output, signals and an exit status. */
@Timeout(120)
class MainTest {

    private static final int SECONDS = 60;
    private static final Pattern LISTENING = Pattern.compile("^Parley is listening on (https?://\\S+)$");
    private static final String KEY = "app.reader:0123456789abcdef0123456789abcdef";

    @TempDir
    Path folder;

    private final List<Process> processes = new ArrayList<>();
    private final HttpClient client = HttpClient.newHttpClient();

    @AfterEach
    void close() {
        client.shutdownNow();
        processes.forEach(Process::destroyForcibly);
    }

    @Test
    void servesUntilItIsToldToStop() throws Exception {
        var server = serve();
        assertThat(server.greeting())
                .contains("root key", folder.resolve("data").resolve("root.key").toString())
                .contains("open to everybody on this machine")
                .contains("Try: curl -X PUT");
        String stream = server.uri() + "/v1/stream/hello";
        assertThat(send("PUT", stream, "[{\"hello\":\"world\"}]", null).statusCode())
                .isEqualTo(201);

        server.process().destroy();

        assertThat(server.process().waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(server.process().exitValue()).isZero();

        var again = serve();
        assertThat(again.greeting()).doesNotContain("root key");
        assertThat(send("GET", again.uri() + "/v1/stream/hello?offset=-1", "", null)
                        .body())
                .isEqualTo("[{\"hello\":\"world\"}]");
    }

    @Test
    void withKeysConfiguredEverybodyNeedsOne() throws Exception {
        Path config = Files.writeString(folder.resolve("parley.yaml"), """
                auth:
                  keys:
                    - key: %s
                      capability: {'public/*': [read]}
                """.formatted(KEY));
        var server = serve("--config", config.toString(), "--host", "0.0.0.0");
        String base = "http://localhost:" + URI.create(server.uri()).getPort() + "/v1/stream/";
        String root =
                Files.readString(folder.resolve("data").resolve("root.key")).strip();
        assertThat(server.greeting()).contains("curl -u").doesNotContain("open to everybody", root);

        assertThat(send("PUT", base + "public/x", "[]", null).statusCode()).isEqualTo(401);
        assertThat(send("PUT", base + "public/x", "[]", KEY).statusCode()).isEqualTo(403);
        assertThat(send("PUT", base + "public/x", "[]", root).statusCode()).isEqualTo(201);
        assertThat(send("GET", base + "public/x?offset=-1", "", KEY).statusCode())
                .isEqualTo(200);
        assertThat(send("GET", base + "private/x?offset=-1", "", KEY).statusCode())
                .isEqualTo(403);
    }

    @Test
    void trainsAndEnds() throws Exception {
        var ended = end(Map.of("PARLEY_TRAIN", "1"), "serve", "--port", "0", "--data", data());

        assertThat(ended.status()).describedAs(ended.err()).isZero();
        assertThat(ended.out()).containsPattern("(?m)" + LISTENING);
    }

    @Test
    void saysThatThePortIsInUse() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            int port = taken.getLocalPort();

            var ended = end(Map.of(), "serve", "--port", String.valueOf(port), "--data", data());

            assertThat(ended.status()).isEqualTo(1);
            assertThat(ended.err())
                    .contains("parley: Parley cannot listen on 127.0.0.1 port " + port + ": Address already in use")
                    .doesNotContain("\tat ");
        }
    }

    @Test
    void saysWhichFileOfTheConfigurationCannotBeUsed() throws Exception {
        String missing = folder.resolve("missing.pem").toString();
        Path text = Files.writeString(folder.resolve("text.pem"), "no PEM at all");
        Path latin = Files.write(folder.resolve("latin.yaml"), new byte[] {'a', ':', ' ', (byte) 0xE4});

        assertRefused(2, "tls.cert: there is no file " + missing, "--tls-cert", missing, "--tls-key", missing);
        assertRefused(2, "tls.key: " + folder + " is a folder", "--tls-cert", text + "", "--tls-key", folder + "");
        assertRefused(1, "files of tls.cert and tls.key", "--tls-cert", text + "", "--tls-key", text + "");
        assertRefused(2, "there is no file " + missing, "--config", missing);
        assertRefused(2, folder + " is a folder", "--config", folder.toString());
        assertRefused(2, latin + " is not text in UTF-8", "--config", latin.toString());
    }

    private void assertRefused(int status, String why, String... options) throws Exception {
        var arguments = new ArrayList<>(List.of("serve", "--port", "0", "--data", data()));
        arguments.addAll(List.of(options));
        var ended = end(Map.of(), arguments.toArray(String[]::new));
        assertThat(ended.err()).contains("parley: ", why).doesNotContain("\tat ", "--host and --port", "Exception");
        assertThat(ended.status()).isEqualTo(status);
    }

    @Test
    void logsWhatItIsWhereItsDataIsAndWhereItListens() throws Exception {
        var server = serve();
        assertThat(server.err())
                .anySatisfy(line -> assertThat(line).contains("Parley ", " " + data() + " ", server.uri()));
        // As soon as it says that it listens, a signal ends it in good order.
        server.process().destroy();
        assertThat(server.process().waitFor()).isZero();
    }

    @Test
    void saysThatTheDataIsInUse() throws Exception {
        serve();

        var ended = end(Map.of(), "serve", "--port", "0", "--data", data());

        assertThat(ended.status()).isEqualTo(1);
        assertThat(ended.err()).contains("is in use by another Parley server").doesNotContain("\tat ");
    }

    @Test
    void refusesAWrongConfigurationWithOneLine() throws Exception {
        var ended = end(Map.of("PARLEY_SERVER_PORT", "x"), "serve", "--data", data());

        assertThat(ended.status()).isEqualTo(2);
        assertThat(ended.err()).isEqualTo("parley: PARLEY_SERVER_PORT: 'x' is no whole number\n");
        assertThat(Path.of(data())).doesNotExist();
    }

    @Test
    void refusesToServeTheNetworkWithoutKeys() throws Exception {
        var ended = end(Map.of(), "serve", "--host", "0.0.0.0", "--port", "0", "--data", data());

        assertThat(ended.status()).isEqualTo(2);
        assertThat(ended.err()).contains("auth.keys", "--insecure-no-auth").doesNotContain("\tat ");
    }

    @Test
    void servesTheNetworkWithoutKeysWhenTold() throws Exception {
        assertThat(serve("--host", "0.0.0.0", "--insecure-no-auth").greeting()).contains("WARNING");
    }

    @Test
    void logsJsonWhenTold() throws Exception {
        var server = serve("--log-format", "json");
        server.process().destroy();
        server.process().waitFor();

        assertThat(server.err())
                .isNotEmpty()
                .allSatisfy(
                        line -> assertThat(line).startsWith("{\"timestamp\":").endsWith("}"));
    }

    @Test
    void knowsItsCommands() throws Exception {
        assertThat(end(Map.of(), "version").out()).startsWith("Parley ");
        assertThat(end(Map.of(), "--version").out()).startsWith("Parley ");
        assertThat(end(Map.of(), "help", "serve").out()).contains("--insecure-no-auth");
        assertThat(end(Map.of(), "fly").status()).isEqualTo(2);
    }

    private record Ended(int status, String out, String err) {}

    private record Server(Process process, String uri, String greeting, Path errors) {

        List<String> err() throws IOException {
            return Files.readAllLines(errors);
        }
    }

    private String data() {
        return folder.resolve("data").toString();
    }

    private Server serve(String... more) throws IOException {
        var arguments = new ArrayList<>(List.of("serve", "--port", "0", "--data", data()));
        arguments.addAll(List.of(more));
        Path errors = Files.createTempFile(folder, "server", ".err");
        Process process = start(Map.of(), errors, arguments);
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        var greeting = new StringBuilder();
        String uri = "";
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            Matcher listening = LISTENING.matcher(line);
            if (listening.matches()) {
                uri = listening.group(1);
            }
            greeting.append(line).append('\n');
            if (line.stripLeading().startsWith("curl")) {
                return new Server(process, uri, greeting.toString(), errors);
            }
        }
        throw new AssertionError("The server ended: " + greeting + Files.readString(errors));
    }

    private Ended end(Map<String, String> environment, String... arguments) throws IOException, InterruptedException {
        Path errors = Files.createTempFile(folder, "ended", ".err");
        Process process = start(environment, errors, List.of(arguments));
        try (InputStream out = process.getInputStream()) {
            String text = new String(out.readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
            return new Ended(process.exitValue(), text, Files.readString(errors));
        }
    }

    private Process start(Map<String, String> environment, Path errors, List<String> arguments) throws IOException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // The flags of this JVM are those of production, but for what belongs to the test run.
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> !flag.startsWith("-D") && !flag.startsWith("-javaagent"))
                .forEach(command::add);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(arguments);
        var builder = new ProcessBuilder(command).redirectError(errors.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("PARLEY_"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private HttpResponse<String> send(String method, String uri, String body, @Nullable String key)
            throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(uri))
                .header("Content-Type", "application/json")
                .method(method, BodyPublishers.ofString(body));
        if (key != null) {
            request.header("Authorization", "Bearer " + key);
        }
        return client.send(request.build(), BodyHandlers.ofString());
    }
}
