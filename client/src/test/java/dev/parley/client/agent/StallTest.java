package dev.parley.client.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.client.OpenRun;
import dev.parley.client.OpenRun.Status;
import dev.parley.client.Session;
import dev.parley.client.Stall;
import dev.parley.client.TestServer;
import dev.parley.conversation.RunStatus;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** An agent that is there and says nothing in the middle of its run: everybody sees it, over a restart, until it goes on. */
class StallTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    /** Beyond the characters that one unit of UTF-16 has. */
    private static final String SESSION = "stille-\uD83D\uDE34-\uD835\uDCAE";

    private static List<Status> statuses(Session session) {
        return session.openRuns().stream().map(OpenRun::status).toList();
    }

    /** The names of the sessions with a stalled run. */
    private static String list(People people) throws Exception {
        String key = Base64.getEncoder().encodeToString(people.key().getBytes(StandardCharsets.UTF_8));
        URI uri = people.uri().resolve("/v1/sessions?stalledRuns=true");
        var request = HttpRequest.newBuilder(uri)
                .header("Authorization", "Basic " + key)
                .build();
        return HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body();
    }

    @Test
    void anAgentThatSaysNothingIsSeenUntilItGoesOn() throws Exception {
        try (TestServer server = TestServer.start("runs.stall-after=500");
                People people = new People(server)) {
            ClientSession ann = people.personIn(SESSION, "ann");
            Session session = ann.session();
            List<Boolean> heard = new CopyOnWriteArrayList<>();
            List<String> runs = new CopyOnWriteArrayList<>();
            session.onStall(stall -> {
                heard.add(stall.stalled());
                runs.add(stall.runId());
            });
            var goesOn = new CountDownLatch(1);
            people.agentIn(SESSION, "agent").serve(run -> {
                try (Output output = run.output()) {
                    output.text("Let me think");
                    goesOn.await();
                    output.text(" ... yes.");
                }
            });
            Sent sent = ann.send("Is it so?");
            await().atMost(LONG).until(() -> heard.equals(List.of(true)));
            assertThat(ann.runOf(sent).orElseThrow().key()).isEqualTo(runs.getFirst());
            assertThat(statuses(session)).containsExactly(Status.STALLED);
            assertThat(session.openRuns().getFirst().silentSince()).isNotNull();
            assertThat(list(people)).contains("\"sessionId\":\"" + SESSION + "\"", "\"stalledRuns\":1");

            server.kill();
            server.restart();
            await().atMost(LONG)
                    .ignoreExceptions()
                    .until(() -> statuses(session).equals(List.of(Status.STALLED)));
            assertThat(heard).containsExactly(true);

            goesOn.countDown();
            assertThat(ann.awaitEnd(sent, LONG).orElseThrow().status()).isEqualTo(RunStatus.COMPLETE);
            await().atMost(LONG).until(() -> heard.equals(List.of(true, false)));
            assertThat(session.openRuns()).isEmpty();
            assertThat(list(people)).contains("\"sessions\":[]");
            assertThat(session.history().items().stream()
                            .filter(message -> Stall.of(message).isPresent()))
                    .hasSize(2);
        }
    }
}
