package dev.parley.server.rest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.SessionName;
import dev.parley.server.rest.TestServer.Answer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is refused, with which code, and that nothing is stored then. */
class RestRefusalsTest {
    private static final String ROOM = "/channels/room/messages";

    @TempDir
    private static Path folder;

    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        server = new TestServer(folder);
    }

    @AfterEach
    void nothingIsStored() {
        assertThat(server.engine.sessions().list("app", "", "", 1)).isEmpty();
    }

    @AfterAll
    static void stop() throws IOException {
        server.close();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            room  | 01795251092000-0000000 | {"action":1,"data":"x"} | 404 | 40400
            room  | nonsense               | {"action":1,"data":"x"} | 400 | 40003
            room  | 01795251092000-0000000 | {"action":0,"data":"x"} | 400 | 40003
            room  | 01795251092000-0000000 | {"action":4,"data":"x"} | 400 | 40003
            fixed:x | 01795251092000-0000000 | {"action":1,"data":"x"} | 400 | 93002
            """)
    void aChangeThatMakesNoSense(String channel, String serial, String body, int status, int code) throws Exception {
        Answer refused = server.send("PATCH", TestServer.ADMIN, "/channels/" + channel + "/messages/" + serial, body);

        assertThat(refused.status()).isEqualTo(status);
        assertThat(refused.errorCode()).isEqualTo(code);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {                                   | 400 | 40001
            5                                   | 400 | 40001
            []                                  | 400 | 40000
            [5]                                 | 400 | 40001
            [{"id":"x","data":"a"},{"id":"x","data":"b"}]     | 400 | 40031
            [{"id":"x:0","data":"a"},{"id":"y:1","data":"b"}] | 400 | 40031
            [{"id":"x:1","data":"a"},{"id":"x:0","data":"b"}] | 400 | 40031
            [{"id":"x:0","data":"a"},{"data":"b"}]            | 400 | 40031
            [{"data":"a"},{"id":"x:1","data":"b"}]            | 400 | 40031
            [{"id":":0","data":"a"},{"id":":1","data":"b"}]   | 400 | 40031
            {"name":5}                          | 400 | 40003
            {"data":5}                          | 400 | 40013
            {"data":"!","encoding":"base64"}    | 400 | 40013
            {"extras":"x"}                      | 400 | 40003
            {"clientId":"*"}                    | 400 | 40012
            {"id":""}                           | 400 | 40031
            {"action":7}                        | 400 | 40003
            {"connectionKey":"nonsense"}        | 400 | 40006
            """)
    void aPublishThatMakesNoSense(String body, int status, int code) throws Exception {
        Answer refused = server.post(ROOM, body);

        assertThat(refused.status()).isEqualTo(status);
        assertThat(refused.errorCode()).isEqualTo(code);
        assertThat(refused.header("X-Ably-Errorcode")).isEqualTo(String.valueOf(code));
        assertThat(refused.header("X-Ably-Errormessage"))
                .isEqualTo(refused.body().path("error").path("message").asString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "[]", "5", "{\"channels\":[],\"messages\":{}}", "{\"channels\":[5],\"messages\":{}}"})
    void aBatchThatMakesNoSense(String body) throws Exception {
        assertThat(server.post("/messages", body).status()).isEqualTo(400);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            GET   | /channels
            GET   | /channels/room
            GET   | /channels/room/messages
            POST  | /channels/room/messages
            GET   | /channels/room/messages/01795251092000-0000000
            GET   | /channels/room/messages/01795251092000-0000000/versions
            PATCH | /channels/room/messages/01795251092000-0000000
            GET   | /channels/room/presence
            GET   | /channels/room/presence/history
            """)
    void everythingWantsTheCapability(String method, String path) throws Exception {
        String body = "{\"action\":" + (method.equals("PATCH") ? 1 : 0) + ",\"data\":\"x\"}";

        Answer forbidden = server.send(method, TestServer.NOBODY, path, body);
        assertThat(forbidden.status()).isEqualTo(401);
        assertThat(forbidden.errorCode()).isEqualTo(40160);
        Answer wrong = server.send(method, TestServer.ADMIN.replace("s3", "S3"), path, body);
        assertThat(wrong.status()).isEqualTo(401);
        assertThat(wrong.errorCode()).isEqualTo(40101);
        assertThat(wrong.header("WWW-Authenticate")).startsWith("Bearer");
        Answer anonymous = server.send(HttpRequest.newBuilder(URI.create(server.url(path)))
                .method(method, BodyPublishers.ofString(body))
                .build());
        assertThat(anonymous.status()).isEqualTo(401);
        assertThat(anonymous.errorCode()).isEqualTo(40101);
        assertThat(server.engine.sessions().find(new SessionName("app", "room")))
                .isNull();
    }

    @Test
    void aBatchAsksForTheCapabilityOfEachChannel() throws Exception {
        Answer batch = server.send(
                "POST", TestServer.NOBODY, "/messages", "{\"channels\":[\"room\"],\"messages\":{\"data\":\"1\"}}");

        assertThat(batch.firstErrorCode()).isEqualTo(40160);
        Answer presence = server.get(TestServer.NOBODY, "/presence?channels=room");
        assertThat(presence.firstErrorCode()).isEqualTo(40160);
        assertThat(server.engine.sessions().find(new SessionName("app", "room")))
                .isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "GET,/",
        "GET,/nothing",
        "GET,/keys/app.admin/requestToken",
        "DELETE,/channels/room",
        "POST,/channels/room/presence",
        "GET,/channels/room/messages/x/y/z",
        "GET,/channels/room/messages/01795251092000-0000000",
        "GET,/channels/room/messages/nonsense"
    })
    void nothingIsThere(String method, String path) throws Exception {
        Answer answer = server.send(method, TestServer.ADMIN, path, "{}");

        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.errorCode()).isEqualTo(40400);
    }

    /** Most other codes make a browser give up its connection for good. */
    @Test
    void whoLooksForPollingIsSentBackToWebSockets() throws Exception {
        Answer answer = server.get("/comet/connect");

        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.errorCode()).isEqualTo(80003);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "?limit=x",
                "?limit=1001",
                "?limit=-1",
                "?start=5&end=4",
                "?start=99999999999999999999",
                "?direction=sideways",
                "?cursor=x",
                "?from_serial=x"
            })
    void aQueryThatMakesNoSense(String query) throws Exception {
        Answer answer = server.get(ROOM + query);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.errorCode()).isEqualTo(40003);
    }

    @ParameterizedTest
    @ValueSource(strings = {"%3Ax", "%5Bx", "%5Bx%5D", "a%0Ab"})
    void aNameThatIsNone(String name) throws Exception {
        Answer answer = server.get("/channels/" + name + "/messages");

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.errorCode()).isEqualTo(40010);
    }

    @Test
    void theHeaderOfAnErrorIsPrintableWhateverItQuotes() throws Exception {
        Answer answer = server.send("GET", TestServer.NOBODY, "/channels/gr%C3%BC%C3%9F%C2%85/messages", "");

        assertThat(answer.errorCode()).isEqualTo(40010);
        Answer quoted = server.send("GET", TestServer.NOBODY, "/channels/gr%C3%BC%C3%9F/messages", "");
        assertThat(quoted.errorCode()).isEqualTo(40160);
        assertThat(quoted.header("X-Ably-Errormessage")).contains("gr??").matches("[ -~]+");
    }
}
