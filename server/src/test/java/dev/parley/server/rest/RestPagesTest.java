package dev.parley.server.rest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionName;
import dev.parley.server.rest.TestServer.Answer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** No list makes an answer of any size: a page ends where it has too many bytes, and links to the next. */
class RestPagesTest {
    /** Two of them are more than a page of the {@link TestServer} may have. */
    private static final int LARGE = 6_000;

    private static final int COUNT = 5;

    @TempDir
    private Path folder;

    private TestServer server;

    @BeforeEach
    void start() throws IOException {
        server = new TestServer(folder);
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private static String large(int number) {
        return number + "x".repeat(LARGE);
    }

    private void enter(String channel, int number, String data) {
        server.submit(new ChangePresence(
                new SessionName("app", channel),
                System.currentTimeMillis(),
                null,
                "conn",
                List.of(new PresenceOp(
                        PresenceEntry.Action.ENTER,
                        "conn:" + number + ":0",
                        "client" + number,
                        new Body(null, Data.of(data), null, null))),
                100));
    }

    /** The elements of all pages, in their order; no page may have more than two of the large ones. */
    private List<JsonNode> pages(String path) throws Exception {
        List<JsonNode> found = new ArrayList<>();
        String query = "?direction=forwards";
        for (int pages = 0; !query.isEmpty(); pages++) {
            assertThat(pages).as("pages of " + path).isLessThan(3 * COUNT);
            Answer page = server.get(path + query);
            assertThat(page.status()).isEqualTo(200);
            assertThat(page.http().body()).hasSizeBetween(3, 2 * LARGE + 2_000);
            page.body().forEach(found::add);
            query = page.link("next");
        }
        return found;
    }

    private static List<Character> firsts(List<JsonNode> elements) {
        return elements.stream()
                .map(element -> element.path("data").asString().charAt(0))
                .toList();
    }

    @Test
    void ofMembersAndOfWhatTheyDid() throws Exception {
        for (int i = 0; i < COUNT; i++) {
            enter("room", i, large(i));
        }

        assertThat(firsts(pages("/channels/room/presence"))).containsExactly('0', '1', '2', '3', '4');
        assertThat(firsts(pages("/channels/room/presence/history"))).containsExactly('0', '1', '2', '3', '4');
    }

    @Test
    void ofVersionsAndAnnotations() throws Exception {
        String message = "/channels/room/messages/"
                + server.post("/channels/room/messages", "{\"data\":\"" + large(0) + "\"}")
                        .body()
                        .path("serials")
                        .path(0)
                        .asString();
        for (int i = 1; i < COUNT; i++) {
            assertThat(server.send("PATCH", TestServer.ADMIN, message, "{\"action\":1,\"data\":\"" + large(i) + "\"}")
                            .status())
                    .isEqualTo(200);
        }
        for (int i = 0; i < COUNT; i++) {
            assertThat(server.post(
                                    message + "/annotations",
                                    "{\"type\":\"note:total.v1\",\"data\":\"" + large(i) + "\"}")
                            .status())
                    .isEqualTo(201);
        }

        assertThat(firsts(pages(message + "/versions"))).containsExactly('0', '1', '2', '3', '4');
        assertThat(firsts(pages(message + "/annotations"))).containsExactly('0', '1', '2', '3', '4');
    }

    @Test
    void ofChannels() throws Exception {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            names.add("channel%02d".formatted(i) + "n".repeat(1_500));
            server.post("/channels/" + names.getLast() + "/messages", "{\"data\":\"x\"}");
        }

        assertThat(pages("/channels"))
                .extracting(channel -> channel.path("channelId").asString())
                .isEqualTo(names);
    }

    @Test
    void aBatchAnswersForEachChannelOnceAndHasABound() throws Exception {
        enter("small", 1, "here");
        enter("other", 1, "here");
        for (int i = 0; i < COUNT; i++) {
            enter("large", i, large(i));
        }

        JsonNode twice =
                server.get("/presence?channels=small,small,large,small,other").body();

        assertThat(twice.path("results"))
                .extracting(result -> result.path("channel").asString())
                .containsExactly("small", "large", "other");
        assertThat(twice.path("successCount").asInt()).isEqualTo(2);
        assertThat(twice.path("results").path(0).path("presence")).hasSize(1);
        assertThat(twice.path("results").path(1).path("error").path("code").asInt())
                .isEqualTo(40009);
        assertThat(twice.path("results").path(2).path("presence")).hasSize(1);
    }
}
