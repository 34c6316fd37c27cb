package dev.parley.server.realtime;

import static dev.parley.server.realtime.RealtimeClient.ACK;
import static dev.parley.server.realtime.RealtimeClient.ANNOTATION;
import static dev.parley.server.realtime.RealtimeClient.ATTACHED;
import static dev.parley.server.realtime.RealtimeClient.AUTH;
import static dev.parley.server.realtime.RealtimeClient.CLOSED;
import static dev.parley.server.realtime.RealtimeClient.DETACHED;
import static dev.parley.server.realtime.RealtimeClient.MESSAGE;
import static dev.parley.server.realtime.RealtimeClient.NACK;
import static dev.parley.server.realtime.RealtimeClient.PRESENCE;
import static dev.parley.server.realtime.RealtimeServer.WITH_KEY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.server.Futures;
import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.TokenRequest;
import dev.parley.server.time.NodeClock;
import dev.parley.server.wire.Flags;
import dev.parley.server.wire.Serials;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What clients of good will do not show: cut, forged, stubborn and slow ones, and a server that stops. */
@Timeout(60)
class RealtimeDoorTest {

    @TempDir
    private Path folder;

    private RealtimeServer server() throws IOException {
        return new RealtimeServer(folder, Map.of());
    }

    private static String publish(String channel, int msgSerial, String data) {
        return "{'action':15,'channel':'%s','msgSerial':%d,'messages':[{'data':'%s'}]}"
                .formatted(channel, msgSerial, data);
    }

    private static String key(JsonNode connected) {
        return connected.path("connectionDetails").path("connectionKey").stringValue();
    }

    private static int code(JsonNode frame) {
        return frame.path("error").path("code").asInt(0);
    }

    @Test
    void nobodyComesInWithoutCredentials() throws Exception {
        try (var server = server()) {
            for (String query : List.of("", "key=app.all:wrong", "key=this.is:wrong", "access_token=x.y.z")) {
                var client = server.connect(query);
                JsonNode error = client.next();
                assertThat(error.path("action").intValue()).isEqualTo(RealtimeClient.ERROR);
                assertThat(error.path("error").path("statusCode").intValue()).isEqualTo(401);
                assertThat(error.has("channel")).isFalse();
                client.awaitClosed();
            }
        }
    }

    @Test
    void theHeaderAuthorizationCountsWhereTheQuerySaysNothing() throws Exception {
        try (var server = server()) {
            String basic = "Basic " + base64(RealtimeServer.KEY);
            for (String header : List.of(basic, "Bearer " + token(server, "ann"))) {
                JsonNode first = server.connectWithHeader("", header).next();
                assertThat(first.path("action").intValue()).isEqualTo(RealtimeClient.CONNECTED);
            }
            JsonNode wrong = server.connectWithHeader("", basic + "x").next();
            assertThat(code(wrong)).isEqualTo(40101);
            JsonNode query =
                    server.connectWithHeader("key=app.all:wrong", basic).next();
            assertThat(code(query)).as("the query goes first").isEqualTo(40101);
        }
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String token(RealtimeServer server, String clientId) throws AccessRefusedException {
        var request = TokenRequest.of(
                "app.all", JsonMapper.shared().createObjectNode().put("clientId", clientId));
        return server.gate
                .requestToken("Basic " + base64(RealtimeServer.KEY), request)
                .token();
    }

    @Test
    void whatIsNoTokenAndATokenThatIsRefusedLaterAskForNoOther() throws Exception {
        try (var server = server()) {
            String good = token(server, "ann");
            assertThat(code(server.connect("access_token=no-token").next())).isEqualTo(40101);
            for (String bad : List.of("no-token", good.substring(0, good.length() - 2))) {
                var client = server.connected("access_token=" + good);
                client.send("{'action':17,'auth':{'accessToken':'%s'}}".formatted(bad));
                assertThat(code(client.next(RealtimeClient.ERROR))).isEqualTo(40101);
                client.awaitClosed();
            }
        }
    }

    @Test
    void aTokenThatWasRevokedWithAMarginEndsWithItHoweverItIsShownAgain() throws Exception {
        try (var server = server()) {
            String old = token(server, "ann");
            var stays = server.connected("access_token=" + old);
            ApiKey key = server.gate.revokingKey("Basic " + base64(RealtimeServer.KEY), "app.all");
            server.gate.revoke(key, "clientId:ann", null, true).join();
            stays.next(AUTH);

            stays.send("{'action':17,'auth':{'accessToken':'%s'}}".formatted(old));
            stays.next(RealtimeClient.CONNECTED);
            stays.next(AUTH);
            var comesBack = server.connected("access_token=" + old);
            comesBack.next(AUTH);

            stays.send("{'action':17,'auth':{'accessToken':'%s'}}".formatted(token(server, "ann")));
            JsonNode renewed = stays.next();
            assertThat(renewed.path("action").intValue()).isEqualTo(RealtimeClient.CONNECTED);
            stays.send("{'action':10,'channel':'c'}");
            assertThat(stays.next().path("action").intValue())
                    .as("nothing is asked of who has another token")
                    .isEqualTo(ATTACHED);
        }
    }

    @Test
    void aConnectionIsGoneOnWithByItsKeyAlsoAfterARestart() throws Exception {
        String key;
        String id;
        String serial;
        try (var server = server()) {
            var client = server.connect(WITH_KEY);
            JsonNode connected = client.next(RealtimeClient.CONNECTED);
            key = key(connected);
            id = client.connectionId(connected);
            client.send("{'action':10,'channel':'c'}");
            client.next(ATTACHED);
            client.send(publish("c", 0, "one"));
            serial = client.next(MESSAGE).path("channelSerial").stringValue();
            client.cut();
        }
        try (var server = server()) {
            var other = server.connected(WITH_KEY);
            other.send(publish("c", 0, "two"));
            other.next(ACK);

            var client = server.connect(WITH_KEY + "&resume=" + key);
            JsonNode connected = client.next(RealtimeClient.CONNECTED);
            assertThat(client.connectionId(connected)).isEqualTo(id);
            assertThat(connected.has("error")).isFalse();
            client.send("{'action':10,'channel':'c','channelSerial':'%s'}".formatted(serial));
            JsonNode attached = client.next(ATTACHED);
            assertThat(attached.path("flags").longValue() & Flags.RESUMED).isNotZero();
            assertThat(client.next(MESSAGE).path("messages").get(0).path("data").stringValue())
                    .isEqualTo("two");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"_____!ablyjs_test_fake-key____", "", "x"})
    void aForgedKeyGivesANewConnectionAndSaysSo(String forged) throws Exception {
        try (var server = server()) {
            var client = server.connect(WITH_KEY + "&resume=" + forged);

            JsonNode connected = client.next(RealtimeClient.CONNECTED);

            assertThat(code(connected)).isEqualTo(80018);
            assertThat(client.connectionId(connected)).isNotBlank();
        }
    }

    @Test
    void theKeyOfAnotherUserIsNone() throws Exception {
        try (var server = server()) {
            var alice = server.connect(WITH_KEY + "&clientId=alice");
            JsonNode connected = alice.next(RealtimeClient.CONNECTED);

            var bob = server.connect(WITH_KEY + "&clientId=bob&resume=" + key(connected));

            JsonNode answer = bob.next(RealtimeClient.CONNECTED);
            assertThat(code(answer)).isEqualTo(80018);
            assertThat(bob.connectionId(answer)).isNotEqualTo(alice.connectionId(connected));
        }
    }

    @Test
    void aNewSocketTakesOverAndItsMembersStay() throws Exception {
        try (var server = server()) {
            var watcher = server.connected(WITH_KEY);
            watcher.send("{'action':10,'channel':'c'}");
            watcher.next(ATTACHED);
            var first = server.connect(WITH_KEY + "&clientId=alice");
            String key = key(first.next(RealtimeClient.CONNECTED));
            first.send("{'action':10,'channel':'c'}");
            first.next(ATTACHED);
            first.enter("c", 0);
            watcher.next(PRESENCE);

            var second = server.connect(WITH_KEY + "&clientId=alice&resume=" + key);

            assertThat(code(second.next(RealtimeClient.CONNECTED))).isZero();
            first.awaitClosed();
            // What the first one said stays said, and is not done again.
            second.enter("c", 0);
            second.send("{'action':7}");
            JsonNode left = watcher.next(PRESENCE).path("presence").get(0);
            assertThat(left.path("action").intValue()).isEqualTo(3);
            assertThat(left.path("clientId").stringValue()).isEqualTo("alice");
        }
    }

    @Test
    void membersOfALostConnectionLeaveAfterTheGraceAlsoIfTheServerWasRestarted() throws Exception {
        var settings = Map.of("realtime.presence-grace", "100");
        try (var server = new RealtimeServer(folder, settings)) {
            var client = server.connected(WITH_KEY + "&clientId=alice");
            client.enter("c", 0);
        }
        try (var server = new RealtimeServer(folder, settings)) {
            await().untilAsserted(() -> assertThat(members(server)).isZero());

            var client = server.connected(WITH_KEY + "&clientId=bob");
            client.enter("c", 0);
            assertThat(members(server)).isEqualTo(1);
            client.cut();
            await().untilAsserted(() -> assertThat(members(server)).isZero());
        }
    }

    @Test
    void whoIsToldThatItsConnectionIsClosedHasLeft() throws Exception {
        try (var server = server()) {
            for (int i = 0; i < 50; i++) {
                var client = server.connected(WITH_KEY + "&clientId=alice");
                client.enter("c", 0);
                assertThat(members(server)).isEqualTo(1);
                client.send("{'action':7}");
                client.next(CLOSED);
                assertThat(members(server)).isZero();
                client.awaitClosed();
            }
        }
    }

    @Test
    void whoIsToldThatItIsDetachedHasLeft() throws Exception {
        try (var server = server()) {
            var client = server.connected(WITH_KEY + "&clientId=alice");
            for (int i = 0; i < 50; i++) {
                client.send("{'action':10,'channel':'c'}");
                client.next(ATTACHED);
                client.send("{'action':14,'channel':'c','msgSerial':%d,'presence':[{'action':2}]}".formatted(i));
                client.next(ACK);
                assertThat(members(server)).isEqualTo(1);
                client.send("{'action':12,'channel':'c'}");
                client.next(DETACHED);
                assertThat(members(server)).isZero();
            }
        }
    }

    @Test
    void whoseAppIsRemovedHasLeftWhenTheRequestIsAnswered() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of("auth.admin-api", "true"))) {
            for (int i = 0; i < 20; i++) {
                var created = server.rest("POST", "/apps", "{\"keys\":[{}]}");
                assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
                JsonNode app = JsonMapper.shared().readTree(created.body());
                String id = app.path("appId").asString();
                String key = app.path("keys").path(0).path("keyStr").asString();
                List<RealtimeClient> clients = new ArrayList<>();
                for (int c = 0; c < 5; c++) {
                    clients.add(server.connected("key=" + key + "&clientId=c" + c));
                    clients.getLast().enter("c", 0);
                }
                var session = new SessionName(id, "c");
                assertThat(members(server, session)).isEqualTo(clients.size());

                assertThat(server.rest("DELETE", "/apps/" + id, "").statusCode())
                        .isEqualTo(204);

                assertThat(members(server, session)).isZero();
                for (RealtimeClient client : clients) {
                    assertThat(client.next(RealtimeClient.ERROR)
                                    .path("error")
                                    .path("message")
                                    .asString())
                            .contains("removed");
                    client.awaitClosed();
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"7000,7000", "1,1000", "2000000,1800000", "x,1000"})
    void aClientMayAskForAnotherHeartbeatInterval(String asked, int announced) throws Exception {
        try (var server = new RealtimeServer(folder, Map.of("realtime.heartbeat-interval", "1000"))) {
            var client = server.connect(WITH_KEY + "&heartbeatInterval=" + asked);

            JsonNode connected = client.next(RealtimeClient.CONNECTED);

            assertThat(connected
                            .path("connectionDetails")
                            .path("maxIdleInterval")
                            .intValue())
                    .isEqualTo(announced);
        }
    }

    @Test
    void aClientMayAskForItsMembersToRemainForAnotherTime() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of("realtime.presence-grace", "86400000"))) {
            var client = server.connected(WITH_KEY + "&clientId=alice&remainPresentFor=0");
            client.enter("c", 0);
            assertThat(members(server)).isEqualTo(1);

            client.cut();

            await().untilAsserted(() -> assertThat(members(server)).isZero());
        }
    }

    @Test
    void membersRemainForAnHourAtMost() throws Exception {
        var clock = NodeClock.system(Duration.ZERO);
        try (var server = new RealtimeServer(folder, Map.of("realtime.presence-grace", "100"), clock)) {
            var client = server.connected(WITH_KEY + "&clientId=alice&remainPresentFor=999999999");
            client.enter("c", 0);
            long before = clock.millis();

            client.cut();

            var attendances = server.engine.sessions().attendances();
            long month = Duration.ofDays(30).toMillis();
            await().until(() -> !attendances.departures(before + month, 1).isEmpty());
            assertThat(attendances.departures(before + Site.MAX_REMAIN_MILLIS - 1, 1))
                    .as("who has to leave before an hour is over")
                    .isEmpty();
            assertThat(attendances.departures(clock.millis() + Site.MAX_REMAIN_MILLIS, 1))
                    .as("who has to leave within an hour from now")
                    .hasSize(1);
            assertThat(members(server)).isEqualTo(1);
        }
    }

    @Test
    void whoAnswersPingsIsNotLost() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of("realtime.heartbeat-interval", "1000"))) {
            var client = server.connected(WITH_KEY + "&heartbeats=true");

            // Longer than the two intervals after which who does not answer is.
            for (int i = 0; i < 4; i++) {
                assertThat(client.next().path("action").intValue()).isZero();
            }

            client.send("{'action':0,'id':'x'}");
            assertThat(client.next().path("id").stringValue()).isEqualTo("x");
        }
    }

    @Test
    void membersOfALostConnectionLeaveAlthoughTheClockWasSetBack() throws Exception {
        var setBack = new AtomicLong();
        var clock = new NodeClock(
                () -> Instant.now().minusMillis(setBack.get()),
                System::nanoTime,
                () -> System.nanoTime() / 1_000_000,
                Duration.ofHours(1));
        try (var server = new RealtimeServer(folder, Map.of("realtime.presence-grace", "100"), clock)) {
            var client = server.connected(WITH_KEY + "&clientId=alice");
            client.enter("c", 0);
            setBack.set(Duration.ofHours(1).toMillis());
            clock.look();

            client.cut();

            await().untilAsserted(() -> assertThat(members(server)).isZero());
        }
    }

    private static int members(RealtimeServer server) {
        return members(server, new SessionName("app", "c"));
    }

    private static int members(RealtimeServer server, SessionName session) {
        SessionState state = server.engine.sessions().find(session);
        return state == null ? 0 : state.members();
    }

    @Test
    void acknowledgementsComeInOrderAndResendsAreNotDoneAgain() throws Exception {
        try (var server = server()) {
            var client = server.connect(WITH_KEY);
            String key = key(client.next(RealtimeClient.CONNECTED));
            List<String> serials = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                // Every tenth is refused at once, yet answered in its turn.
                client.send(publish(i % 10 == 9 ? ":bad" : "c", i, "m" + i));
            }
            int expected = 0;
            while (expected < 500) {
                JsonNode frame = client.next();
                assertThat(frame.path("msgSerial").intValue()).isEqualTo(expected);
                if (frame.path("action").intValue() == ACK) {
                    assertThat(frame.path("res")).hasSize(frame.path("count").intValue());
                    frame.path("res")
                            .forEach(result ->
                                    serials.add(result.path("serials").get(0).stringValue()));
                } else {
                    assertThat(frame.path("action").intValue()).isEqualTo(NACK);
                    assertThat(expected % 10).isEqualTo(9);
                    assertThat(code(frame)).isEqualTo(40010);
                }
                expected += frame.path("count").intValue();
            }
            assertThat(serials).hasSize(450).isSorted().doesNotHaveDuplicates();

            var again = server.connected(WITH_KEY + "&resume=" + key);
            again.send(publish("c", 498, "m498"));
            assertThat(again.next(ACK).path("res").get(0).path("serials").get(0).stringValue())
                    .isEqualTo(serials.getLast());
        }
    }

    @Test
    void appendsThatComeTogetherMakeFewVersionsAndAreDoneOnce() throws Exception {
        try (var server = server()) {
            var client = server.connect(WITH_KEY + "&clientId=agent");
            String key = key(client.next(RealtimeClient.CONNECTED));
            client.send(publish("c", 0, ""));
            String serial = serial(client.next(ACK));
            int count = 400;
            StringBuilder expected = new StringBuilder();
            for (int i = 1; i <= count; i++) {
                expected.append(" t").append(i);
                client.send(append(i, serial, " t" + i));
            }
            client.send(publish("c", count + 1, "end"));
            List<String> versions = new ArrayList<>();
            while (versions.size() < count + 1) {
                JsonNode ack = client.next(ACK);
                assertThat(ack.path("msgSerial").intValue()).isEqualTo(versions.size() + 1);
                ack.path("res")
                        .forEach(result ->
                                versions.add(result.path("serials").get(0).stringValue()));
            }
            assertThat(versions).isSorted();
            assertThat(versions.getLast()).isGreaterThan(versions.get(count - 1));
            assertThat(versions.stream().distinct().count()).isLessThan(count / 2);

            // The client has not seen the last answers and sends again, grouped as it happens.
            var again = server.connected(WITH_KEY + "&clientId=agent&resume=" + key);
            for (int i = count - 50; i <= count; i++) {
                again.send(append(i, serial, " t" + i));
            }
            for (int acked = 0; acked < 51; ) {
                acked += again.next(ACK).path("count").intValue();
            }
            var reader = server.connected(WITH_KEY);
            reader.send("{'action':10,'channel':'c','params':{'rewind':'2'}}");
            JsonNode message = reader.next(MESSAGE).path("messages").get(0);
            assertThat(message.path("data").stringValue()).isEqualTo(expected.toString());
        }
    }

    /** Otherwise the server would break off a message that has come to its end. */
    @Test
    void theEndOfAMessageCountsAlsoIfItWasRefusedAtFirst() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of("realtime.run-grace", "100"))) {
            var moderator = server.connected(WITH_KEY + "&clientId=moderator");
            moderator.send("{'action':10,'channel':'c'}");
            var agent = server.connected(WITH_KEY + "&clientId=agent");
            String extras = "'extras':{'ai':{'transport':{'run-id':'r','status':'%s'}}}";
            agent.send(("{'action':15,'channel':'c','msgSerial':0,'messages':[{'name':'ai-run-start',%s},"
                            + "{'name':'ai-output','data':'x',%s}]}")
                    .formatted(extras.formatted("none"), extras.formatted("streaming")));
            String serial =
                    agent.next(ACK).path("res").get(0).path("serials").get(1).stringValue();
            String change =
                    "{'action':15,'channel':'c','msgSerial':%d,'messages':[{'action':%d,'serial':'%s','data':'%s'%s}]}";
            moderator.send(change.formatted(0, 2, serial, "", ""));
            moderator.next(ACK);
            agent.send(change.formatted(1, 5, serial, "end", "," + extras.formatted("complete")));
            assertThat(code(agent.next(NACK))).isEqualTo(40300);
            moderator.send(change.formatted(1, 1, serial, "back", ""));
            moderator.next(ACK);
            agent.send(change.formatted(2, 5, serial, "end", "," + extras.formatted("complete")));
            agent.next(ACK);
            agent.cut();

            String told = "";
            while (!told.contains("ai-run-end")) {
                told = moderator.next(MESSAGE).path("messages").toString();
                assertThat(told).doesNotContain("cancelled");
            }
        }
    }

    private static String append(int msgSerial, String serial, String data) {
        return "{'action':15,'channel':'c','msgSerial':%d,'messages':[{'action':5,'serial':'%s','data':'%s'}]}"
                .formatted(msgSerial, serial, data);
    }

    private static String serial(JsonNode ack) {
        return ack.path("res").get(0).path("serials").get(0).stringValue();
    }

    @Test
    void severalMessagesHaveIdsOfOneBase() throws Exception {
        try (var server = server()) {
            var client = server.connected(WITH_KEY);
            String frame = "{'action':15,'channel':'c','msgSerial':%d,'messages':[{'id':'%s'},{'id':'%s'}]}";
            client.send(frame.formatted(0, "abc", "abc"));
            assertThat(code(client.next(NACK))).isEqualTo(40031);
            client.send(frame.formatted(1, "abc:0", "abc:1"));
            assertThat(client.next(ACK).path("res").get(0).path("serials")).hasSize(2);
        }
    }

    @Test
    void appendsInFlightDoNotUndoADeletion() throws Exception {
        try (var server = server()) {
            var agent = server.connected(WITH_KEY + "&clientId=agent");
            agent.send(publish("c", 0, "one"));
            String serial = serial(agent.next(ACK));
            var moderator = server.connected(WITH_KEY + "&clientId=moderator");
            String change = "{'action':15,'channel':'c','msgSerial':%d,'messages':"
                    + "[{'action':%d,'serial':'%s','data':'%s'}]}";
            moderator.send(change.formatted(0, 2, serial, ""));
            moderator.next(ACK);
            int count = 50;
            for (int i = 1; i <= count; i++) {
                agent.send(append(i, serial, " more"));
            }
            agent.send(change.formatted(count + 1, 1, serial, "one more"));
            for (int refused = 0; refused < count + 1; ) {
                JsonNode frame = agent.next();
                assertThat(frame.path("action").intValue()).isEqualTo(NACK);
                assertThat(code(frame)).isEqualTo(40300);
                refused += frame.path("count").intValue();
            }
            moderator.send(change.formatted(1, 1, serial, "back"));
            moderator.next(ACK);
            agent.send(append(count + 2, serial, "!"));
            agent.next(ACK);
            SessionState state = server.engine.sessions().find(new SessionName("app", "c"));
            assertThat(server.engine
                            .sessions()
                            .messages()
                            .versions(
                                    Objects.requireNonNull(state),
                                    Serials.parse(serial).getAsLong(),
                                    0,
                                    10,
                                    1 << 20)
                            .entries())
                    .extracting(
                            version -> version.action() + " " + version.body().data())
                    .containsExactly("CREATE one", "DELETE ", "UPDATE back", "UPDATE back!");
        }
    }

    @Test
    void whoMayOnlyReadIsRefusedAndNothingIsStored() throws Exception {
        try (var server = server()) {
            var reader = server.connected("key=" + RealtimeServer.READER_KEY + "&clientId=eve");
            reader.send("{'action':10,'channel':'c'}");
            assertThat(reader.next(ATTACHED).path("flags").longValue() & Flags.ALL_MODES)
                    .isEqualTo(Flags.SUBSCRIBE | Flags.PRESENCE_SUBSCRIBE);
            reader.send(publish("c", 0, "x"));
            assertThat(code(reader.next(NACK))).isEqualTo(40160);
            reader.send("{'action':14,'channel':'c','msgSerial':1,'presence':[{'action':2}]}");
            assertThat(code(reader.next(NACK))).isEqualTo(40160);
            assertThat(server.engine.sessions().find(new SessionName("app", "c")))
                    .isNull();
        }
    }

    @Test
    void annotationsAreShownToWhoAskedForThemAndTheirSumToAll() throws Exception {
        try (var server = server()) {
            var ann = server.connected(WITH_KEY + "&clientId=ann");
            ann.send("{'action':10,'channel':'c','flags':%d}".formatted(Flags.ALL_MODES));
            assertThat(ann.next(ATTACHED).path("flags").longValue() & Flags.ANNOTATION_SUBSCRIBE)
                    .isNotZero();
            var bob = server.connected(WITH_KEY + "&clientId=bob");
            bob.send("{'action':10,'channel':'c'}");
            bob.next(ATTACHED);
            bob.send("{'action':15,'channel':'c','msgSerial':0,'messages':[{'name':'greeting','data':'hi'}]}");
            String serial =
                    ann.next(MESSAGE).path("messages").get(0).path("serial").stringValue();

            bob.send("{'action':21,'channel':'c','msgSerial':1,'annotations':[{'messageSerial':'%s',".formatted(serial)
                    + "'type':'vote:distinct.v1','name':'yes'}]}");

            JsonNode annotation = ann.next(ANNOTATION).path("annotations").get(0);
            assertThat(annotation.path("messageSerial").stringValue()).isEqualTo(serial);
            assertThat(annotation.path("clientId").stringValue()).isEqualTo("bob");
            assertThat(annotation.path("serial").stringValue()).isGreaterThan(serial);
            for (RealtimeClient client : List.of(ann, bob)) {
                JsonNode message = client.next(MESSAGE).path("messages").get(0);
                while (message.path("action").intValue() != 4) {
                    message = client.next(MESSAGE).path("messages").get(0);
                }
                assertThat(message.path("serial").stringValue()).isEqualTo(serial);
                assertThat(message.path("name").stringValue()).isEqualTo("greeting");
                assertThat(message.path("clientId").stringValue()).isEqualTo("bob");
                assertThat(message.at("/annotations/summary/vote:distinct.v1/yes/clientIds/0")
                                .asString())
                        .isEqualTo("bob");
            }
            bob.send("{'action':21,'channel':'c','msgSerial':2,'annotations':[{'messageSerial':'%s',"
                            .formatted("01795251092000-0000003")
                    + "'type':'vote:distinct.v1','name':'yes'}]}");
            assertThat(code(bob.next(NACK))).isEqualTo(40400);
        }
    }

    @Test
    void aModeThatWasNotAskedForIsNotThere() throws Exception {
        try (var server = server()) {
            var client = server.connected(WITH_KEY + "&clientId=alice");
            client.send("{'action':10,'channel':'c','flags':%d}".formatted(Flags.SUBSCRIBE));
            client.next(ATTACHED);
            client.send(publish("c", 0, "x"));
            assertThat(code(client.next(NACK))).isEqualTo(40165);
        }
    }

    /** Frames for many are framed by us and not by the library; their lengths take 16 and 64 bits. */
    @Test
    void framesOfAllLengthsReachAllReaders() throws Exception {
        try (var server = server()) {
            List<RealtimeClient> readers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                RealtimeClient reader = server.connect(WITH_KEY);
                reader.send("{'action':10,'channel':'c'}");
                reader.next(ATTACHED);
                readers.add(reader);
            }
            RealtimeClient writer = server.connect(WITH_KEY);
            List<String> texts = List.of("x", "y".repeat(1_000), "z".repeat(65_500), "end");
            for (int i = 0; i < texts.size(); i++) {
                writer.send(publish("c", i, texts.get(i)));
                for (RealtimeClient reader : readers) {
                    assertThat(reader.next(MESSAGE)
                                    .path("messages")
                                    .get(0)
                                    .path("data")
                                    .stringValue())
                            .isEqualTo(texts.get(i));
                }
            }
        }
    }

    @Test
    void aSlowReaderGetsEverythingOnceItReads() throws Exception {
        try (var server = server()) {
            var slow = server.connected(WITH_KEY);
            slow.send("{'action':10,'channel':'c'}");
            slow.next(ATTACHED);
            slow.pause();
            var writer = server.connected(WITH_KEY);
            String data = "d".repeat(20_000);
            int count = 1_000;
            for (int i = 0; i < count; i++) {
                writer.send(publish("c", i, i + " " + data));
            }
            for (int acked = 0; acked < count; ) {
                acked += writer.next(ACK).path("count").intValue();
            }
            slow.resume();

            int expected = 0;
            while (expected < count) {
                for (JsonNode message : slow.next(MESSAGE).path("messages")) {
                    assertThat(message.path("data").stringValue()).startsWith(expected + " ");
                    expected++;
                }
            }
        }
    }

    @Test
    void whoReadsTooSlowlyForTooLongIsDisconnected() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of("realtime.slow-timeout", "1000"))) {
            var slow = server.connected(WITH_KEY);
            slow.send("{'action':10,'channel':'c'}");
            slow.next(ATTACHED);
            slow.pause();
            var writer = server.connected(WITH_KEY);
            String data = "d".repeat(60_000);
            int count = 500;
            for (int i = 0; i < count; i++) {
                writer.send(publish("c", i, data));
            }
            for (int acked = 0; acked < count; ) {
                acked += writer.next(ACK).path("count").intValue();
            }
            // One connection is left when the other one is given up.
            await().atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(server.connections()).isEqualTo(1));
        }
    }

    @Test
    void aServerThatStopsSendsItsClientsAway() throws Exception {
        RealtimeClient client;
        try (var server = server()) {
            client = server.connect(WITH_KEY);
            client.next(RealtimeClient.CONNECTED);
            Futures.await(server.front.stop());
            assertThat(code(client.next(RealtimeClient.DISCONNECTED))).isEqualTo(80003);
            client.awaitClosed();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "no json",
                "[]",
                "{}",
                "{'action':99}",
                "{'action':'x'}",
                "{'action':4}",
                "{'action':10}",
                "{'action':15,'channel':'c','messages':[{}]}",
                "{'action':10,'channel':{'a':1}}"
            })
    void whatIsNoFrameEndsTheConnectionWithAnError(String frame) throws Exception {
        try (var server = server()) {
            var client = server.connected(WITH_KEY);

            client.send(frame);

            assertThat(client.next(RealtimeClient.ERROR)
                            .path("error")
                            .path("statusCode")
                            .intValue())
                    .isEqualTo(400);
            client.awaitClosed();
        }
    }

    @Test
    void theFormatOfTheConnectionIsTheOneThatIsRead() throws Exception {
        try (var server = server()) {
            var client = server.connected(WITH_KEY);

            client.sendBytes("{\"action\":0,\"id\":\"p\"}".getBytes(StandardCharsets.UTF_8));

            assertThat(client.next(0).path("id").stringValue()).isEqualTo("p");
        }
    }

    @Test
    void channelsOfAConnectionAreBounded() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of("realtime.channels-per-connection", "3"))) {
            var client = server.connected(WITH_KEY);
            for (int i = 0; i < 4; i++) {
                client.send("{'action':10,'channel':'c%d'}".formatted(i));
            }
            JsonNode refused = client.next(RealtimeClient.ERROR);
            assertThat(refused.path("channel").stringValue()).isEqualTo("c3");
            assertThat(code(refused)).isEqualTo(90010);
            client.send("{'action':12,'channel':'c0'}");
            client.next(DETACHED);
            client.send("{'action':10,'channel':'c3'}");
            while (!client.next(ATTACHED).path("channel").stringValue().equals("c3")) {
                // The other two, which may come late.
            }
        }
    }
}
