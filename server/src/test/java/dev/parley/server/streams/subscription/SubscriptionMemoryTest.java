package dev.parley.server.streams.subscription;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Memory.Kind;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.subscription.Subscription;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import dev.parley.server.streams.subscription.TestServer.Answer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients can make the server hold by subscriptions, with little room for it. */
final class SubscriptionMemoryTest {
    private static final long ROOM = 64 << 10;
    private static final String PULL_WAKE = "{\"type\":\"pull-wake\",\"wake_stream\":\"wakes\",";
    private static final String LONG_NAME = "x".repeat(600);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    private static Memory memory(long forSubscriptions) {
        return new Memory(512 << 20, Map.of(Kind.SUBSCRIPTIONS, forSubscriptions));
    }

    private TestServer open(Memory memory, ApiKey... keys) throws IOException {
        return new TestServer(folder, memory, InstantSource.system(), keys);
    }

    private static ApiKey key(String name) {
        return ApiKey.parse(name + ":" + "k".repeat(32), Capabilities.ALL);
    }

    private static String as(ApiKey key) {
        return "Bearer " + key.name() + ":" + "k".repeat(32);
    }

    private static Answer create(TestServer server, ApiKey key, String id) {
        return server.send("PUT", "subscriptions/" + id, as(key), PULL_WAKE + streams(0, 5) + "}");
    }

    /** Makes subscriptions until one is refused, and returns how many there are. */
    private static int createAll(TestServer server, ApiKey key, String prefix, String refusal) {
        for (int count = 0; ; count++) {
            Answer answer = create(server, key, prefix + count);
            if (answer.status() != 201) {
                refusesForWantOfRoom(answer);
                assertThat(answer.json().path("error").path("message").asString())
                        .contains(refusal);
                return count;
            }
        }
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
        return server.send("PUT", "subscriptions/" + id, PULL_WAKE + what + "}");
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
    void oneClientLeavesRoomToOthers() throws Exception {
        ApiKey hog = key("shop.hog");
        ApiKey guest = key("shop.guest");
        ApiKey stranger = key("other.key");
        ApiKey[] keys = {hog, guest, stranger};
        int most;
        try (TestServer server = open(memory(ROOM), keys)) {
            most = createAll(server, hog, "hog", "This client");
            assertThat(server.engine.subscriptions().memory().held())
                    .as("half of the room, but for less than one more")
                    .isBetween(ROOM / 2 - ROOM / 8, ROOM / 2);
            refusesForWantOfRoom(
                    server.send("POST", "subscriptions/hog0/streams", as(guest), "{" + streams(5, 12) + "}"));
            assertThat(create(server, guest, "guest").status()).isEqualTo(201);
        }
        // Who has what is in the log.
        try (TestServer server = open(memory(ROOM), keys)) {
            refusesForWantOfRoom(create(server, hog, "more"));
            createAll(server, guest, "guest-", "This app");
            assertThat(server.engine.subscriptions().memory().held()).isBetween(ROOM / 2, ROOM * 3 / 4);
            assertThat(create(server, stranger, "stranger").status()).isEqualTo(201);
            assertThat(server.send("DELETE", "subscriptions/hog0", as(hog), "").status())
                    .isEqualTo(204);
            assertThat(create(server, hog, "more").status()).isEqualTo(201);
            for (Subscription left : List.copyOf(server.engine.subscriptions().all())) {
                server.send("DELETE", "subscriptions/" + left.state().id(), as(hog), "");
            }
            assertThat(server.engine.subscriptions().memory().held()).isZero();
            assertThat(createAll(server, hog, "again", "This client")).isEqualTo(most);
        }
    }

    @Test
    void oneAddressLeavesRoomToOthers() throws Exception {
        try (TestServer server = open(memory(ROOM))) {
            Answer refused;
            int count = 0;
            do {
                refused = create(server, "s" + count++, streams(0, 5));
            } while (refused.status() == 201);
            refusesForWantOfRoom(refused);
            assertThat(refused.json().path("error").path("message").asString()).contains("This address", "75 %");
            assertThat(server.engine.subscriptions().memory().held()).isBetween(ROOM / 2, ROOM * 3 / 4);
        }
        try (TestServer server = open(memory(ROOM));
                HttpClient other = HttpClient.newBuilder()
                        .localAddress(InetAddress.ofLiteral("127.0.0.2"))
                        .build()) {
            refusesForWantOfRoom(create(server, "more", streams(0, 5)));
            HttpRequest request = HttpRequest.newBuilder(URI.create(server.url("__ds/subscriptions/other")))
                    .PUT(HttpRequest.BodyPublishers.ofString(PULL_WAKE + streams(0, 5) + "}"))
                    .build();
            assertThat(other.send(request, HttpResponse.BodyHandlers.discarding())
                            .statusCode())
                    .isEqualTo(201);
        }
    }

    @Test
    void whoHasNoMoreRoomDoesNotKeepOthersFromFollowingStreams() throws Exception {
        ApiKey hog = key("shop.hog");
        ApiKey guest = key("shop.guest");
        String pattern = PULL_WAKE + "\"pattern\":\"events/*\"}";
        try (TestServer server = open(memory(ROOM), hog, guest)) {
            assertThat(server.send("PUT", "subscriptions/full", as(hog), pattern)
                            .status())
                    .isEqualTo(201);
            // All that the hog may have, but for less than a link.
            createAll(server, hog, "hog", "This client");
            Subscription full =
                    Objects.requireNonNull(server.engine.subscriptions().find("full"));
            long left = full.room().capacity() - full.room().held() - 100;
            try (Reservation others = Objects.requireNonNull(full.room().reserve(left))) {
                assertThat(server.send("PUT", "subscriptions/free", as(guest), pattern)
                                .status())
                        .isEqualTo(201);
                server.append("events/new", "1");
                Subscription free =
                        Objects.requireNonNull(server.engine.subscriptions().find("free"));
                await().until(() -> free.link("events/new") != null);
                assertThat(full.link("events/new")).isNull();
                assertThat(server.send("DELETE", "subscriptions/hog0", as(hog), "")
                                .status())
                        .isEqualTo(204);
                assertThat(others.bytes()).isEqualTo(left);
            }
            await().until(() -> full.link("events/new") != null);
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
