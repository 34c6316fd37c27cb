package dev.parley.server.realtime;

import static dev.parley.server.realtime.RealtimeClient.ACK;
import static dev.parley.server.realtime.RealtimeClient.NACK;
import static dev.parley.server.realtime.RealtimeServer.WITH_KEY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.engine.memory.Purse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What clients of ill will can make the server hold, and what those of good will notice of it. */
@Timeout(120)
class RealtimeMemoryTest {

    @TempDir
    private Path folder;

    private static byte[] ping(int number) {
        byte[] payload = ByteBuffer.allocate(125).putInt(number).array();
        return BareSocket.frame(BareSocket.PING, true, payload.length, payload);
    }

    private static String publish(int msgSerial, int bytes) {
        return "{'action':15,'channel':'c','msgSerial':%d,'messages':[{'data':'%s'}]}"
                .formatted(msgSerial, "d".repeat(bytes));
    }

    /** All pongs of the client's own reading, and nothing else, would wait in the server's memory. */
    @Test
    void whoPingsAndDoesNotReadIsAnsweredTheNewestPing() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of());
                var socket = new BareSocket(server.port, WITH_KEY)) {
            int pings = 150_000;
            var some = new ByteArrayOutputStream();
            for (int i = 1; i <= pings; i++) {
                some.write(ping(i));
                if (some.size() > 1 << 20 || i == pings) {
                    socket.send(some.toByteArray());
                    some.reset();
                }
            }

            int pongs = 0;
            int last = 0;
            while (last < pings) {
                BareSocket.Received received = socket.read();
                if (received.opcode() == BareSocket.PONG) {
                    int answered = ByteBuffer.wrap(received.payload()).getInt();
                    assertThat(answered).isGreaterThan(last);
                    last = answered;
                    pongs++;
                }
            }
            assertThat(pongs).isLessThan(pings / 2);
        }
    }

    @Test
    void whoIsRefusedIsNotReadAnyMoreAndClosed() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of());
                var socket = new BareSocket(server.port, "key=no.such:key")) {
            byte[] some = ping(1);
            assertThatThrownBy(() -> {
                        // Far more than all buffers on the way can take.
                        for (int i = 0; i < 500_000; i++) {
                            socket.send(some);
                        }
                    })
                    .isInstanceOf(IOException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void halfMessagesTakeTheirRoomAndNoMore(boolean inFragments) throws Exception {
        List<BareSocket> halves = new ArrayList<>();
        try (var server = new RealtimeServer(folder, Map.of("limits.arriving-bytes", "1048576"))) {
            Purse arriving = server.memory.arriving();
            byte[] part = "x".repeat(100_000).getBytes(StandardCharsets.UTF_8);
            byte[] half = BareSocket.frame(BareSocket.TEXT, !inFragments, inFragments ? part.length : 400_000, part);
            int count = 30;
            for (int i = 0; i < count; i++) {
                BareSocket socket = new BareSocket(server.port, WITH_KEY);
                halves.add(socket);
                socket.readUntil("\"action\":4");
                socket.send(half);
            }
            // Those for whom there is no room are sent away, and may come back.
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(() -> assertThat(server.connections()).isBetween(1, count / 2));
            assertThat(arriving.held()).isBetween(100_000L, arriving.capacity());

            var good = server.connected(WITH_KEY);
            good.send(publish(0, 1_000));
            good.next(ACK);
        } finally {
            for (BareSocket socket : halves) {
                socket.close();
            }
        }
    }

    @Test
    void whatHasArrivedInPartIsGivenBackWhenTheClientGoes() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of())) {
            try (var socket = new BareSocket(server.port, WITH_KEY)) {
                byte[] part = new byte[100_000];
                socket.send(BareSocket.frame(BareSocket.TEXT, true, 200_000, part));
                await().untilAsserted(() ->
                        assertThat(server.memory.arriving().held()).isGreaterThanOrEqualTo(100_000));
            }
            await().untilAsserted(
                            () -> assertThat(server.memory.arriving().held()).isZero());
        }
    }

    /** The handlers of a connection have what has arrived until they are told of its end, and others are read before. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatHasArrivedInPartIsHeldUntilItIsLetGoOf(boolean inFragments) throws Exception {
        // Fills the buffers of the first two reads, so that the end of the connection is read together with it.
        int wireBytes = (2 << 10) + (32 << 10);
        byte[] part = new byte[wireBytes - (inFragments ? 8 : 14)];
        byte[] half = BareSocket.frame(BareSocket.TEXT, !inFragments, inFragments ? part.length : 400_000, part);
        assertThat(half).hasSize(wireBytes);
        int count = 16;
        // The part of it that one principal has is more than one at a time on each event loop takes, and less than all
        // take.
        try (var server = new RealtimeServer(folder, Map.of("limits.arriving-bytes", "" + (512 << 10)))) {
            Purse arriving = server.memory.arriving();
            List<BareSocket> sockets = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                BareSocket socket = new BareSocket(server.port, WITH_KEY);
                sockets.add(socket);
                socket.readUntil("\"action\":4");
            }
            var free = new CompletableFuture<Void>();
            server.busyUntil(free);
            for (BareSocket socket : sockets) {
                socket.send(half);
                socket.close();
            }
            free.complete(null);
            await().untilAsserted(() -> assertThat(server.connections()).isZero());
            assertThat(arriving.refused()).isPositive();
            await().untilAsserted(() -> assertThat(arriving.held()).isZero());
        }
    }

    @Test
    void whatIsTooLargeIsRefusedAloneAndTheConnectionGoesOn() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of())) {
            var client = server.connected(WITH_KEY);
            client.send(publish(0, 10));
            client.send(publish(1, 4 << 20));
            client.send(publish(2, 10));

            assertThat(client.next(ACK).path("msgSerial").intValue()).isZero();
            JsonNode refused = client.next(NACK);
            assertThat(refused.path("msgSerial").intValue()).isEqualTo(1);
            assertThat(refused.path("error").path("code").intValue()).isEqualTo(40009);
            assertThat(client.next(ACK).path("msgSerial").intValue()).isEqualTo(2);
        }
    }

    @Test
    void whatIsFarTooLargeEndsTheConnection() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of("realtime.frame-bytes", "131072"))) {
            var client = server.connected(WITH_KEY);
            client.send(publish(0, 3 << 20));
            client.next(RealtimeClient.ERROR);
            client.awaitClosed();
        }
    }

    /** For a while, there is no room for more requests without an answer: the server does not read on, and then it does. */
    @Test
    void whoSendsFasterThanItsRequestsAreAnsweredWaitsAndIsNotSentAway() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of("limits.arriving-bytes", "4194304"))) {
            int messages = 150;
            Purse arriving = server.memory.arriving();
            var client = server.connected(WITH_KEY);
            for (int i = 0; i < messages; i++) {
                client.send(publish(i, 60_000));
            }
            for (int acked = 0; acked < messages; ) {
                JsonNode frame = client.next();
                assertThat(frame.path("action").intValue()).as("%s", frame).isEqualTo(ACK);
                acked += frame.path("count").intValue();
            }
            assertThat(arriving.refused()).as("how often it had to wait").isPositive();
            await().untilAsserted(() -> assertThat(arriving.held()).isZero());
        }
    }

    /** Reads what a purse holds again and again, for its greatest value. */
    private static final class Highest implements AutoCloseable {
        private final AtomicLong held = new AtomicLong();
        private final Thread looking;

        Highest(Purse purse) {
            looking = Thread.ofPlatform().daemon().start(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    held.accumulateAndGet(purse.held(), Math::max);
                    Thread.onSpinWait();
                }
            });
        }

        long value() {
            return held.get();
        }

        @Override
        public void close() {
            looking.interrupt();
        }
    }

    @Test
    void readersThatDoNotReadShareOnePurseAndMissNothing() throws Exception {
        List<BareSocket> readers = new ArrayList<>();
        try (var server = new RealtimeServer(
                        folder, Map.of("limits.backlog-bytes", "524288", "realtime.slow-timeout", "120000"));
                var highest = new Highest(server.memory.backlogs())) {
            int messages = 60;
            for (int i = 0; i < 6; i++) {
                BareSocket reader = new BareSocket(server.port, WITH_KEY);
                readers.add(reader);
                reader.send(BareSocket.text("{'action':10,'channel':'c'}"));
                reader.readUntil("\"action\":11");
            }
            var writer = server.connected(WITH_KEY);
            for (int i = 0; i < messages; i++) {
                writer.send(publish(i, 60_000));
            }
            for (int acked = 0; acked < messages; ) {
                acked += writer.next(ACK).path("count").intValue();
            }
            // Who reads in time is served meanwhile.
            var good = server.connect(WITH_KEY);
            good.send("{'action':10,'channel':'other'}");
            good.next(11);
            good.send(publish(0, 1_000).replace("'channel':'c'", "'channel':'other'"));
            good.next(15);

            // Together, as who is silent for long is lost.
            List<CompletableFuture<Integer>> reading = readers.stream()
                    .map(reader -> CompletableFuture.supplyAsync(() -> messages(reader, messages)))
                    .toList();
            assertThat(reading).allSatisfy(got -> assertThat(got.join()).isEqualTo(messages));
            assertThat(highest.value())
                    .isBetween(60_000L, server.memory.backlogs().capacity() + 100_000);
            await().untilAsserted(
                            () -> assertThat(server.memory.backlogs().held()).isZero());
        } finally {
            for (BareSocket reader : readers) {
                reader.close();
            }
        }
    }

    @Test
    void whoDoesNotReadIsGivenNoMoreThanAQueue() throws Exception {
        try (var server = new RealtimeServer(
                        folder, Map.of("limits.backlog-bytes", "8388608", "realtime.slow-timeout", "120000"));
                var reader = new BareSocket(server.port, WITH_KEY);
                var highest = new Highest(server.memory.backlogs())) {
            reader.send(BareSocket.text("{'action':10,'channel':'c'}"));
            reader.readUntil("\"action\":11");
            // More than the operating system takes for a socket.
            int messages = 150;
            var writer = server.connected(WITH_KEY);
            for (int i = 0; i < messages; i++) {
                writer.send(publish(i, 60_000));
            }
            for (int acked = 0; acked < messages; ) {
                acked += writer.next(ACK).path("count").intValue();
            }
            await().until(() -> server.memory.backlogs().held() >= 60_000);
            assertThat(messages(reader, messages)).isEqualTo(messages);
            // 64 KiB, and what is read and sent at a time.
            assertThat(highest.value()).isLessThan(300_000);
            await().untilAsserted(
                            () -> assertThat(server.memory.backlogs().held()).isZero());
        }
    }

    /** However many connections a principal has, what they do not read leaves room to others. */
    @Test
    void onePrincipalDoesNotHoldAllThatMayBeUnread() throws Exception {
        List<BareSocket> readers = new ArrayList<>();
        try (var server = new RealtimeServer(
                        folder, Map.of("limits.backlog-bytes", "524288", "realtime.slow-timeout", "120000"));
                var highest = new Highest(server.memory.backlogs())) {
            for (int i = 0; i < 12; i++) {
                BareSocket reader = new BareSocket(server.port, WITH_KEY);
                readers.add(reader);
                reader.send(BareSocket.text("{'action':10,'channel':'c'}"));
                reader.readUntil("\"action\":11");
            }
            var guest = server.connected("key=" + RealtimeServer.READER_KEY);
            guest.send("{'action':10,'channel':'c'}");
            guest.next(11);
            int messages = 150;
            var writer = server.connected(WITH_KEY);
            for (int i = 0; i < messages; i++) {
                writer.send(publish(i, 60_000));
            }
            for (int got = 0; got < messages; ) {
                got += guest.next(15).path("messages").size();
            }
            await().until(() -> server.memory.backlogs().isAwaited()
                    || server.memory.backlogs().refused() > 0);
            // Half of it, and the frame that each of the two event loops is about to send.
            assertThat(highest.value()).isBetween(60_000L, 524_288 / 2 + 150_000L);
        } finally {
            for (BareSocket reader : readers) {
                reader.close();
            }
        }
    }

    private static int messages(BareSocket reader, int enough) {
        try {
            int got = 0;
            while (got < enough) {
                got += reader.readUntil("\"action\":15").text().split("\"data\":\"d", -1).length - 1;
            }
            return got;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void whoAttachesManyTimesAndDoesNotReadHoldsItsShare() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of("limits.backlog-bytes", "4194304"));
                var highest = new Highest(server.memory.backlogs());
                var socket = new BareSocket(server.port, WITH_KEY)) {
            int members = 20;
            var client = server.connected(WITH_KEY);
            for (int i = 0; i < members; i++) {
                client.send(
                        "{'action':14,'channel':'c','msgSerial':%d,'presence':[{'action':2,'clientId':'client%d','data':'%s'}]}"
                                .formatted(i, i, "d".repeat(30_000)));
                client.next(ACK);
            }
            int attachments = 12;
            for (int i = 0; i < attachments; i++) {
                socket.send(BareSocket.text("{'action':10,'channel':'[?n=%d]c'}".formatted(i)));
            }

            int ended = 0;
            int got = 0;
            while (ended < attachments) {
                String sync = socket.readUntil("\"action\":16").text();
                got += sync.split("\"clientId\"", -1).length - 1;
                ended += sync.matches("(?s).*\"channelSerial\":\"s[0-9]+:\".*") ? 1 : 0;
            }
            assertThat(got).isEqualTo(members * attachments);
            assertThat(highest.value()).isBetween(30_000L, (4 << 20) / 8 + 200_000L);
        }
    }
}
