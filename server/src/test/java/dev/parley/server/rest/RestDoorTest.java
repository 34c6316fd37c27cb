package dev.parley.server.rest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionName;
import dev.parley.server.rest.TestServer.Answer;
import dev.parley.server.wire.Flags;
import dev.parley.server.wire.WireFormat;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

class RestDoorTest {
    private static final String ROOM = "/channels/room/messages";

    private TestServer server;

    @BeforeEach
    void start(@TempDir Path folder) throws IOException {
        server = new TestServer(folder);
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private static List<String> texts(JsonNode array, String field) {
        return array.valueStream().map(node -> node.path(field).asString()).toList();
    }

    /** The data of all pages from {@code path} on. */
    private List<String> pages(String path) throws Exception {
        List<String> data = new ArrayList<>();
        String resource = path.substring(0, path.indexOf('?'));
        String query = path.substring(resource.length());
        while (!query.isEmpty()) {
            Answer page = server.get(resource + query);
            assertThat(page.status()).isEqualTo(200);
            assertThat(page.link("current")).isEqualTo(query);
            data.addAll(texts(page.body(), "data"));
            query = page.link("next");
        }
        return data;
    }

    private String publish(String channel, String json) throws Exception {
        Answer published = server.post("/channels/" + channel + "/messages", json);
        assertThat(published.status()).isEqualTo(201);
        return published.body().path("serials").path(0).asString();
    }

    @Test
    void theTimeIsForEverybody() throws Exception {
        Answer time = server.send(
                HttpRequest.newBuilder(URI.create(server.url("/time"))).build());

        assertThat(time.status()).isEqualTo(200);
        assertThat(time.body().path(0).isIntegralNumber()).isTrue();
        assertThat(time.body()).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource
    void whatIsPublishedIsInTheHistory(WireFormat format) throws Exception {
        byte[] body = format.write(to -> {
            to.beginArray();
            to.beginObject()
                    .field("name", "greeting")
                    .data(Data.of("hi"), null)
                    .jsonField("extras", "{\"headers\":{\"n\":1}}")
                    .endObject();
            to.beginObject().data(Data.of(new byte[] {1, -1}), "cipher").endObject();
            to.endArray();
        });

        Answer published = server.send(server.request(TestServer.ADMIN, "/channels/a%2Fb%20c/messages")
                .header("Content-Type", format.contentType())
                .header("Accept", format.contentType())
                .header("X-Ably-ClientId", Base64.getEncoder().encodeToString("ann".getBytes(StandardCharsets.UTF_8)))
                .POST(BodyPublishers.ofByteArray(body))
                .build());

        assertThat(published.status()).isEqualTo(201);
        assertThat(published.format()).isEqualTo(format);
        assertThat(published.body().path("channel").asString()).isEqualTo("a/b c");
        String id = published.body().path("messageId").asString();
        for (WireFormat asked : WireFormat.values()) {
            Answer history =
                    server.send(server.request(TestServer.ADMIN, "/channels/a%2Fb%20c/messages?direction=forwards")
                            .header("Accept", asked.contentType())
                            .build());
            assertThat(history.format()).isEqualTo(asked);
            JsonNode messages = history.body();
            assertThat(texts(messages, "id")).containsExactly(id + ":0", id + ":1");
            assertThat(texts(messages, "clientId")).containsExactly("ann", "ann");
            assertThat(texts(messages, "serial"))
                    .isEqualTo(published
                            .body()
                            .path("serials")
                            .valueStream()
                            .map(JsonNode::asString)
                            .toList());
            assertThat(messages.path(0).path("name").asString()).isEqualTo("greeting");
            assertThat(messages.path(0).path("data").asString()).isEqualTo("hi");
            assertThat(messages.path(0).path("extras")).hasToString("{\"headers\":{\"n\":1}}");
            assertThat(messages.path(1).path("data").binaryValue()).containsExactly(1, -1);
            assertThat(messages.path(1).path("encoding").asString())
                    .isEqualTo(asked == WireFormat.JSON ? "cipher/base64" : "cipher");
        }
    }

    @Test
    void anIdIsPublishedOnce() throws Exception {
        String first = publish("room", "[{\"id\":\"x:0\",\"data\":\"a\"},{\"id\":\"x:1\",\"data\":\"b\"}]");

        Answer again = server.post(ROOM, "[{\"id\":\"x:0\",\"data\":\"a\"},{\"id\":\"x:1\",\"data\":\"b\"}]");

        assertThat(again.status()).isEqualTo(201);
        assertThat(again.body().path("messageId").asString()).isEqualTo("x");
        assertThat(again.body().path("serials").path(0).asString()).isEqualTo(first);
        assertThat(texts(server.get(ROOM).body(), "data")).containsExactly("b", "a");
    }

    @Test
    void aPublishIsRefusedIfItAsksForThat() throws Exception {
        Answer refused = server.post(ROOM + "?_forceNack=true", "{'data':'x'}");

        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.body().path("error").path("code").intValue()).isEqualTo(40099);
        assertThat(server.get(ROOM).body()).isEmpty();
    }

    @Test
    void historyComesInPages() throws Exception {
        List<String> forwards = new ArrayList<>();
        String middle = "";
        for (int i = 0; i < 10; i++) {
            String serial = publish("room", "{\"data\":\"" + i + "\"}");
            forwards.add(String.valueOf(i));
            middle = i == 5 ? serial : middle;
        }

        assertThat(pages(ROOM + "?direction=forwards&limit=3")).isEqualTo(forwards);
        assertThat(pages(ROOM + "?limit=5")).isEqualTo(forwards.reversed());
        assertThat(pages(ROOM + "?limit=4&from_serial=" + middle))
                .isEqualTo(forwards.subList(0, 6).reversed());
        // The attach point of a client that was cut before it had its whole rewind.
        assertThat(pages(ROOM + "?from_serial=" + middle + "r" + middle))
                .isEqualTo(forwards.subList(0, 6).reversed());
        assertThat(pages(ROOM + "?fromSerial=" + middle))
                .isEqualTo(forwards.subList(0, 6).reversed());
        JsonNode newest = server.get(ROOM + "?limit=1").body().path(0);
        assertThat(newest.path("data").asString()).isEqualTo("9");
        long time = newest.path("timestamp").asLong();
        assertThat(server.get(ROOM + "?limit=1&end=" + time).body()).hasSize(1);
        assertThat(server.get(ROOM + "?start=" + (time + 1)).body()).isEmpty();
    }

    @Test
    void aPageEndsWhereItHasTooManyBytes() throws Exception {
        for (int i = 0; i < 4; i++) {
            publish("room", "{\"data\":\"" + i + "x".repeat(6_000) + "\"}");
        }

        assertThat(server.get(ROOM).body()).hasSizeBetween(1, 2);
        assertThat(pages(ROOM + "?limit=10")).extracting(data -> data.charAt(0)).containsExactly('3', '2', '1', '0');
    }

    @Test
    void firstAndCurrentPageAreFoundAgainWithoutParameters() throws Exception {
        publish("room", "{\"data\":\"a\"}");
        for (String path : List.of(ROOM, "/channels/room/presence", "/channels", "/stats")) {
            Answer page = server.get(path);
            for (String relation : List.of("first", "current")) {
                assertThat(page.link(relation)).as("%s of %s", relation, path).hasSizeGreaterThan(1);
                assertThat(server.get(path + page.link(relation)).body()).isEqualTo(page.body());
            }
        }
    }

    @Test
    void historyIsKnownByTwoNames() throws Exception {
        for (int i = 0; i < 5; i++) {
            publish("room", "{\"data\":\"" + i + "\"}");
        }
        assertThat(pages("/channels/room/history?limit=2")).containsExactly("4", "3", "2", "1", "0");
        assertThat(server.get("/channels/room/history?limit=2").http().headers().allValues("Link"))
                .allSatisfy(link -> assertThat(link).startsWith("<./history?"));
    }

    @Test
    void headIsGetWithoutABody() throws Exception {
        publish("room", "{\"data\":\"a\"}");
        for (String path :
                List.of("/time", ROOM, "/channels/room", "/channels/room/nothing", "/channels/room/presence")) {
            Answer get = server.get(path);
            Answer head = server.send("HEAD", TestServer.ADMIN, path, "");
            assertThat(head.status()).as(path).isEqualTo(get.status());
            assertThat(head.http().body()).isEmpty();
            for (String name : List.of("Content-Type", "Content-Length", "Link", "X-Ably-Errorcode")) {
                assertThat(head.header(name)).as("%s of %s", name, path).isEqualTo(get.header(name));
            }
        }
    }

    @Test
    void aDeletedMessageComesBackOnlyByWhoMayBringItBack() throws Exception {
        String path = ROOM + "/" + publish("room", "{\"data\":\"a\",\"clientId\":\"ann\"}");
        server.send("PATCH", TestServer.ADMIN, path, "{\"action\":2,\"version\":{\"clientId\":\"moderator\"}}");

        for (String refused : List.of(
                "{\"action\":5,\"data\":\"b\",\"version\":{\"clientId\":\"ann\"}}",
                "{\"action\":1,\"data\":\"ab\",\"version\":{\"clientId\":\"ann\"}}")) {
            for (String key : List.of(TestServer.ADMIN, TestServer.WRITER)) {
                Answer answer = server.send("PATCH", key, path, refused);
                assertThat(answer.status()).isEqualTo(403);
                assertThat(answer.errorCode()).isEqualTo(40300);
            }
        }
        assertThat(texts(server.get(ROOM).body(), "action")).containsExactly("2");
        Answer restored = server.send("PATCH", TestServer.ADMIN, path, "{\"action\":1,\"data\":\"restored\"}");
        assertThat(restored.status()).isEqualTo(200);
        assertThat(texts(server.get(ROOM).body(), "data")).containsExactly("restored");
    }

    @Test
    void nothingIsAppendedToDataWithAnEncoding() throws Exception {
        String path = ROOM + "/" + publish("room", "{\"data\":{\"a\":1}}");

        Answer appended = server.send("PATCH", TestServer.ADMIN, path, "{\"action\":5,\"data\":\"b\"}");

        assertThat(appended.status()).isEqualTo(400);
        assertThat(appended.errorCode()).isEqualTo(40013);
        assertThat(server.get(path).body().path("data").asString()).isEqualTo("{\"a\":1}");
    }

    @Test
    void linksDoNotRepeatCredentials() throws Exception {
        Answer history = server.send(
                HttpRequest.newBuilder(URI.create(server.url(ROOM + "?key=" + TestServer.ADMIN + "&limit=2")))
                        .build());

        assertThat(history.status()).isEqualTo(200);
        assertThat(history.link("first")).isEqualTo("?limit=2");
    }

    @Test
    void aMessageGrowsAndChangesAndKeepsItsVersions() throws Exception {
        String serial = publish("room", "{\"name\":\"n\",\"data\":\"a\",\"clientId\":\"ann\"}");
        String path = ROOM + "/" + serial;

        Answer appended = server.send("PATCH", TestServer.ADMIN, path, "{\"action\":5,\"data\":\"b\"}");
        assertThat(appended.status()).isEqualTo(200);
        Answer updated = server.send(
                "PATCH",
                TestServer.ADMIN,
                path,
                "{\"action\":1,\"data\":\"c\",\"version\":{\"clientId\":\"bob\",\"description\":\"d\",\"metadata\":{\"k\":1}}}");
        String version = updated.body().path("versionSerial").asString();

        JsonNode message = server.get(path).body();
        assertThat(message.path("data").asString()).isEqualTo("c");
        assertThat(message.path("name").asString()).isEqualTo("n");
        assertThat(message.path("action").asInt()).isEqualTo(1);
        assertThat(message.path("serial").asString()).isEqualTo(serial);
        assertThat(message.path("clientId").asString()).isEqualTo("ann");
        assertThat(message.path("version").path("serial").asString())
                .isEqualTo(version)
                .isGreaterThan(serial);
        assertThat(message.path("version").path("timestamp").asLong())
                .isGreaterThan(message.path("timestamp").asLong());
        assertThat(message.path("version").path("clientId").asString()).isEqualTo("bob");
        assertThat(message.path("version").path("metadata")).hasToString("{\"k\":1}");

        assertThat(server.send("PATCH", TestServer.ADMIN, path, "{\"action\":2,\"data\":\"\"}")
                        .status())
                .isEqualTo(200);
        assertThat(pages(path + "/versions?limit=1")).containsExactly("a", "ab", "c", "");
        assertThat(pages(path + "/versions?limit=3")).containsExactly("a", "ab", "c", "");
        assertThat(texts(server.get(ROOM).body(), "action")).containsExactly("2");
    }

    @Test
    void onlyWhoMayChangesMessagesOfOthers() throws Exception {
        String serial = publish("room", "{\"data\":\"a\",\"clientId\":\"ann\"}");
        String path = ROOM + "/" + serial;

        assertThat(server.send("PATCH", TestServer.WRITER, path, "{\"action\":1,\"data\":\"b\"}")
                        .errorCode())
                .isEqualTo(40012);
        Answer others = server.send(
                "PATCH", TestServer.WRITER, path, "{\"action\":1,\"data\":\"b\",\"version\":{\"clientId\":\"bob\"}}");
        assertThat(others.status()).isEqualTo(401);
        assertThat(others.errorCode()).isEqualTo(40160);
        Answer own = server.send(
                "PATCH", TestServer.WRITER, path, "{\"action\":1,\"data\":\"c\",\"version\":{\"clientId\":\"ann\"}}");
        assertThat(own.status()).isEqualTo(200);
        assertThat(texts(server.get(ROOM).body(), "data")).containsExactly("c");
    }

    @Test
    void sizesAreBounded() throws Exception {
        Answer message = server.post(ROOM, "{\"data\":\"" + "x".repeat(65_537) + "\"}");
        assertThat(message.status()).isEqualTo(413);
        assertThat(message.errorCode()).isEqualTo(40009);

        Answer body = server.post(ROOM, "{\"data\":\"" + "x".repeat(RestDoor.MAX_BODY_BYTES) + "\"}");
        assertThat(body.status()).isEqualTo(413);
        assertThat(body.errorCode()).isEqualTo(40009);

        Answer unknown = server.send(HttpRequest.newBuilder(URI.create(server.url("/keys/a.b/requestToken")))
                .POST(BodyPublishers.ofString("x".repeat(100_000)))
                .build());
        assertThat(unknown.status()).isEqualTo(413);
        assertThat(server.get(ROOM).body()).isEmpty();
    }

    @Test
    void publishesForAConnection() throws Exception {
        String id = server.connectionKeys.newId();
        String key = server.connectionKeys.issue(id, "app", "*");

        publish("room", "{\"data\":\"a\",\"connectionKey\":\"" + key + "\"}");

        assertThat(server.get(ROOM).body().path(0).path("connectionId").asString())
                .isEqualTo(id);
        String others = server.connectionKeys.issue(id, "other", "*");
        assertThat(server.post(ROOM, "{\"data\":\"b\",\"connectionKey\":\"" + others + "\"}")
                        .errorCode())
                .isEqualTo(40006);
    }

    private void presence(String channel, PresenceEntry.Action action, String clientId) {
        server.submit(new ChangePresence(
                new SessionName("app", channel),
                System.currentTimeMillis(),
                null,
                "conn",
                List.of(new PresenceOp(
                        action, "conn:0:" + clientId, clientId, new Body(null, Data.of("d-" + clientId), null, null))),
                100));
    }

    @Test
    void showsWhoIsThereAndWhoWas() throws Exception {
        for (String clientId : List.of("ann", "bob", "cy")) {
            presence("room", PresenceEntry.Action.ENTER, clientId);
        }
        server.submit(new Leave(new SessionName("app", "elsewhere"), System.currentTimeMillis(), "conn", true));

        assertThat(pages("/channels/room/presence?limit=2")).containsExactly("d-ann", "d-bob", "d-cy");
        assertThat(pages("/channels/room/presence?clientId=bob")).containsExactly("d-bob");
        assertThat(pages("/channels/room/presence?connectionId=x")).isEmpty();
        assertThat(pages("/channels/room/presence?connectionId=conn&limit=3")).hasSize(3);
        JsonNode member =
                server.get("/channels/room/presence?clientId=ann").body().path(0);
        assertThat(member.path("action").asInt()).isEqualTo(1);
        assertThat(member.path("connectionId").asString()).isEqualTo("conn");
        presence("room", PresenceEntry.Action.LEAVE, "bob");
        assertThat(pages("/channels/room/presence?limit=2")).containsExactly("d-ann", "d-cy");
        assertThat(pages("/channels/room/presence/history?limit=3&direction=forwards"))
                .containsExactly("d-ann", "d-bob", "d-cy", "d-bob");
        assertThat(texts(server.get("/channels/room/presence/history").body(), "action"))
                .containsExactly("3", "2", "2", "2");
    }

    @Test
    void publishesToManyChannelsAtOnce() throws Exception {
        Answer batch = server.post("/messages", """
                [{"channels":["a","b",":c"],"messages":{"data":"1"}},
                 {"channels":"a","messages":[{"data":"2"},{"data":"3"}]}]""");

        assertThat(batch.status()).isEqualTo(201);
        JsonNode first = batch.body().path(0);
        assertThat(first.path("successCount").asInt()).isEqualTo(2);
        assertThat(first.path("failureCount").asInt()).isEqualTo(1);
        assertThat(texts(first.path("results"), "channel")).containsExactly("a", "b", ":c");
        assertThat(first.path("results").path(1).path("serials")).hasSize(1);
        assertThat(first.path("results").path(2).path("error").path("code").asInt())
                .isEqualTo(40010);
        assertThat(texts(server.get("/channels/a/messages?direction=forwards").body(), "data"))
                .containsExactly("1", "2", "3");

        Answer single = server.post("/messages", "{\"channels\":[\"a\"],\"messages\":{\"data\":\"4\"}}");
        assertThat(single.body().path("successCount").asInt()).isEqualTo(1);
    }

    @Test
    void olderClientsGetTheOlderAnswerToABatch() throws Exception {
        HttpRequest.Builder request =
                server.request(TestServer.ADMIN, "/messages").header("X-Ably-Version", "2");

        Answer good = server.send(
                request.POST(BodyPublishers.ofString("[{\"channels\":[\"a\",\"b\"],\"messages\":{\"data\":\"1\"}}]"))
                        .build());
        assertThat(good.status()).isEqualTo(201);
        assertThat(texts(good.body(), "channel")).containsExactly("a", "b");

        Answer bad = server.send(
                request.POST(BodyPublishers.ofString("[{\"channels\":[\"a\",\":b\"],\"messages\":{\"data\":\"1\"}}]"))
                        .build());
        assertThat(bad.status()).isEqualTo(400);
        assertThat(bad.errorCode()).isEqualTo(40020);
        assertThat(bad.body()
                        .path("batchResponse")
                        .path(1)
                        .path("error")
                        .path("code")
                        .asInt())
                .isEqualTo(40010);
    }

    @Test
    void showsWhoIsInManyChannels() throws Exception {
        presence("a", PresenceEntry.Action.ENTER, "ann");

        Answer batch = server.get("/presence?channels=a,b,:c");

        assertThat(batch.body().path("successCount").asInt()).isEqualTo(2);
        assertThat(texts(batch.body().path("results").path(0).path("presence"), "clientId"))
                .containsExactly("ann");
        assertThat(batch.body().path("results").path(1).path("presence")).isEmpty();
        assertThat(batch.body()
                        .path("results")
                        .path(2)
                        .path("error")
                        .path("code")
                        .asInt())
                .isEqualTo(40010);
        assertThat(server.get("/presence").errorCode()).isEqualTo(40003);
    }

    @Test
    void tellsHowAChannelIsDoing() throws Exception {
        presence("room", PresenceEntry.Action.ENTER, "ann");
        server.occupancy.attach(new SessionName("app", "room")).change(Flags.PUBLISH | Flags.SUBSCRIBE);

        JsonNode channel = server.get("/channels/room").body();

        assertThat(channel.path("channelId").asString()).isEqualTo("room");
        assertThat(channel.path("status").path("isActive").asBoolean()).isTrue();
        JsonNode metrics = channel.path("status").path("occupancy").path("metrics");
        assertThat(metrics).hasSize(8);
        assertThat(metrics.path("connections").asInt()).isEqualTo(1);
        assertThat(metrics.path("presenceMembers").asInt()).isEqualTo(1);
        assertThat(server.get("/channels/other")
                        .body()
                        .path("status")
                        .path("isActive")
                        .asBoolean(false))
                .as("by this very request")
                .isTrue();
    }

    @Test
    void channelsAreEnumeratedInOneOrderWhateverTheirNames() throws Exception {
        // By code points the last; by UTF-16 units the one before is greater.
        List<String> names =
                List.of("x", "x\uD7FF", "x\uE000", "x\uFF5E", "x\uD83C\uDF88", "x\uD83C\uDF88y", "x\uD83E\uDD84");
        for (String name : names.reversed()) {
            publish(URLEncoder.encode(name, StandardCharsets.UTF_8), "{\"data\":\"d\"}");
        }
        for (String name : List.of("x\uFFFDlive", "x\uD83C\uDF88live")) {
            server.occupancy.attach(new SessionName("app", name)).change(Flags.SUBSCRIBE);
        }
        List<String> found = new ArrayList<>();
        String query = "?prefix=x&limit=1&by=id";
        while (!query.isEmpty()) {
            Answer page = server.get("/channels" + query);
            page.body().forEach(name -> found.add(name.asString()));
            query = page.link("next");
        }
        assertThat(found)
                .containsExactly(
                        "x",
                        "x\uD7FF",
                        "x\uE000",
                        "x\uFF5E",
                        "x\uFFFDlive",
                        "x\uD83C\uDF88",
                        "x\uD83C\uDF88live",
                        "x\uD83C\uDF88y",
                        "x\uD83E\uDD84");
    }

    @Test
    void idsOfABatchHaveOneBaseToo() throws Exception {
        Answer batch = server.post(
                "/messages",
                "{\"channels\":[\"a\",\"b\"],\"messages\":[{\"id\":\"x\",\"data\":\"1\"},{\"id\":\"x\",\"data\":\"2\"}]}");

        assertThat(batch.body().path("failureCount").asInt()).isEqualTo(2);
        assertThat(batch.firstErrorCode()).isEqualTo(40031);
        assertThat(server.get("/channels/a/messages").body()).isEmpty();
    }

    @Test
    void enumeratesTheChannelsOfAnApp() throws Exception {
        for (String channel : List.of("x:b", "x:a", "y:a", "x:c")) {
            publish(channel, "{\"data\":\"d\"}");
        }
        server.occupancy.attach(new SessionName("app", "x:d")).change(Flags.SUBSCRIBE);
        server.send("POST", TestServer.STRANGER, "/channels/x:e/messages", "{\"data\":\"d\"}");

        List<String> names = new ArrayList<>();
        String query = "?prefix=x:&limit=3&by=id";
        while (!query.isEmpty()) {
            Answer page = server.get("/channels" + query);
            page.body().forEach(name -> names.add(name.asString()));
            query = page.link("next");
        }
        assertThat(names).containsExactly("x:a", "x:b", "x:c", "x:d");
        assertThat(texts(server.get("/channels").body(), "channelId"))
                .containsExactly("x:a", "x:b", "x:c", "x:d", "y:a");
    }

    @ParameterizedTest
    @EnumSource
    void browsersGetHeadersInTheBody(WireFormat format) throws Exception {
        publish("room", "{\"data\":\"a\"}");
        publish("room", "{\"data\":\"b\"}");
        String envelope = format == WireFormat.JSON ? "json" : "msgpack";

        Answer answer = server.get(ROOM + "?limit=1&envelope=" + envelope);

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.format()).isEqualTo(format);
        assertThat(answer.body().path("statusCode").asInt()).isEqualTo(200);
        assertThat(answer.body().path("headers").path("link").asString())
                .contains("<./messages?limit=1&envelope=" + envelope + ">; rel=\"first\", ", "; rel=\"next\"");
        assertThat(texts(answer.body().path("response"), "data")).containsExactly("b");
    }

    @Test
    void pagesInBrowsersMayUseIt() throws Exception {
        HttpRequest preflight = HttpRequest.newBuilder(URI.create(server.url(ROOM)))
                .header("Origin", "https://page.example")
                .header("Access-Control-Request-Method", "PATCH")
                .method("OPTIONS", BodyPublishers.noBody())
                .build();
        Answer allowed = server.send(preflight);
        assertThat(allowed.status()).isEqualTo(204);
        assertThat(allowed.header("Access-Control-Allow-Methods")).contains("PATCH");
        assertThat(allowed.header("Access-Control-Allow-Headers")).contains("Authorization", "X-Ably-Version");

        Answer refused = server.send(HttpRequest.newBuilder(URI.create(server.url(ROOM)))
                .header("Origin", "https://page.example")
                .build());
        assertThat(refused.status()).isEqualTo(401);
        for (Answer answer : List.of(allowed, refused)) {
            assertThat(answer.header("Access-Control-Allow-Origin")).isEqualTo("https://page.example");
            assertThat(answer.header("Access-Control-Allow-Credentials")).isEqualTo("true");
            assertThat(answer.header("Access-Control-Expose-Headers")).contains("Link", "X-Ably-Errorcode");
            assertThat(answer.header("Vary")).isEqualToIgnoringCase("Origin");
        }
    }

    @Test
    void appsDoNotSeeEachOther() throws Exception {
        String serial = publish("room", "{\"data\":\"a\"}");

        assertThat(server.get(TestServer.STRANGER, ROOM).body()).isEmpty();
        assertThat(server.get(TestServer.STRANGER, ROOM + "/" + serial).status())
                .isEqualTo(404);
    }

    @Test
    void tokensAreAskedForAndUsed() throws Exception {
        Answer token = server.post(
                "/keys/app.admin/requestToken",
                "{\"keyName\":\"app.admin\",\"timestamp\":" + System.currentTimeMillis()
                        + ",\"clientId\":\"ann\",\"capability\":\"{\\\"room\\\":[\\\"publish\\\"]}\"}");
        assertThat(token.status()).isEqualTo(201);
        String bearer = Base64.getEncoder()
                .encodeToString(token.body().path("token").asString().getBytes(StandardCharsets.UTF_8));

        HttpRequest.Builder publish =
                HttpRequest.newBuilder(URI.create(server.url(ROOM))).header("Authorization", "Bearer " + bearer);
        assertThat(server.send(publish.POST(BodyPublishers.ofString("{\"data\":\"a\"}"))
                                .build())
                        .status())
                .isEqualTo(201);
        assertThat(server.send(publish.POST(BodyPublishers.ofString("{\"clientId\":\"bob\"}"))
                                .build())
                        .errorCode())
                .isEqualTo(40012);
        assertThat(server.send(publish.GET().build()).errorCode()).isEqualTo(40160);
        assertThat(texts(server.get(ROOM).body(), "clientId")).containsExactly("ann");
    }

    @Test
    void appsAreMadeAndRemoved() throws Exception {
        Answer made = server.post("/apps", "{\"keys\":[{}],\"namespaces\":[{\"id\":\"n\",\"persisted\":true}]}");
        assertThat(made.status()).isEqualTo(201);
        String key = made.body().path("keys").path(0).path("keyStr").asString();
        assertThat(server.send("POST", key, ROOM, "{\"data\":\"a\"}").status()).isEqualTo(201);

        String app = made.body().path("appId").asString();
        assertThat(server.send("DELETE", key, "/apps/" + app, "").status()).isEqualTo(204);
        assertThat(server.get(key, ROOM).status()).isEqualTo(401);
    }
}
