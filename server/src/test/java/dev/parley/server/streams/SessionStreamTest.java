package dev.parley.server.streams;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.Describe;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.stream.Payload;
import dev.parley.engine.stream.StreamCommand;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The streams of sessions: who may read them, what their offsets are, and what a reader is told. */
@Timeout(60)
class SessionStreamTest {
    private static final SessionName SESSION = new SessionName("app", "s \u00e4/\ud83d\ude00");
    private static final String PATH = "sessions/s%20%C3%A4%2F%F0%9F%98%80";
    private static final long TIME = 1_800_000_000_000L;

    @TempDir
    Path folder;

    @SuppressWarnings("NullAway.Init") // made before each test
    private StreamsServer server;

    @BeforeEach
    void open() throws IOException {
        server = new StreamsServer(folder, Map.of("streams.long-poll-timeout", "200"));
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    private void make() {
        server.engine
                .submit(new Describe(SESSION, TIME, "me", true, false, List.of(), 10))
                .join();
    }

    private long publish(String text, @Nullable String extras) {
        var body = new Body("chat", Data.of(text), null, extras);
        var command = new Publish(
                SESSION, TIME, null, List.of(new MessageOp.Create("id-" + text, true, "me", null, body, false)));
        return ((Accepted) server.engine.submit(command).join()).positions().getFirst();
    }

    private HttpResponse<String> send(String method, String query, String... headers) throws Exception {
        String[] all = new String[headers.length + 2];
        all[0] = "Authorization";
        all[1] = "Bearer " + StreamsServer.KEY;
        System.arraycopy(headers, 0, all, 2, headers.length);
        return server.send(method, PATH + query, "", all);
    }

    private static String next(HttpResponse<String> answer) {
        return answer.headers().firstValue("Stream-Next-Offset").orElseThrow();
    }

    private static JsonNode json(HttpResponse<String> answer) {
        return JsonMapper.shared().readTree(answer.body());
    }

    private static String code(HttpResponse<String> answer) {
        return json(answer).path("error").path("code").asString();
    }

    @Test
    void aMessageIsARowThatEchoesItsTransaction() throws Exception {
        long serial = publish("hello", "{\"ai\":{\"transport\":{\"parley-txid\":\"tx\"}}}");
        HttpResponse<String> answer = send("GET", "?offset=-1");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
        assertThat(answer.headers().firstValue("Stream-Up-To-Date")).hasValue("true");
        assertThat(answer.headers().firstValue("Cache-Control")).hasValue("private, no-cache");
        assertThat(json(answer)).hasSize(1);
        JsonNode change = json(answer).get(0);
        assertThat(change.path("type").asString()).isEqualTo("chunk");
        assertThat(change.path("headers").toString()).isEqualTo("{\"operation\":\"upsert\",\"txid\":\"tx\"}");
        JsonNode value = change.path("value");
        assertThat(value.path("messageId").asString()).isEqualTo("id-hello");
        assertThat(value.path("actorId").asString()).isEqualTo("me");
        assertThat(value.path("createdAt").asString()).isEqualTo("2027-01-15T08:00:00.000Z");
        assertThat(value.path("serial")).isEqualTo(change.path("key"));
        JsonNode chunk = JsonMapper.shared().readTree(value.path("chunk").asString());
        assertThat(chunk.path("type").asString()).isEqualTo("user-message");
        assertThat(chunk.path("message").path("parts").toString())
                .isEqualTo("[{\"type\":\"text\",\"content\":\"hello\"}]");

        server.engine
                .submit(new Publish(
                        SESSION,
                        TIME,
                        null,
                        List.of(new MessageOp.Change(
                                MessageEntry.Action.DELETE,
                                serial,
                                Body.EMPTY,
                                new Operation("me", null, null),
                                false,
                                false,
                                1_000))))
                .join();
        assertThat(send("GET", "?offset=" + next(answer)).body())
                .isEqualTo("[{\"type\":\"chunk\",\"key\":\""
                        + value.path("serial").asString() + "\",\"headers\":{\"operation\":\"delete\"}}]");
    }

    @Test
    void readingNeedsWhatTheSessionAsksFor() throws Exception {
        make();
        assertThat(server.send("GET", PATH, "").statusCode()).isEqualTo(401);
        for (String key : List.of(StreamsServer.WATCHER, StreamsServer.STREAMER)) {
            for (String live : List.of("", "?offset=-1&live=sse", "?offset=-1&live=long-poll")) {
                assertThat(server.send("GET", PATH + live, "", "Authorization", "Bearer " + key)
                                .statusCode())
                        .as("%s with %s", live, key)
                        .isIn(401, 403);
            }
            assertThat(server.send("HEAD", PATH, "", "Authorization", "Bearer " + key)
                            .statusCode())
                    .isIn(401, 403);
        }
        HttpResponse<String> stranger =
                server.send("GET", PATH, "", "Authorization", "Bearer " + StreamsServer.STRANGER);
        assertThat(stranger.statusCode()).as("the credential chooses the app").isEqualTo(404);
        assertThat(server.send("GET", PATH + "?key=" + StreamsServer.KEY, "").statusCode())
                .as("an EventSource has no headers")
                .isEqualTo(200);
    }

    @Test
    void namesAreAsLongAsThoseOfSessions() throws Exception {
        String name = "\ud83d\ude00".repeat(150);
        server.engine
                .submit(new Describe(new SessionName("app", name), TIME, "me", true, false, List.of(), 10))
                .join();
        assertThat(server.send(
                                "GET",
                                "sessions/" + "%F0%9F%98%80".repeat(150),
                                "",
                                "Authorization",
                                "Bearer " + StreamsServer.KEY)
                        .statusCode())
                .isEqualTo(200);
    }

    @Test
    void writingIsForTheSessionDoor() throws Exception {
        make();
        for (String method : List.of("PUT", "POST", "DELETE", "PATCH")) {
            HttpResponse<String> answer = send(method, "");
            assertThat(answer.statusCode()).isEqualTo(405);
            assertThat(answer.headers().firstValue("Allow")).hasValue("GET, HEAD, OPTIONS");
            assertThat(answer.body()).contains("/v1/sessions/");
        }
    }

    @Test
    void aSessionWithNothingInItIsUpToDate() throws Exception {
        assertThat(code(send("GET", "?offset=-1"))).isEqualTo("STREAM_NOT_FOUND");
        assertThat(code(send("GET", "?offset=-1&live=sse"))).isEqualTo("STREAM_NOT_FOUND");
        make();
        HttpResponse<String> head = send("HEAD", "");
        assertThat(head.statusCode()).isEqualTo(200);
        HttpResponse<String> answer = send("GET", "");
        assertThat(answer.body()).isEqualTo("[]");
        assertThat(answer.headers().firstValue("Stream-Up-To-Date")).hasValue("true");
        assertThat(next(answer)).isEqualTo(next(head));
        HttpResponse<String> waited = send("GET", "?live=long-poll&offset=" + next(answer));
        assertThat(waited.statusCode()).isEqualTo(204);
        assertThat(next(waited)).isEqualTo(next(answer));
        assertThat(waited.headers().firstValue("Stream-Cursor")).isPresent();
    }

    @Test
    void offsetsAreThoseOfOneIncarnation() throws Exception {
        publish("one", null);
        String one = next(send("GET", "?offset=now"));
        publish("two", null);
        String two = next(send("GET", ""));
        assertThat(one).isLessThan(two);
        assertThat(json(send("GET", "?offset=" + one))).hasSize(1);
        assertThat(json(send("GET", "?offset=" + Offsets.START))).hasSize(2);
        assertThat(code(send("GET", "?offset=nonsense"))).isEqualTo("INVALID_OFFSET");
        assertThat(code(send("GET", "?live=sse"))).isEqualTo("NO_OFFSET");
        int position = Offsets.NAME_LENGTH + 1;
        String beyond = two.substring(0, position) + "9" + two.substring(position + 1);
        assertThat(code(send("GET", "?offset=" + beyond))).isEqualTo("INVALID_OFFSET");
        beyond = two.substring(0, position) + "8" + two.substring(position + 1);
        assertThat(code(send("GET", "?offset=" + beyond))).isEqualTo("OFFSET_BEYOND_TAIL");
        String forged = (two.charAt(Offsets.NAME_LENGTH - 1) == 'a' ? "b" : "a");
        forged = two.substring(0, Offsets.NAME_LENGTH - 1) + forged + two.substring(Offsets.NAME_LENGTH);
        assertThat(code(send("GET", "?offset=" + forged))).isEqualTo("OFFSET_LOST");

        server.engine.submit(new Remove(SESSION, TIME)).join();
        assertThat(send("GET", "?offset=" + two).statusCode()).isEqualTo(410);
        publish("three", null);
        for (String live : List.of("", "&live=sse", "&live=long-poll")) {
            HttpResponse<String> answer = send("GET", "?offset=" + two + live);
            assertThat(answer.statusCode()).as(live).isEqualTo(410);
            assertThat(code(answer)).isEqualTo("OFFSET_LOST");
        }
    }

    @Test
    void whatAClientHasIsNotSentAgain() throws Exception {
        publish("one", null);
        HttpResponse<String> answer = send("GET", "?offset=-1");
        String tag = answer.headers().firstValue("ETag").orElseThrow();
        HttpResponse<String> same = send("GET", "?offset=-1", "If-None-Match", tag);
        assertThat(same.statusCode()).isEqualTo(304);
        assertThat(next(same)).isEqualTo(next(answer));
        publish("two", null);
        assertThat(send("GET", "?offset=-1", "If-None-Match", tag).statusCode()).isEqualTo(200);
    }

    @Test
    void aLongPollWaitsForWhatIsNew() throws Exception {
        make();
        String start = next(send("GET", ""));
        server.close();
        server = new StreamsServer(folder, Map.of("streams.long-poll-timeout", "30000"));
        var waiting = Thread.ofVirtual().unstarted(() -> publish("news", null));
        waiting.start();
        HttpResponse<String> answer = send("GET", "?live=long-poll&offset=" + start);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).contains("news");
        waiting.join();
    }

    @Test
    void agentsAreRowsAndGoWhenTheyAreNamedNoLonger() throws Exception {
        var notice = new RunTexts.Notice("wake", "{", ",", "}", "json");
        var bot = new Agent("bot\u00e4", "Bot", null, Agent.Trigger.ALL, List.of(), 0, false, notice, notice);
        server.engine
                .submit(new NameAgents(SESSION, TIME, List.of(bot), List.of()))
                .join();
        HttpResponse<String> named = send("GET", "");
        assertThat(json(named).get(0).path("value").path("agentId").asString()).isEqualTo(bot.id());
        assertThat(send("GET", "?offset=" + next(named)).body()).isEqualTo("[]");

        var waiting = Thread.ofVirtual()
                .unstarted(() -> server.engine
                        .submit(new NameAgents(SESSION, TIME, List.of(), List.of(bot.id())))
                        .join());
        waiting.start();
        HttpResponse<String> gone = send("GET", "?offset=" + next(named));
        waiting.join();
        if (gone.body().equals("[]")) {
            gone = send("GET", "?offset=" + next(named));
        }
        assertThat(gone.body())
                .isEqualTo("[{\"type\":\"agent\",\"key\":\"bot\u00e4\",\"headers\":{\"operation\":\"delete\"}}]");
        assertThat(next(gone)).hasSizeLessThan(next(named).length());
    }

    @Test
    void whoHasLeftIsGone() throws Exception {
        presence(PresenceEntry.Action.ENTER);
        HttpResponse<String> there = send("GET", "");
        assertThat(json(there).get(0).path("key").asString()).isEqualTo("me:connection");
        assertThat(json(there).get(0).path("value").path("status").asString()).isEqualTo("online");
        presence(PresenceEntry.Action.LEAVE);
        assertThat(send("GET", "?offset=" + next(there)).body())
                .isEqualTo(
                        "[{\"type\":\"presence\",\"key\":\"me:connection\",\"headers\":{\"operation\":\"delete\"}}]");
    }

    private void presence(PresenceEntry.Action action) {
        var event = new PresenceOp(action, "connection:" + action + ":0", "me", Body.EMPTY);
        server.engine
                .submit(new ChangePresence(SESSION, TIME, null, "connection", List.of(event), 10))
                .join();
    }

    @Test
    void chunksAreInTheOrderOfTheirSerials() throws Exception {
        publish("a", null);
        publish("b", null);
        JsonNode rows = json(send("GET", ""));
        long a = rows.get(0).path("value").path("seq").asLong();
        long b = rows.get(1).path("value").path("seq").asLong();
        assertThat(a).isLessThan(b);
        assertThat(b).as("JavaScript has it exactly").isLessThan(1L << 53);
        assertThat(Positions.millis(Positions.startOf(TIME))).isEqualTo(TIME);
    }

    @Test
    void aFolderTellsOfStreamsWhoseNamesAreThoseOfSessions() {
        assertThat(StreamsDoor.streamInPlaceOfSession(server.engine.streams())).isNull();
        for (String path : List.of("sessions", "sessionsx", "sessions/old")) {
            server.engine
                    .submit(new StreamCommand.Create(path, TIME, "text/plain", -1, -1, false, Payload.empty(), null))
                    .join();
        }
        assertThat(StreamsDoor.streamInPlaceOfSession(server.engine.streams())).isEqualTo("sessions/old");
        server.engine.submit(new StreamCommand.Delete("sessions/old", TIME)).join();
        assertThat(StreamsDoor.streamInPlaceOfSession(server.engine.streams())).isNull();
    }
}
