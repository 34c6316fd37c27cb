package dev.parley.server.rest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.server.rest.TestServer.Answer;
import java.io.IOException;
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
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class AnnotationsResourceTest {
    private TestServer server;
    private String serial = "";

    @BeforeEach
    void start(@TempDir Path folder) throws Exception {
        server = new TestServer(folder);
        serial = server.post("/channels/room/messages", "{\"data\":\"hi\"}")
                .body()
                .path("serials")
                .path(0)
                .asString();
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private String path() {
        return "/channels/room/messages/" + serial;
    }

    private Answer annotate(String clientId, String json) throws Exception {
        return server.send(server.request(TestServer.ADMIN, path() + "/annotations")
                .header("Content-Type", "application/json")
                .header(
                        "X-Ably-ClientId",
                        Base64.getEncoder().encodeToString(clientId.getBytes(StandardCharsets.UTF_8)))
                .POST(BodyPublishers.ofString(json))
                .build());
    }

    @Test
    void whatIsSaidAboutAMessageIsListedOldestFirst() throws Exception {
        for (int i = 0; i < 5; i++) {
            Answer answer = annotate("ann", "[{\"type\":\"tag:distinct.v1\",\"name\":\"n%d\"}]".formatted(i));
            assertThat(answer.status()).isEqualTo(201);
            assertThat(answer.body().path("serials").path(0).asString()).isGreaterThan(serial);
        }

        List<String> names = new ArrayList<>();
        String query = "?limit=2";
        while (!query.isEmpty()) {
            Answer page = server.get(path() + "/annotations" + query);
            assertThat(page.status()).isEqualTo(200);
            assertThat(page.body().size()).isLessThanOrEqualTo(2);
            page.body().forEach(annotation -> {
                assertThat(annotation.path("messageSerial").asString()).isEqualTo(serial);
                assertThat(annotation.path("action").asInt()).isZero();
                names.add(annotation.path("name").asString());
            });
            query = page.link("next");
        }
        assertThat(names).containsExactly("n0", "n1", "n2", "n3", "n4");
    }

    @Test
    void theSumIsInTheMessageAndInTheHistory() throws Exception {
        annotate("ann", "{\"type\":\"vote:unique.v1\",\"name\":\"yes\"}");
        annotate("bob", "{\"type\":\"vote:unique.v1\",\"name\":\"yes\"}");
        annotate("bob", "{\"type\":\"vote:unique.v1\",\"name\":\"no\"}");
        annotate("ann", "{\"type\":\"like:flag.v1\"}");
        annotate("ann", "{\"type\":\"like:flag.v1\",\"action\":1}");
        annotate("ann", "{\"type\":\"star:multiple.v1\",\"name\":\"s\",\"count\":4}");

        JsonNode summary = server.get(path()).body().path("annotations").path("summary");

        assertThat(summary.path("vote:unique.v1"))
                .hasToString("{\"no\":{\"total\":1,\"clientIds\":[\"bob\"],\"clipped\":false},"
                        + "\"yes\":{\"total\":1,\"clientIds\":[\"ann\"],\"clipped\":false}}");
        assertThat(summary.path("star:multiple.v1").path("s").path("clientIds")).hasToString("{\"ann\":4}");
        assertThat(summary.path("like:flag.v1").path("total").asInt(0)).isZero();
        assertThat(server.get("/channels/room/messages")
                        .body()
                        .path(0)
                        .path("annotations")
                        .path("summary"))
                .isEqualTo(summary);
    }

    @Test
    void aClientLearnsWhatItHasSaid() throws Exception {
        annotate("ann", "{\"type\":\"vote:distinct.v1\",\"name\":\"yes\"}");
        annotate("bob", "{\"type\":\"vote:distinct.v1\",\"name\":\"no\"}");

        assertThat(server.get(path() + "/client-summary?clientId=ann").body())
                .hasToString("{\"vote:distinct.v1\":"
                        + "{\"yes\":{\"total\":1,\"clientIds\":[\"ann\"],\"clipped\":false}}}");
        assertThat(server.get(path() + "/client-summary?clientId=eve").body()).isEmpty();
        assertThat(server.get(path() + "/client-summary").errorCode()).isEqualTo(40003);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
            {"type":"vote:unique.v1","clientId":"bob"}   | 40012
            {"type":"a:b:c"}                             | 40003
            {"type":""}                                  | 40003
            {"name":"x"}                                 | 40003
            {"type":"a:total.v1","id":""}                | 40031
            []                                           | 40000
            """)
    void refusesWhatMakesNoSense(String json, int code) throws Exception {
        assertThat(annotate("ann", json).errorCode()).isEqualTo(code);
        assertThat(server.get(path() + "/annotations").body()).isEmpty();
    }

    @Test
    void someTypesAreOnlyForWhoHasAName() throws Exception {
        assertThat(server.post(path() + "/annotations", "{\"type\":\"like:flag.v1\"}")
                        .errorCode())
                .isEqualTo(40161);
        assertThat(server.post(path() + "/annotations", "{\"type\":\"seen:total.v1\"}")
                        .status())
                .isEqualTo(201);
    }

    @Test
    void onlyWhatIsThereAndMutableCanBeAnnotated() throws Exception {
        String unknown = "/channels/room/messages/01795251092000-0000003/annotations";
        assertThat(server.post(unknown, "{\"type\":\"a:total.v1\"}").errorCode())
                .isEqualTo(40400);
        assertThat(server.get(unknown).errorCode()).isEqualTo(40400);
        String fixed = server.post("/channels/fixed:1/messages", "{\"data\":\"hi\"}")
                .body()
                .path("serials")
                .path(0)
                .asString();
        assertThat(server.post("/channels/fixed:1/messages/" + fixed + "/annotations", "{\"type\":\"a:total.v1\"}")
                        .errorCode())
                .isEqualTo(93002);
    }

    @Test
    void eachNeedsItsCapability() throws Exception {
        assertThat(server.send("POST", TestServer.WRITER, path() + "/annotations", "{\"type\":\"a:total.v1\"}")
                        .errorCode())
                .isEqualTo(40160);
        assertThat(server.get(TestServer.WRITER, path() + "/annotations").errorCode())
                .isEqualTo(40160);
        assertThat(server.get(TestServer.NOBODY, path() + "/client-summary?clientId=a")
                        .errorCode())
                .isEqualTo(40160);
        assertThat(server.get(TestServer.STRANGER, path() + "/annotations").errorCode())
                .isEqualTo(40400);
    }
}
