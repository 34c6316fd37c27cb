package dev.parley.server.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.server.time.NodeClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The places among the requests in progress: who takes one, and that each comes back. */
@Timeout(60)
class RestPlacesTest {
    /** More than there are places (RequestsInProgress.MAX_IN_PROGRESS). */
    private static final int MANY = 520;

    @TempDir
    private Path folder;

    @Test
    void bodiesThatNeverComeTakeNoPlace() throws Exception {
        List<Socket> silent = new ArrayList<>();
        try (var server = new TestServer(folder)) {
            int port = URI.create(server.url("/")).getPort();
            for (int i = 0; i < MANY; i++) {
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
                silent.add(socket);
                socket.getOutputStream()
                        .write(
                                "POST /keys/app.admin/requestToken HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n{"
                                        .getBytes(StandardCharsets.US_ASCII));
            }

            assertThat(server.get("/channels/room").status()).isEqualTo(200);
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }

    /** Who asks for much and reads nothing of it takes memory from those who do the same, and no place from anybody. */
    @Test
    void answersThatNobodyReadsHaveABound() throws Exception {
        List<Socket> silent = new ArrayList<>();
        var settings = Map.of("limits.chunk-bytes", "6000000", "limits.response-bytes", "10000000");
        try (var server = new TestServer(folder, NodeClock.system(Duration.ZERO), settings)) {
            for (int i = 0; i < 100; i++) {
                String message = "{\"data\":\"" + "x".repeat(60_000) + "\"}";
                assertThat(server.post("/channels/room/messages", message).status())
                        .isEqualTo(201);
            }
            int port = URI.create(server.url("/")).getPort();
            String basic = Base64.getEncoder().encodeToString(TestServer.ADMIN.getBytes(StandardCharsets.US_ASCII));
            // Half of the memory is for one app, or one answer that is larger.
            Socket socket = new Socket();
            silent.add(socket);
            socket.setReceiveBufferSize(8 << 10);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            socket.getOutputStream()
                    .write(("GET /channels/room/messages?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + basic
                                    + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            await().untilAsserted(
                            () -> assertThat(server.memory.answers().held()).isGreaterThan(5_000_000));

            TestServer.Answer refused = server.get("/channels/room/messages?limit=100");

            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.errorCode()).isEqualTo(80003);
            assertThat(refused.header("Retry-After")).isEqualTo("1");
            assertThat(server.send(HttpRequest.newBuilder(URI.create(server.url("/time")))
                                    .build())
                            .status())
                    .isEqualTo(200);
            socket.close();
            await().untilAsserted(
                            () -> assertThat(server.memory.answers().held()).isZero());
            assertThat(server.get("/channels/room/messages?limit=100").status()).isEqualTo(200);
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }

    @Test
    void anErrorGivesThePlaceBackAndIsAnswered() throws IOException, InterruptedException {
        var broken = new AtomicBoolean();
        // It fails as the machine does and not as code does: a full stack, a class that is missing.
        InstantSource wall = () -> {
            if (broken.get()) {
                throw new StackOverflowError("as the test wants it");
            }
            return Instant.now();
        };
        var clock = new NodeClock(wall, System::nanoTime, System::currentTimeMillis, Duration.ZERO);
        try (var server = new TestServer(folder, clock, Map.of())) {
            broken.set(true);
            for (int i = 0; i < MANY; i++) {
                assertThat(server.get("/time").status()).isEqualTo(500);
            }
            broken.set(false);
            await().untilAsserted(() -> assertThat(server.get("/time").status()).isEqualTo(200));
        }
    }
}
