package dev.parley.server.streams.subscription;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Memory.Kind;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Reservation;
import dev.parley.server.streams.subscription.TestServer.Answer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients can make the server hold by subscriptions, with little room for it. */
final class SubscriptionMemoryTest {
    private static final long ROOM = 64 << 10;
    private static final String LONG_NAME = "x".repeat(600);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    private static Memory memory(long forSubscriptions) {
        return new Memory(512 << 20, Map.of(Kind.SUBSCRIPTIONS, forSubscriptions));
    }

    private TestServer open(Memory memory) throws IOException {
        return new TestServer(folder, memory, InstantSource.system());
    }

    private static String path(int number) {
        return "named/" + number + "/" + LONG_NAME;
    }

    private static String streams(int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(number -> '"' + path(number) + '"')
                .collect(Collectors.joining(",", "\"streams\":[", "]"));
    }

    private static Answer create(TestServer server, String id, String what) {
        return server.send(
                "PUT", "subscriptions/" + id, "{\"type\":\"pull-wake\",\"wake_stream\":\"wakes\"," + what + "}");
    }

    private static Answer add(TestServer server, String id, int from, int to) {
        return server.send("POST", "subscriptions/" + id + "/streams", "{" + streams(from, to) + "}");
    }

    private static void refusesForWantOfRoom(Answer answer) {
        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.error()).isEqualTo("LIMIT_EXCEEDED");
        assertThat(answer.json().path("error").path("message").asString()).contains("limits.subscription-bytes");
    }

    @Test
    void linksOfAllSubscriptionsHaveABoundInSum() throws Exception {
        Memory memory = memory(ROOM);
        Purse room = memory.subscriptions();
        long held;
        try (TestServer server = open(memory)) {
            assertThat(create(server, "first", streams(0, 20)).status()).isEqualTo(201);
            assertThat(create(server, "second", streams(0, 20)).status()).isEqualTo(201);
            held = room.held();
            assertThat(held).as("what 40 links hold").isBetween(40L * LONG_NAME.length(), ROOM);
            refusesForWantOfRoom(create(server, "third", streams(0, 30)));
            refusesForWantOfRoom(add(server, "first", 20, 50));
            assertThat(server.get("third").status()).isEqualTo(404);
            assertThat(server.get("first").json().path("streams")).hasSize(20);
            assertThat(room.held()).isEqualTo(held);
            assertThat(room.refused()).isEqualTo(2);

            assertThat(create(server, "first", streams(0, 20)).status())
                    .as("what is there needs no room")
                    .isEqualTo(200);
            assertThat(add(server, "first", 0, 20).status()).isEqualTo(204);
            assertThat(room.held()).isEqualTo(held);

            assertThat(server.send("DELETE", "subscriptions/second", "").status())
                    .isEqualTo(204);
            assertThat(create(server, "third", streams(20, 40)).status()).isEqualTo(201);
            assertThat(server.send("DELETE", "subscriptions/third/streams/" + path(20), "")
                            .status())
                    .isEqualTo(204);
            assertThat(room.held()).isLessThan(held);
            held = room.held();
        }
        // What is stored is never refused, however little room there is now.
        Memory less = memory(1 << 10);
        try (TestServer server = open(less)) {
            assertThat(less.subscriptions().held()).isEqualTo(held);
            assertThat(server.get("third").json().path("streams")).hasSize(19);
            refusesForWantOfRoom(create(server, "fourth", "\"pattern\":\"events/*\""));
            for (String id : new String[] {"first", "third"}) {
                assertThat(server.send("DELETE", "subscriptions/" + id, "").status())
                        .isEqualTo(204);
            }
            assertThat(less.subscriptions().held()).isZero();
        }
    }

    @Test
    void streamsThatAPatternCoversAreLinkedWhenThereIsRoom() throws Exception {
        Memory memory = memory(ROOM);
        Purse room = memory.subscriptions();
        try (TestServer server = open(memory)) {
            assertThat(create(server, "pattern", "\"pattern\":\"events/*\"").status())
                    .isEqualTo(201);
            assertThat(create(server, "large", streams(0, 40)).status()).isEqualTo(201);
            // All that is left, but for less than a link.
            long left = room.capacity() - room.held() - 100;
            try (Reservation others = Objects.requireNonNull(room.reserve(left))) {
                server.append("events/new", "1");
                await().until(() -> room.refused() > 0);
                assertThat(server.cursor("pattern", "events/new")).isEmpty();
                assertThat(others.bytes()).isEqualTo(left);
                assertThat(server.send("DELETE", "subscriptions/large", "").status())
                        .isEqualTo(204);
            }
            await().until(() -> server.cursor("pattern", "events/new").equals("-1"));
            Answer claimed = server.send("POST", "subscriptions/pattern/claim", "{\"worker\":\"w\"}");
            assertThat(claimed.status()).as("nothing is lost").isEqualTo(200);
        }
    }

    @Test
    void anAnswerIsMadeWhenThereIsRoomForIt() throws Exception {
        Memory memory = memory(0);
        Purse answers = memory.answers();
        try (TestServer server = open(memory)) {
            assertThat(create(server, "large", "\"pattern\":\"events/*\"," + streams(0, 100))
                            .status())
                    .isEqualTo(201);
            server.append("events/a", "1");
            await().until(() -> !server.cursor("large", "events/a").isEmpty());
            try (Reservation others = Objects.requireNonNull(answers.reserve(answers.capacity()))) {
                assertThat(server.get("large").status()).isEqualTo(503);
                assertThat(server.send("POST", "subscriptions/large/claim", "{\"worker\":\"w\"}")
                                .status())
                        .isEqualTo(503);
                assertThat(others.bytes()).isEqualTo(answers.held());
            }
            assertThat(server.send("POST", "subscriptions/large/claim", "{\"worker\":\"w\"}")
                            .status())
                    .as("who was refused has not got the wake")
                    .isEqualTo(200);
            assertThat(server.send("HEAD", "subscriptions/large", "").status()).isEqualTo(200);
            await().until(() -> answers.held() == 0);
        }
    }

    @Test
    void bodiesCountUntilTheyAreWorkedAt() throws Exception {
        Memory memory = memory(0);
        Purse arriving = memory.arriving();
        try (TestServer server = open(memory)) {
            try (Reservation others = Objects.requireNonNull(arriving.reserve(arriving.capacity()))) {
                assertThat(create(server, "any", streams(0, 1)).error()).isEqualTo("OVERLOADED");
                assertThat(others.bytes()).isEqualTo(arriving.held());
            }
            // Few bytes that would be many objects.
            String objects = "\"streams\":[" + "{},".repeat(Json.MAX_PARTS / 2) + "{}]";
            assertThat(create(server, "any", objects).error()).isEqualTo("INVALID_REQUEST");
            String acks = IntStream.range(0, 10_000)
                    .mapToObj(number -> "{\"stream\":\"a/" + number + "\",\"offset\":\"-1\"}")
                    .collect(Collectors.joining(",", "\"acks\":[", "]"));
            assertThat(create(server, "any", "\"pattern\":\"events/*\"," + acks).status())
                    .as("as many parts as the longest list has")
                    .isEqualTo(201);
            await().until(() -> arriving.held() == 0);
        }
    }
}
