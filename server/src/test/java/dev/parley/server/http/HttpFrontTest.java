package dev.parley.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.server.config.Config;
import dev.parley.server.config.ConfigLoader;
import dev.parley.server.ops.Health;
import dev.parley.server.ops.Metrics;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class HttpFrontTest {

    private static final int SECONDS = 20;

    private final Vertx vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(true));
    private final Metrics metrics = new Metrics();
    private final Health health = new Health();
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private int port;

    @AfterEach
    void close() throws Exception {
        client.shutdownNow();
        await(vertx.close());
        metrics.close();
    }

    private HttpFront start(Map<String, String> settings) throws Exception {
        var all = new HashMap<>(settings);
        all.putIfAbsent("server.port", "0");
        all.putIfAbsent("server.event-loops", "2");
        Config config = new ConfigLoader().flags(all).load();
        var front =
                new HttpFront(vertx, config, config.memory(Runtime.getRuntime().maxMemory()), health, metrics);
        port = await(front.start());
        return front;
    }

    private HttpFront startReady(Map<String, String> settings) throws Exception {
        HttpFront front = start(settings);
        front.open(List.of(new TestDoor("/"), new TestDoor("/v1/"), new TestDoor("/v1/long/")), null);
        health.become(Health.State.READY);
        return front;
    }

    private static <T> T await(Future<T> future) throws Exception {
        return future.toCompletionStage().toCompletableFuture().get(SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void answersHealthChecksInEveryState() throws Exception {
        start(Map.of());

        assertThat(get("/health/live").statusCode()).isEqualTo(200);
        assertThat(get("/health/ready").statusCode()).isEqualTo(503);
        assertThat(get("/v1/x").statusCode()).isEqualTo(503);
        assertThat(get("/v1/x").headers().firstValue("Retry-After")).contains("1");

        health.become(Health.State.READY);
        assertThat(get("/health/ready").statusCode()).isEqualTo(200);
        assertThat(get("/health").statusCode()).isEqualTo(200);

        health.become(Health.State.FAILED);
        health.become(Health.State.READY);
        assertThat(get("/health/ready").statusCode()).isEqualTo(503);
        assertThat(get("/health/live").statusCode()).isEqualTo(200);
    }

    @Test
    void headOfHealthAndMetricsIsGetWithoutABody() throws Exception {
        startReady(Map.of());
        for (String path : List.of("/health/live", "/health/ready", "/health", "/metrics")) {
            String answer = raw("HEAD " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            assertThat(answer)
                    .as(path)
                    .startsWith("HTTP/1.1 200")
                    .containsIgnoringCase("content-length: ")
                    .endsWith("\r\n\r\n");
            assertThat(answer.toLowerCase(Locale.ROOT))
                    .contains("content-type: "
                            + get(path).headers().firstValue("Content-Type").orElseThrow());
        }
    }

    @Test
    void showsMetricsUnlessTheyAreOff() throws Exception {
        startReady(Map.of());
        assertThat(get("/metrics").body()).contains("jvm_memory_used_bytes", "parley_http_connections 1.0");
    }

    @Test
    void countsRequestsThatAreOver() throws Exception {
        startReady(Map.of());
        get("/v1/a");
        get("/v1/fail");
        get("/v1/fail");
        raw("INVENTED /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        try (var live = connect()) {
            send(live, "GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
            readUntil(live.getInputStream(), "begin ");
            assertThat(requests())
                    .containsExactlyInAnyOrder(
                            "{door=\"/v1/\",method=\"GET\",status=\"200\"} 1.0",
                            "{door=\"/v1/\",method=\"GET\",status=\"500\"} 2.0",
                            "{door=\"/\",method=\"other\",status=\"200\"} 1.0");
        }
        // The server hears a little later that the reader has gone.
        while (!requests().contains("{door=\"/\",method=\"GET\",status=\"200\"} 1.0")) {
            Thread.onSpinWait();
        }
    }

    private List<String> requests() throws Exception {
        String name = "parley_http_requests_total";
        return get("/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith(name))
                .map(line -> line.substring(name.length()))
                .toList();
    }

    @Test
    void hidesMetricsThatAreOff() throws Exception {
        start(Map.of("metrics.enabled", "false"));
        health.become(Health.State.READY);
        assertThat(get("/metrics").statusCode()).isEqualTo(404);
    }

    @Test
    void theLongestPrefixOfTheUndecodedPathDecides() throws Exception {
        startReady(Map.of());

        assertThat(get("/v1/a%2Fb?x=%20").body()).isEqualTo("/v1/ HTTP_1_1 /v1/a%2Fb?x=%20 ");
        assertThat(get("/v1/long/x").body()).startsWith("/v1/long/ ");
        assertThat(get("/v1%2Flong/x").body()).startsWith("/ ");
        assertThat(raw("GET /v1/long/../x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .endsWith("/v1/long/ HTTP_1_1 /v1/long/../x ");
    }

    @Test
    void whatNobodyServesIsNotFound() throws Exception {
        HttpFront front = start(Map.of());
        front.open(List.of(new TestDoor("/v1/")), null);
        health.become(Health.State.READY);

        HttpResponse<String> response = get("/v2/x");

        assertThat(response.statusCode()).isEqualTo(404);
        assertThat(response.body())
                .isEqualTo("{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"Nothing is served here.\"}}");
    }

    @Test
    void aDoorThatFailsIsAnInternalError() throws Exception {
        startReady(Map.of());

        assertThat(get("/v1/fail").statusCode()).isEqualTo(500);
        assertThat(get("/v1/x").statusCode()).isEqualTo(200);
    }

    @Test
    void refusesWhatIsTooLong() throws Exception {
        startReady(Map.of("limits.url-bytes", "256", "limits.header-bytes", "1024"));

        assertThat(get("/" + "x".repeat(300)).statusCode()).isEqualTo(414);
        assertThat(raw("GET / HTTP/1.1\r\nHost: x\r\nX: " + "x".repeat(1_100) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 431 ");
        assertThat(raw("nonsense\r\n\r\n")).startsWith("HTTP/1.0 400 ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "G",
                "GET /x HTTP/1.1\r\nHost: x\r\nX",
                "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx",
                "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
                "GET /x HTTP/1.1\r\nHost: x\r\n\r\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            })
    void closesConnectionsThatSendTooSlowlyOrNothing(String beginning) throws Exception {
        startReady(Map.of("limits.request-timeout", "200", "limits.idle-timeout", "200"));

        assertThat(raw(beginning)).doesNotContain("500");
    }

    @Test
    void aBodyMayTakeLongAsLongAsItGoesOnArriving() throws Exception {
        startReady(Map.of("limits.request-timeout", "2000"));
        try (var socket = connect()) {
            send(socket, "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
            long start = System.nanoTime();
            while (System.nanoTime() - start < TimeUnit.SECONDS.toNanos(5)) {
                send(socket, "1\r\nx\r\n");
                Thread.sleep(50);
            }
            send(socket, "3\r\nend\r\n0\r\n\r\n");
            assertThat(readUntil(socket.getInputStream(), "end")).startsWith("HTTP/1.1 200 OK");
        }
    }

    @Test
    void saysThatABodyHasCeasedToCome() throws Exception {
        startReady(Map.of("limits.request-timeout", "200"));

        assertThat(raw("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx"))
                .startsWith("HTTP/1.1 408 ")
                .contains("\"code\":\"REQUEST_TIMEOUT\"");
    }

    @ParameterizedTest
    @CsvSource({
        "POST /x HTTP/1.1, Host: x|Transfer-Encoding: gzip, 501",
        "POST /x HTTP/1.1, Host: x|Transfer-Encoding: gzip|Content-Length: 3, 501",
        "'POST /x HTTP/1.1', 'Host: x|Transfer-Encoding: gzip, chunked', 501",
        "POST /x HTTP/1.1, Host: x|Transfer-Encoding: xchunked, 501",
        "POST /x HTTP/1.1, Host: x|Transfer-Encoding: chunked|Transfer-Encoding: identity, 400",
        "POST /x HTTP/1.0, Host: x|Transfer-Encoding: identity, 400",
        "POST /x HTTP/1.1, Host: x|Content-Length: 1|Content-Length: 2, 400",
        "'POST /x HTTP/1.1', 'Host: x|Content-Length: 1, 2', 400",
        "GET /x HTTP/1.1, Host: x|Host: y, 400",
        "GET /x HTTP/1.1, Host: x|Host: x, 400",
        "GET /x HTTP/1.0, Host: x|Host: y, 400",
        "GET /x HTTP/1.1, Accept: */*, 400",
        "GET /x HTTP/1.1, Host: x y, 400",
        "GET /x HTTP/1.1, Host: x:port, 400"
    })
    void whatCanBeReadInTwoWaysEndsTheConnection(String line, String headers, int status) throws Exception {
        startReady(Map.of());
        String inside = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

        String answer = raw(line + "\r\n" + headers.replace("|", "\r\n") + "\r\n\r\n" + inside);

        assertThat(answer).containsPattern("^HTTP/1\\.[01] " + status + " ").doesNotContain("smuggled");
    }

    /** One of them is to be ignored, and then nothing of this connection is to be trusted any more. */
    @Test
    void twoFramingsOfOneBodyEndTheConnectionAfterIt() throws Exception {
        startReady(Map.of());

        String head = "POST /x HTTP/1.1|Host: x|Content-Length: 3|Transfer-Encoding: chunked||";
        String inside = "0||GET /smuggled HTTP/1.1|Host: x||";
        String answer = raw((head + inside).replace("|", "\r\n"));

        assertThat(answer).startsWith("HTTP/1.1 ").doesNotContain("smuggled");
    }

    @Test
    void anEmptyHostIsFine() throws Exception {
        startReady(Map.of());
        assertThat(raw("GET /x HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n")).startsWith("HTTP/1.1 200 ");
        assertThat(raw("GET /x HTTP/1.0\r\n\r\n")).startsWith("HTTP/1.0 200 ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/%", "/%4", "/%zz", "/x?a=%", "/x?a=%4g&b=1", "/x?%", "/v1/%C3%"})
    void anEscapeThatIsNoneIsABadRequest(String target) throws Exception {
        startReady(Map.of());
        assertThat(raw("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ")
                .contains("INVALID_ESCAPE");
    }

    @ParameterizedTest
    @CsvSource({"gzip, 415", "br, 415", "'identity, gzip', 415", "nonsense, 415", "identity, 200", "Identity, 200"})
    void bodiesAreNotDecoded(String encoding, int status) throws Exception {
        startReady(Map.of());
        assertThat(raw("POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\nContent-Encoding: "
                        + encoding + "\r\n\r\nx"))
                .startsWith("HTTP/1.1 " + status);
    }

    @Test
    void pagesLearnWhyTheirRequestCouldNotBeRead() throws Exception {
        startReady(
                Map.of("limits.url-bytes", "256", "limits.header-bytes", "1024", "cors.origins", "https://a.example"));
        String large = "X: " + "x".repeat(1_100) + "\r\n\r\n";

        assertThat(raw("GET / HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n" + large))
                .startsWith("HTTP/1.1 431 ")
                .contains("access-control-allow-origin: https://a.example");
        assertThat(raw("nonsense\r\n\r\n"))
                .startsWith("HTTP/1.0 400 ")
                .contains("access-control-allow-origin: https://a.example");
    }

    @Test
    void anyPageLearnsThatItsUrlIsTooLong() throws Exception {
        startReady(Map.of("limits.url-bytes", "256"));
        assertThat(raw("GET /" + "x".repeat(300) + " HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\n"))
                .startsWith("HTTP/1.0 414 ")
                .contains("access-control-allow-origin: *");
    }

    /** A byte now and then must not help where the rate asks for more. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /x HTTP/1.1\r\nHost: x\r\nX: ",
                "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
            })
    void closesConnectionsThatDripOn(String beginning) throws Exception {
        startReady(Map.of(
                "limits.request-timeout", "200", "limits.header-bytes", "1048576", "limits.body-rate", "100000"));
        try (var socket = connect()) {
            socket.getOutputStream().write(beginning.getBytes(StandardCharsets.US_ASCII));
            socket.setSoTimeout(10);
            boolean closed = false;
            while (!closed) {
                try {
                    socket.getOutputStream().write('x');
                    closed = socket.getInputStream().read() < 0;
                } catch (SocketTimeoutException e) {
                    // Not yet: drip on.
                    closed = false;
                } catch (SocketException e) {
                    closed = true;
                }
            }
        }
    }

    @Test
    void leavesLiveReadsAloneUntilItStops() throws Exception {
        HttpFront front = startReady(Map.of("limits.request-timeout", "100", "limits.idle-timeout", "100"));
        try (var live = connect()) {
            send(live, "GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
            assertThat(readUntil(live.getInputStream(), "begin ")).startsWith("HTTP/1.1 200 OK");
            // Three that come later are closed, one after the other: the live read is older than any limit then.
            for (int i = 0; i < 3; i++) {
                raw("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
            }

            health.become(Health.State.DRAINING);
            Future<Void> stopped = front.stop();

            assertThat(readAll(live.getInputStream())).contains("end");
            await(stopped);
        }
    }

    @Test
    void aStoppedFrontAcceptsNobody() throws Exception {
        HttpFront front = startReady(Map.of());
        get("/x");

        await(front.stop());

        assertThatIOException().isThrownBy(this::connect);
    }

    @Test
    void closesWhatIsLeftAfterTheDrainTimeout() throws Exception {
        HttpFront front = start(Map.of("server.drain-timeout", "100"));
        front.open(List.of(new StubbornDoor()), null);
        health.become(Health.State.READY);
        try (var live = connect()) {
            send(live, "GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
            readUntil(live.getInputStream(), "begin ");

            await(front.stop());

            assertThat(readAll(live.getInputStream())).doesNotContain("end");
        }
    }

    @Test
    void closesConnectionsBeyondTheLimit() throws Exception {
        startReady(Map.of("limits.connections", "1"));
        try (var first = connect()) {
            send(first, "GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
            readUntil(first.getInputStream(), "begin ");

            assertThat(raw("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")).isIn("", "[reset]");
        }
    }

    @Test
    void speaksHttp2InClear() throws Exception {
        startReady(Map.of());
        try (var http2 =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
            assertThat(get(http2, "http", "/x").body()).isEqualTo("/ HTTP_2 /x ");
        }
    }

    @Test
    void speaksHttp1AndHttp2OverTls(@TempDir Path folder) throws Exception {
        var identity = TlsIdentity.make(folder);
        startReady(Map.of(
                "tls.cert", identity.cert().toString(),
                "tls.key", identity.key().toString()));
        for (var version : HttpClient.Version.values()) {
            try (var tls = HttpClient.newBuilder()
                    .version(version)
                    .sslContext(identity.trustingContext())
                    .build()) {
                assertThat(get(tls, "https", "/x").body()).isEqualTo("/ " + version + " /x ");
            }
        }
    }

    @Test
    void aRenewedCertificateIsForNewConnections(@TempDir Path folder) throws Exception {
        var old = TlsIdentity.make(Files.createDirectory(folder.resolve("old")));
        var renewed = TlsIdentity.make(Files.createDirectory(folder.resolve("renewed")));
        Path cert = Files.copy(old.cert(), folder.resolve("cert.pem"));
        Path key = Files.copy(old.key(), folder.resolve("key.pem"));
        startReady(Map.of(
                "tls.cert", cert.toString(),
                "tls.key", key.toString(),
                "tls.reload-interval", "10ms"));
        List<Socket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < 100; i++) {
                var socket =
                        old.trustingContext().getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port);
                sockets.add(socket);
                send(socket, "GET /before HTTP/1.1\r\nHost: x\r\n\r\n");
                readUntil(socket.getInputStream(), "/ HTTP_1_1 /before ");
            }

            Files.copy(renewed.cert(), cert, StandardCopyOption.REPLACE_EXISTING);
            for (int i = 0; i < 20; i++) {
                assertThat(shows(old)).as("half renewed").isTrue();
            }
            Files.copy(renewed.key(), key, StandardCopyOption.REPLACE_EXISTING);
            while (!shows(renewed)) {
                assertThat(shows(old) || shows(renewed)).isTrue();
            }

            assertThat(shows(old)).isFalse();
            for (var socket : sockets) {
                send(socket, "GET /after HTTP/1.1\r\nHost: x\r\n\r\n");
                readUntil(socket.getInputStream(), "/ HTTP_1_1 /after ");
            }
        } finally {
            for (var socket : sockets) {
                socket.close();
            }
        }
    }

    /** Whether a new connection gets the certificate of {@code identity}. */
    private boolean shows(TlsIdentity identity) throws IOException {
        try (var socket = (SSLSocket)
                identity.trustingContext().getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port)) {
            socket.startHandshake();
            return true;
        } catch (SSLHandshakeException e) {
            return false;
        }
    }

    @Test
    void aKeyOfAnotherCertificateIsNoReasonToStart(@TempDir Path folder) throws Exception {
        var one = TlsIdentity.make(Files.createDirectory(folder.resolve("one")));
        var other = TlsIdentity.make(Files.createDirectory(folder.resolve("other")));

        assertThatThrownBy(() -> start(Map.of(
                        "tls.cert", one.cert().toString(),
                        "tls.key", other.key().toString())))
                .hasMessageContaining("the key is not that of the certificate");
    }

    @Test
    void answersExpectContinue() throws Exception {
        startReady(Map.of());

        var response = client.send(
                HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/x"))
                        .expectContinue(true)
                        .POST(BodyPublishers.ofString("body"))
                        .build(),
                BodyHandlers.ofString());

        assertThat(response.body()).endsWith(" body");
    }

    private HttpResponse<String> get(String path) throws Exception {
        return get(client, "http", path);
    }

    private HttpResponse<String> get(HttpClient client, String scheme, String path) throws Exception {
        var uri = URI.create("%s://localhost:%d%s".formatted(scheme, port, path));
        return client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
    }

    private Socket connect() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), port);
    }

    /** Sends, and reads until the server closes the connection. */
    private String raw(String request) throws IOException {
        try (var socket = connect()) {
            send(socket, request);
            return readAll(socket.getInputStream());
        }
    }

    private static void send(Socket socket, String request) throws IOException {
        socket.setSoTimeout(SECONDS * 1_000);
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    }

    private static String readAll(InputStream in) throws IOException {
        var read = new StringBuilder();
        try {
            for (int b = in.read(); b >= 0; b = in.read()) {
                read.append((char) b);
            }
        } catch (SocketException e) {
            read.append("[reset]");
        }
        return read.toString();
    }

    private static String readUntil(InputStream in, String end) throws IOException {
        var read = new StringBuilder();
        while (read.indexOf(end) < 0) {
            int b = in.read();
            assertThat(b).describedAs("after: " + read).isNotNegative();
            read.append((char) b);
        }
        return read.toString();
    }

    /** Never ends its live reads. */
    private static final class StubbornDoor implements Door {

        private final TestDoor door = new TestDoor("/");

        @Override
        public String prefix() {
            return door.prefix();
        }

        @Override
        public void handle(HttpServerRequest request) {
            door.handle(request);
        }

        @Override
        public Future<Void> drain() {
            return Future.succeededFuture();
        }
    }
}
