package dev.parley.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Purse;
import dev.parley.server.config.Config;
import dev.parley.server.config.ConfigLoader;
import dev.parley.server.config.Network;
import dev.parley.server.ops.Health;
import dev.parley.server.ops.Metrics;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Heads of requests that arrive in part, in little memory. */
@Timeout(60)
class ArrivingHeadTest {
    private static final int SECONDS = 20;
    private static final int ARRIVING_BYTES = 64 << 10;
    private static final int HEAD_BYTES = 8 << 10;

    /** Who may have all the room for heads, and three clients who may not. */
    private static final String PROXY = "127.0.0.9";

    private static final List<String> ADDRESSES = List.of("127.0.0.1", "127.0.0.2", "127.0.0.3");

    private static final String HEAD = "GET /x HTTP/1.1\r\nHost: x\r\n";
    private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    private static final int SETTINGS = 4;
    private static final int HEADERS = 1;
    private static final int CONTINUATION = 9;
    private static final int END_HEADERS = 4;

    private final Metrics metrics = new Metrics();
    private final Health health = new Health();
    private final Config config = new ConfigLoader()
            .flags(Map.of("server.port", "0", "server.event-loops", "1", "limits.arriving-bytes", "" + ARRIVING_BYTES))
            .load();
    private final Memory memory = config.memory(512 << 20);
    private final Vertx vertx = Vertx.builder()
            .withTransport(AcceptGate.upTo(1_000)
                    .within(memory, new Shares(memory, List.of(Network.parse(PROXY))), false)
                    .transport())
            .build();
    private final Purse arriving = memory.arriving();
    private final List<Socket> sockets = new ArrayList<>();
    private final TestDoor door = new TestDoor("/");
    private int port;

    @BeforeEach
    void start() throws Exception {
        var front = new HttpFront(vertx, config, memory, health, metrics);
        port = await(front.start());
        front.open(List.of(door), null);
        health.become(Health.State.READY);
    }

    @AfterEach
    void close() throws Exception {
        for (Socket socket : sockets) {
            socket.close();
        }
        Awaitility.await().untilAsserted(() -> assertThat(arriving.held()).isZero());
        await(vertx.close());
        metrics.close();
    }

    private static <T> T await(Future<T> future) throws Exception {
        return future.toCompletionStage().toCompletableFuture().get(SECONDS, TimeUnit.SECONDS);
    }

    private Socket send(byte[] bytes) throws IOException {
        return send(ADDRESSES.getFirst(), bytes);
    }

    private Socket send(String from, byte[] bytes) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port, InetAddress.ofLiteral(from), 0);
        sockets.add(socket);
        socket.setSoTimeout(SECONDS * 1_000);
        socket.getOutputStream().write(bytes);
        return socket;
    }

    private Socket send(String text) throws IOException {
        return send(text.getBytes(StandardCharsets.US_ASCII));
    }

    /** Whatever the server says before. */
    private static void awaitClosed(Socket socket) throws IOException {
        try {
            socket.getInputStream().readAllBytes();
        } catch (SocketException e) {
            assertThat(e).as("the server has closed with bytes unread").hasMessageContaining("reset");
        }
    }

    private static String readHead(Socket socket) throws IOException {
        var read = new StringBuilder();
        while (read.indexOf("\r\n\r\n") < 0) {
            int next = socket.getInputStream().read();
            assertThat(next).as("after %s", read).isNotNegative();
            read.append((char) next);
        }
        return read.toString();
    }

    private static byte[] frame(int type, int flags, int stream, int length) {
        byte[] frame = new byte[9 + length];
        frame[0] = (byte) (length >> 16);
        frame[1] = (byte) (length >> 8);
        frame[2] = (byte) length;
        frame[3] = (byte) type;
        frame[4] = (byte) flags;
        frame[8] = (byte) stream;
        return frame;
    }

    private static byte[] join(byte[]... parts) throws IOException {
        var joined = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            joined.write(part);
        }
        return joined.toByteArray();
    }

    private void oneMoreThanThereIsRoomForIsClosed(byte[] half) throws IOException {
        int fit = ARRIVING_BYTES / ArrivingHead.PURSE_PER_HEADS / half.length;
        for (int i = 1; i <= fit; i++) {
            send(ADDRESSES.get(i % ADDRESSES.size()), half);
            long heads = i;
            Awaitility.await()
                    .untilAsserted(() ->
                            assertThat(arriving.held()).isBetween(heads * HEAD_BYTES, heads * half.length * 5 / 4));
        }
        awaitClosed(send(half));
        assertThat(arriving.refused()).isEqualTo(1);
        assertThat(readHead(send(HEAD + "\r\n"))).as("a usual one").startsWith("HTTP/1.1 200 ");
        Socket first = sockets.getFirst();
        first.close();
        Awaitility.await().untilAsserted(() -> assertThat(arriving.held()).isLessThan((long) fit * HEAD_BYTES));
        assertThat(readHead(send(HEAD + "a: " + "x".repeat(HEAD_BYTES) + "\r\n\r\n")))
                .as("a large one, where there is room")
                .startsWith("HTTP/1.1 200 ");
    }

    @Test
    void oneAddressLeavesRoomToTheHeadsOfOthers() throws Exception {
        byte[] half = (HEAD + "a: " + "x".repeat(HEAD_BYTES)).getBytes(StandardCharsets.US_ASCII);
        int all = ARRIVING_BYTES / ArrivingHead.PURSE_PER_HEADS / half.length;
        for (int i = 1; i < all; i++) {
            send(half);
            long heads = i;
            Awaitility.await().untilAsserted(() -> assertThat(arriving.held()).isGreaterThan(heads * HEAD_BYTES));
        }
        awaitClosed(send(half));
        assertThat(arriving.refused()).isEqualTo(1);
        send(ADDRESSES.getLast(), half);
        Awaitility.await().untilAsserted(() -> assertThat(arriving.held()).isGreaterThan((long) all * HEAD_BYTES));
    }

    @Test
    void theClientsOfATrustedProxyMayHaveAllTheRoomForHeads() throws Exception {
        byte[] half = (HEAD + "a: " + "x".repeat(HEAD_BYTES)).getBytes(StandardCharsets.US_ASCII);
        int all = ARRIVING_BYTES / ArrivingHead.PURSE_PER_HEADS / half.length;
        for (int i = 1; i <= all; i++) {
            send(PROXY, half);
            long heads = i;
            Awaitility.await().untilAsserted(() -> assertThat(arriving.held()).isGreaterThan(heads * HEAD_BYTES));
        }
        awaitClosed(send(PROXY, half));
        assertThat(arriving.refused()).isEqualTo(1);
    }

    @Test
    void headsOfHttp1ThatArriveInPartAreCounted() throws Exception {
        oneMoreThanThereIsRoomForIsClosed((HEAD + "a: " + "x".repeat(HEAD_BYTES)).getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void framesOfHttp2ThatArriveInPartAreCounted() throws Exception {
        byte[] half = frame(HEADERS, END_HEADERS, 1, HEAD_BYTES + 100);
        oneMoreThanThereIsRoomForIsClosed(join(
                PREFACE.getBytes(StandardCharsets.US_ASCII),
                frame(SETTINGS, 0, 0, 0),
                Arrays.copyOf(half, 9 + HEAD_BYTES)));
    }

    @Test
    void headsOfHttp2InWholeFramesAreCounted() throws Exception {
        Socket socket = send(join(
                PREFACE.getBytes(StandardCharsets.US_ASCII),
                frame(SETTINGS, 0, 0, 0),
                frame(HEADERS, 0, 1, HEAD_BYTES / 2),
                frame(CONTINUATION, 0, 1, HEAD_BYTES / 2)));
        Awaitility.await()
                .untilAsserted(() -> assertThat(arriving.held()).isBetween((long) HEAD_BYTES, HEAD_BYTES * 5L / 4));
        socket.close();
    }

    @Test
    void aFieldCountsForMoreThanItsText() throws Exception {
        awaitClosed(send(HEAD + "a:\r\n".repeat(HEAD_BYTES / 4)));
        Socket slowly = send(HEAD);
        try {
            for (int i = 0; i < HEAD_BYTES / 4; i += 16) {
                slowly.getOutputStream().write("a:\r\n".repeat(16).getBytes(StandardCharsets.US_ASCII));
            }
            awaitClosed(slowly);
        } catch (SocketException e) {
            assertThat(e).as("closed while we write").hasMessageMatching(".*(reset|pipe).*");
        }
        assertThat(arriving.refused()).isEqualTo(2);
    }

    @Test
    void requestsThatWaitBehindOneWithoutAnAnswerAreCounted() throws Exception {
        // Each is small, and their decoded heads take far more than their bytes.
        String small = HEAD + "\r\n";
        int count = ARRIVING_BYTES / ArrivingHead.PURSE_PER_HEADS / 2 / WaitingRequests.REQUEST_BYTES;
        String requests =
                "GET /live HTTP/1.1\r\nHost: x\r\n\r\n" + small.repeat(count - 1) + HEAD + "Connection: close\r\n\r\n";
        Socket first = send(requests);
        assertThat(readHead(first)).startsWith("HTTP/1.1 200 ");
        Awaitility.await()
                .untilAsserted(() -> assertThat(arriving.held())
                        .isBetween(ARRIVING_BYTES / ArrivingHead.PURSE_PER_HEADS / 2L, arriving.capacity()));
        awaitClosed(send(ADDRESSES.getLast(), requests.getBytes(StandardCharsets.US_ASCII)));
        assertThat(arriving.refused()).isEqualTo(1);

        door.drain();
        String answers = new String(first.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        assertThat(answers.split("HTTP/1.1 200 ", -1)).hasSize(count + 1);
        Awaitility.await().untilAsserted(() -> assertThat(arriving.held()).isZero());
    }

    /** Some at a time, which would have more than all the room if one of them kept what it takes. */
    @Test
    void requestsThatWereAnsweredTakeNoRoom() throws Exception {
        int count = 20;
        Socket socket = send("");
        for (int round = 0; round < 100; round++) {
            String last = "GET /last HTTP/1.1\r\nHost: x\r\n\r\n";
            socket.getOutputStream()
                    .write(((HEAD + "\r\n").repeat(count - 1) + last).getBytes(StandardCharsets.US_ASCII));
            var answers = new StringBuilder();
            while (answers.indexOf(" /last ") < 0) {
                answers.append((char) socket.getInputStream().read());
            }
            assertThat(answers.toString().split("HTTP/1.1 200 ", -1)).hasSize(count + 1);
        }
        assertThat(arriving.refused()).isZero();
        assertThat(arriving.held()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n"})
    void whatFollowsAWholeRequestCountsToo(String before) throws Exception {
        String body = before.isEmpty() ? "" : "x".repeat(5_000);
        String half = HEAD + "a: " + "x".repeat(HEAD_BYTES);
        Socket socket = send(before + body + HEAD + "\r\n" + half);
        assertThat(readHead(socket)).startsWith("HTTP/1.1 200 ");
        Awaitility.await().untilAsserted(() -> assertThat(arriving.held()).isGreaterThan(HEAD_BYTES / 2));
        socket.getOutputStream().write("\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        Awaitility.await().untilAsserted(() -> assertThat(arriving.held()).isZero());
    }
}
