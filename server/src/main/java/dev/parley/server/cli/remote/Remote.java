package dev.parley.server.cli.remote;

import dev.parley.server.http.Urls;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Which server a command asks, with whose key, and how it writes what it is told. */
final class Remote {
    static final JsonMapper JSON = JsonMapper.shared();

    private static final PrintStream OUT =
            new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);

    private static final String USUAL_URL = "http://127.0.0.1:4437";

    /** Longer than a long-poll and than a checkpoint. */
    private static final Duration TIMEOUT = Duration.ofMinutes(10);

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

    /** The longest part of an answer that is shown if it is no error in a form that we know. */
    private static final int MAX_SHOWN = 200;

    @Option(
            names = "--url",
            paramLabel = "URL",
            description = "Address of the server. Without it PARLEY_URL, or " + USUAL_URL + ".")
    private @Nullable String url;

    @Option(
            names = "--key-file",
            paramLabel = "FILE",
            description =
                    "File with a key or a token. Without it PARLEY_KEY, or root.key in the data folder, if it can be read.")
    private @Nullable Path keyFile;

    @Option(names = "--json", description = "Write JSON, one object on each line.")
    private boolean json;

    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_TIMEOUT)
            .build();

    boolean json() {
        return json;
    }

    /** Writes a line: as JSON if that is wanted, or for people. */
    void write(JsonNode asJson, String forPeople) {
        OUT.println(json ? asJson.toString() : forPeople);
    }

    /**
     * Writes a line for each of a list, all of its pages.
     *
     * @param target path and query
     * @param name the field of the list in an answer
     * @param forPeople how one of the list is written for people
     */
    void list(String target, String name, Function<JsonNode, String> forPeople) {
        String cursor = null;
        do {
            JsonNode page = get(
                    cursor == null
                            ? target
                            : target + (target.indexOf('?') < 0 ? '?' : '&') + "cursor=" + Urls.escaped(cursor));
            for (JsonNode listed : page.path(name)) {
                write(listed, forPeople.apply(listed));
            }
            cursor = page.path("next").stringValue(null);
        } while (cursor != null);
    }

    /** Standard output, in UTF-8 whatever the locale is: JSON is nothing else. */
    static PrintStream out() {
        return OUT;
    }

    /** The folder in which a server on this machine keeps its data, unless it was told otherwise on its command line. */
    static Path dataFolder() {
        String named = System.getenv("PARLEY_DATA_DIR");
        return Path.of(named == null || named.isEmpty() ? "parley-data" : named);
    }

    URI base() {
        String given = url == null ? System.getenv("PARLEY_URL") : url;
        String address = given == null || given.isEmpty() ? USUAL_URL : given;
        try {
            URI uri = URI.create(address.endsWith("/") ? address.substring(0, address.length() - 1) : address);
            if (uri.getHost() != null) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            throw new RemoteException("'" + address + "' is no address of a server, such as " + USUAL_URL, e);
        }
        throw new RemoteException("'" + address + "' is no address of a server, such as " + USUAL_URL);
    }

    /** The key or token; null if there is none. */
    @Nullable
    String credentials() {
        if (keyFile != null) {
            return read(keyFile);
        }
        String key = System.getenv("PARLEY_KEY");
        if (key != null && !key.isBlank()) {
            return key.strip();
        }
        Path root = dataFolder().resolve("root.key");
        return Files.isReadable(root) ? read(root) : null;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new RemoteException("The key in " + file + " cannot be read: " + e, e);
        }
    }

    /** A request to a path of the server, with the credentials. */
    HttpRequest.Builder request(String path) {
        return request(URI.create(base() + path));
    }

    HttpRequest.Builder request(URI address) {
        var request = HttpRequest.newBuilder(address).timeout(TIMEOUT);
        String credentials = credentials();
        if (credentials != null) {
            // A key has a colon, and a token has none.
            request.header(
                    "Authorization",
                    credentials.indexOf(':') < 0
                            ? "Bearer " + credentials
                            : "Basic "
                                    + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8)));
        }
        return request;
    }

    /** Sends a request and returns the answer, whatever its status is. */
    HttpResponse<byte[]> send(HttpRequest request) throws IOException {
        try {
            return client.send(request, BodyHandlers.ofByteArray());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RemoteException("interrupted", e);
        }
    }

    /** Sends a request and returns its answer. Everything but success ends the command with the server's own words. */
    HttpResponse<byte[]> ask(HttpRequest.Builder request) {
        HttpResponse<byte[]> answer;
        try {
            answer = send(request.build());
        } catch (IOException e) {
            throw new RemoteException(
                    "No server answers at " + base() + " (" + e + "). Start one, or name it with --url or PARLEY_URL.",
                    e);
        }
        if (answer.statusCode() >= 300) {
            throw refused(answer);
        }
        return answer;
    }

    JsonNode get(String path) {
        return tree(ask(request(path)));
    }

    JsonNode post(String path, JsonNode body) {
        return tree(ask(request(path)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body.toString()))));
    }

    static JsonNode tree(HttpResponse<byte[]> answer) {
        try {
            return JSON.readTree(answer.body());
        } catch (JacksonException e) {
            throw new RemoteException(answer.uri() + " does not answer as Parley does: " + text(answer), e);
        }
    }

    static RemoteException refused(HttpResponse<byte[]> answer) {
        return new RemoteException(reason(answer) + " (HTTP " + answer.statusCode() + ")");
    }

    /** What an error says; each door has its own form. */
    private static String reason(HttpResponse<byte[]> answer) {
        JsonNode body;
        try {
            body = JSON.readTree(answer.body());
        } catch (JacksonException e) {
            return text(answer);
        }
        JsonNode error = body.path("error");
        String message =
                error.isString() ? error.stringValue() : error.path("message").stringValue("");
        return message.isEmpty() ? text(answer) : message;
    }

    private static String text(HttpResponse<byte[]> answer) {
        String text = new String(answer.body(), StandardCharsets.UTF_8);
        return text.isBlank() ? "no more was said" : text.substring(0, Math.min(text.length(), MAX_SHOWN));
    }
}
