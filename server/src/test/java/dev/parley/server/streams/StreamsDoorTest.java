package dev.parley.server.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.engine.store.RocksStore;
import dev.parley.server.loop.StoreReads;
import dev.parley.server.time.NodeClock;
import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class StreamsDoorTest {
    private static final String TEXT = "text/plain";

    private static final int NO_STATUS = 0;

    /** How a live read answers that fails, before or behind its head. */
    private static final List<Integer> FAILURES = List.of(500, 200, NO_STATUS);

    private static final String HTTP2_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    private static final int HEADERS = 1;
    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int END_OF_REQUEST = 5;
    private static final int CANCEL = 8;

    @TempDir
    Path folder;

    private final List<Socket> sockets = new ArrayList<>();

    @SuppressWarnings("NullAway.Init") // each test starts its own
    private StreamsServer server;

    @AfterEach
    void close() throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
        server.close();
    }

    /** Without them the store does not ask who reads. */
    private static void needsAssertions() {
        assertThat(RocksStore.class.desiredAssertionStatus())
                .as("this test has to run with -ea")
                .isTrue();
    }

    private void create(String path, String body) throws Exception {
        assertThat(server.send("PUT", path, body, "Content-Type", TEXT).statusCode())
                .isEqualTo(201);
    }

    @Test
    void whatTheClientHasIsNotReadAgain() throws Exception {
        needsAssertions();
        server = new StreamsServer(folder, Map.of());
        create("a", "0123456789");
        HttpResponse<String> first = server.send("GET", "a?offset=-1", "");
        assertThat(first.body()).isEqualTo("0123456789");
        assertThat(server.storeReads.get()).isPositive();

        long reads = server.storeReads.get();
        HttpResponse<String> again = server.send(
                "GET",
                "a?offset=-1",
                "",
                "If-None-Match",
                first.headers().firstValue("ETag").orElseThrow());
        assertThat(again.statusCode()).isEqualTo(304);
        assertThat(again.body()).isEmpty();
        assertThat(server.storeReads.get()).isEqualTo(reads);
    }

    @Test
    void cachesKeepOnlyWhatNoLongerGrows() throws Exception {
        server = new StreamsServer(folder, Map.of());
        create("a", "one");
        HttpResponse<String> open = server.send("GET", "a?offset=-1", "");
        String tag = open.headers().firstValue("ETag").orElseThrow();
        assertThat(open.headers().allValues("Cache-Control")).containsExactly("no-cache");

        // Closing changes no byte of the answer.
        assertThat(server.send("POST", "a", "", "Stream-Closed", "true").statusCode())
                .isEqualTo(204);
        HttpResponse<String> closed = server.send("GET", "a?offset=-1", "", "If-None-Match", tag);

        assertThat(closed.statusCode()).isEqualTo(200);
        assertThat(closed.headers().firstValue("Cache-Control").orElseThrow()).startsWith("public, max-age=");
    }

    @Test
    void pagesOfOtherOriginsMayNotReadAnswers() throws Exception {
        server = new StreamsServer(folder, Map.of("cors.origins", "https://a.example"));
        create("a", "one");

        assertThat(grantedTo("https://a.example")).containsExactly("https://a.example");
        assertThat(grantedTo("https://b.example")).isEmpty();
    }

    private List<String> grantedTo(String origin) throws Exception {
        return server.send("GET", "a?offset=-1", "", "Origin", origin)
                .headers()
                .allValues("Access-Control-Allow-Origin");
    }

    @Test
    void aBodyThatDoesNotSayHowLongItIsIsReadUpToTheLimit() throws Exception {
        server = new StreamsServer(folder, Map.of("limits.body-bytes", "1024"));
        create("a", "x");
        String chunk = "400\r\n" + "y".repeat(1_024) + "\r\n";

        assertThat(statusOfChunked(chunk + "0\r\n\r\n")).startsWith("HTTP/1.1 204");
        assertThat(statusOfChunked(chunk + "1\r\ny\r\n0\r\n\r\n")).startsWith("HTTP/1.1 413");

        assertThat(server.send("GET", "a?offset=-1", "").body()).isEqualTo("x" + "y".repeat(1_024));
    }

    private String statusOfChunked(String body) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port);
        sockets.add(socket);
        socket.getOutputStream()
                .write(("POST " + StreamsDoor.PREFIX + "a HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                                + "Transfer-Encoding: chunked\r\n\r\n" + body)
                        .getBytes(StandardCharsets.US_ASCII));
        return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII)).readLine();
    }

    @Test
    void whatIsNotInMemoryIsNotReadOnAnEventLoop() throws Exception {
        needsAssertions();
        server = new StreamsServer(folder, Map.of("streams.long-poll-timeout", "100", "streams.sse-max-age", "100"), 1);
        create("a", "a");
        create("b", "b");
        create("c", "c");
        // Each of them throws the one before it out of memory.
        for (String path : List.of("a", "b", "c", "a")) {
            assertThat(server.send("HEAD", path, "").statusCode()).isEqualTo(200);
            assertThat(server.send("GET", path + "?offset=-1", "").body()).isEqualTo(path);
            assertThat(server.send("GET", path + "?offset=-1&live=long-poll", "")
                            .body())
                    .isEqualTo(path);
            assertThat(server.send("GET", path + "?offset=-1&live=sse", "").body())
                    .contains("data:" + path);
            assertThat(server.send("GET", path + "?offset=now&live=long-poll", "")
                            .statusCode())
                    .isEqualTo(204);
            assertThat(server.send("PUT", path, "", "Content-Type", TEXT).statusCode())
                    .isEqualTo(200);
            create("other-than-" + path + server.storeReads.get(), "x");
        }
        HttpResponse<String> fork = server.send("PUT", "fork", "y", "Stream-Forked-From", "/v1/stream/a");
        assertThat(fork.statusCode()).isEqualTo(201);
        assertThat(server.send("GET", "fork?offset=-1", "").body()).isEqualTo("ay");
        assertThat(server.send("GET", "__ds/jwks.json", "").statusCode()).isEqualTo(200);
        assertThat(server.send("DELETE", "b", "").statusCode()).isEqualTo(204);
    }

    @Test
    void nothingIsReadForWhoHasGone() throws Exception {
        needsAssertions();
        server = new StreamsServer(folder, Map.of("server.event-loops", "1"));
        create("a", "0123456789");
        String get = "GET " + StreamsDoor.PREFIX + "a?offset=-1";
        var free = new CompletableFuture<Boolean>();
        try {
            for (int i = 0; i < StoreReads.THREADS; i++) {
                server.reads.execute(free::join);
            }
            await().until(() -> gauge("parley.store.reads.waiting") == 0);
            double connections = gauge("parley.http.connections");
            for (int i = 0; i < 4; i++) {
                connect()
                        .getOutputStream()
                        .write((get + " HTTP/1.1\r\nHost: localhost\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            }
            Socket http2 = connect();
            http2.getOutputStream().write(HTTP2_PREFACE.getBytes(StandardCharsets.US_ASCII));
            http2.getOutputStream().write(frame(SETTINGS, 0, 0, new byte[0]));
            for (int i = 0; i < 4; i++) {
                http2.getOutputStream().write(frame(HEADERS, END_OF_REQUEST, 2 * i + 1, head("a?offset=-1")));
            }
            await().until(() -> gauge("parley.store.reads.waiting") == 8);
            long before = server.storeReads.get();

            for (int i = 0; i < 4; i++) {
                sockets.get(i).close();
                http2.getOutputStream().write(frame(RST_STREAM, 0, 2 * i + 1, new byte[] {0, 0, 0, CANCEL}));
            }
            http2.getOutputStream().write(frame(PING, 0, 0, new byte[8]));
            awaitFrame(http2, PING);
            await().until(() -> gauge("parley.http.connections") == connections + 1);
            // The one event loop answers this after it has heard of all that.
            assertThat(server.send("GET", "__ds/none", "").statusCode()).isEqualTo(404);
            free.complete(true);

            await().until(() -> server.memory.answers().held() == 0);
            assertThat(server.storeReads.get()).isEqualTo(before);
        } finally {
            free.complete(true);
        }
        assertThat(server.send("GET", "a?offset=-1", "").body()).isEqualTo("0123456789");
    }

    private double gauge(String name) {
        return server.metrics.registry().get(name).gauge().value();
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port);
        sockets.add(socket);
        return socket;
    }

    /** The fields of a GET, as literals. */
    private static byte[] head(String path) {
        byte[] text = (StreamsDoor.PREFIX + path).getBytes(StandardCharsets.US_ASCII);
        byte[] host = "localhost".getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocate(6 + host.length + text.length)
                .put(new byte[] {(byte) 0x82, (byte) 0x86, 0x01, (byte) host.length})
                .put(host)
                .put(new byte[] {0x04, (byte) text.length})
                .put(text)
                .array();
    }

    private static byte[] frame(int type, int flags, int stream, byte[] payload) {
        return ByteBuffer.allocate(9 + payload.length)
                .putShort((short) 0)
                .put((byte) payload.length)
                .put((byte) type)
                .put((byte) flags)
                .putInt(stream)
                .put(payload)
                .array();
    }

    private static void awaitFrame(Socket socket, int type) throws IOException {
        var in = new DataInputStream(socket.getInputStream());
        int found;
        do {
            int length = in.readUnsignedShort() << 8 | in.readUnsignedByte();
            found = in.readUnsignedByte();
            in.skipNBytes(5 + length);
        } while (found != type);
    }

    /** While the clock stands still, an event has just been sent whenever somebody looks. */
    @Test
    void readersGetNoCommentsAsLongAsTheyGetEvents() throws Exception {
        Map<String, String> settings = Map.of("streams.sse-keepalive", "100", "streams.sse-max-age", "1000");
        var standing = new NodeClock(InstantSource.system(), () -> 0, () -> 0, Duration.ZERO);
        server = new StreamsServer(folder, settings, 100, standing);
        create("a", "x");
        assertThat(server.send("GET", "a?offset=-1&live=sse", "").body())
                .contains("data:x")
                .doesNotContain("\n:\n");
        server.close();

        server = new StreamsServer(folder, settings, 100, NodeClock.system(Duration.ZERO));
        assertThat(server.send("GET", "a?offset=-1&live=sse", "").body())
                .contains("data:x")
                .contains("\n:\n");
    }

    @Test
    void aLiveReadThatFailsGivesItsPlaceBack() throws Exception {
        needsAssertions();
        // There is one place, so a read that did not give it back would be the last.
        Map<String, String> settings = Map.of("limits.live-readers", "1", "streams.sse-max-age", "100");
        server = new StreamsServer(folder, settings);
        create("a", "x");
        for (String live : List.of("sse", "long-poll")) {
            String path = "a?offset=-1&live=" + live;
            int failures = 0;
            for (boolean failed = true; failed; failures += failed ? 1 : 0) {
                // A server that has just started has nothing in memory.
                server.close();
                server = new StreamsServer(folder, settings);
                long failing = server.storeReads.get() + failures + 1;
                server.failingRead = failing;
                int status = statusOf(path);
                failed = server.storeReads.get() >= failing;
                assertThat(status).as("%s, read %d", live, failures + 1).isIn(failed ? FAILURES : List.of(200));
                await().until(() -> server.send("GET", path, "").statusCode() == 200);
            }
            assertThat(failures).as("reads of the store by %s", live).isPositive();
        }
    }

    /** The status of the answer to a GET, or {@link #NO_STATUS} if the connection is closed before. */
    private int statusOf(String path) throws InterruptedException {
        try {
            return server.send("GET", path, "").statusCode();
        } catch (IOException e) {
            return NO_STATUS;
        }
    }

    @Test
    void bodiesThatArriveTakeTheirShareAndGiveItBack() throws Exception {
        server = new StreamsServer(folder, Map.of("limits.arriving-bytes", "1048576"));
        create("a", "x");
        // Of what somebody may have of a MiB, large bodies may have three quarters, which is 576 KiB.
        Socket holding = send("POST /v1/stream/a", 500_000, 400_000);
        await().until(() -> server.memory.arriving().held() >= 400_000);

        // The same again is too much; what is small finds room.
        BufferedReader refused = new BufferedReader(new InputStreamReader(
                send("POST /v1/stream/a", 500_000, 400_000).getInputStream(), StandardCharsets.US_ASCII));
        assertThat(refused.readLine()).startsWith("HTTP/1.1 503");
        assertThat(refused.lines().takeWhile(line -> !line.isEmpty()))
                .anyMatch(line -> line.equalsIgnoreCase("Retry-After: 1"));
        assertThat(server.send("POST", "a", "small", "Content-Type", TEXT).statusCode())
                .isEqualTo(204);

        // Whoever has sent all of it is answered, and holds nothing; so does whoever is gone.
        holding.getOutputStream().write(new byte[100_000]);
        assertThat(new BufferedReader(new InputStreamReader(holding.getInputStream(), StandardCharsets.US_ASCII))
                        .readLine())
                .startsWith("HTTP/1.1 204");
        Socket gone = send("POST /v1/stream/a", 500_000, 300_000);
        await().until(() -> server.memory.arriving().held() >= 300_000);
        gone.close();
        await().until(() -> server.memory.arriving().held() == 0);
    }

    @Test
    void anEventSourceIsToldThatThereIsNoMore() throws Exception {
        server = new StreamsServer(folder, Map.of());
        create("a", "one");
        String end = server.send("POST", "a", "two", "Content-Type", TEXT, "Stream-Closed", "true")
                .headers()
                .firstValue("Stream-Next-Offset")
                .orElseThrow();
        String path = "a?offset=-1&live=sse";
        // The first response has all, and ends; the EventSource comes back with the id of the last event.
        HttpResponse<String> whole = server.send("GET", path, "");
        assertThat(whole.statusCode()).isEqualTo(200);
        assertThat(whole.body()).contains("streamClosed", "id: " + end);

        HttpResponse<String> back = server.send("GET", path, "", "Last-Event-ID", end);
        assertThat(back.statusCode()).isEqualTo(204);
        assertThat(back.headers().firstValue("Stream-Closed")).contains("true");
        assertThat(back.headers().firstValue("Stream-Next-Offset")).contains(end);

        // Clients of the protocol do not send it, and get what the protocol says.
        HttpResponse<String> client = server.send("GET", "a?offset=" + end + "&live=sse", "");
        assertThat(client.statusCode()).isEqualTo(200);
        assertThat(client.body()).contains("streamClosed");
    }

    /** Sends the head of a request and the beginning of its body. */
    private Socket send(String request, int length, int sent) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port);
        sockets.add(socket);
        socket.getOutputStream()
                .write((request + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: "
                                + length + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().write(new byte[sent]);
        return socket;
    }
}
