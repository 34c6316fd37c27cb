package dev.parley.client.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.client.NamedAgent;
import dev.parley.client.ParleyClient;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.client.Wake;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Agents that work in all sessions; with a real server. */
@ExtendWith(SharedServer.class)
class AgentWorkerTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int SESSIONS = 6;

    private final TestServer server;

    AgentWorkerTest(TestServer server) {
        this.server = server;
    }

    private static void awaitComplete(ClientSession person, Sent sent) {
        await().atMost(LONG)
                .until(() -> person.runOf(sent).map(Node.Run::status).equals(Optional.of(RunStatus.COMPLETE)));
    }

    @Test
    void whatIsSaidInAnySessionOfTheNamespaceIsAnsweredOnceByOneOfTheWorkers() throws Exception {
        try (People people = new People(server)) {
            var planner = NamedAgent.of("planner");
            people.client("boss").namespaceAgents("trip😀").name(planner, NamedAgent.of("other"));
            people.client("boss").namespaceAgents("trip😀").remove("other");
            assertThat(people.client("boss").namespaceAgents("trip😀").list())
                    .extracting(NamedAgent::id)
                    .containsExactly("planner");
            List<String> runs = new CopyOnWriteArrayList<>();
            // Each worker has two sessions at a time, in which the runs meet.
            var together = new CyclicBarrier(2);
            List<AgentWorker> workers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                workers.add(AgentWorker.open(people.client("planner"), AgentOptions.DEFAULT, 2, run -> {
                    runs.add(run.id());
                    together.await();
                    try (Output output = run.output()) {
                        output.text("to " + run.prompt().messages().size());
                    }
                }));
            }
            List<ClientSession> persons = new ArrayList<>();
            for (int i = 0; i < SESSIONS; i++) {
                persons.add(people.personIn("trip😀:" + i, "ann"));
            }
            assertThat(persons.get(0).session().agents().list())
                    .extracting(NamedAgent::id)
                    .containsExactly("planner");
            for (int round = 1; round <= 2; round++) {
                List<Sent> sent = new ArrayList<>();
                for (ClientSession person : persons) {
                    sent.add(person.send("where to?"));
                }
                for (int i = 0; i < SESSIONS; i++) {
                    awaitComplete(persons.get(i), sent.get(i));
                    assertThat(People.texts(persons.get(i).runOf(sent.get(i)).orElseThrow()))
                            .containsExactly("to " + (2 * round - 1));
                }
            }
            assertThat(runs).hasSize(2 * SESSIONS).doesNotHaveDuplicates();
            workers.forEach(AgentWorker::close);
        }
    }

    @Test
    void aWakeForWhichThereIsNoThreadIsGivenBackAtOnce() throws Exception {
        try (People people = new People(server)) {
            ParleyClient boss = people.client("boss");
            boss.namespaceAgents("full").name(NamedAgent.of("busy"));
            CountDownLatch refused = new CountDownLatch(1);
            AgentWorker worker = AgentWorker.open(
                    people.client("busy"),
                    AgentOptions.DEFAULT.withExecutor(task -> {
                        refused.countDown();
                        throw new RejectedExecutionException("no thread");
                    }),
                    1,
                    run -> {
                        throw new AssertionError("there is no thread for " + run.id());
                    });
            people.personIn("full:1", "ann").send("hello");
            refused.await();
            // Its lease would last for 30 seconds.
            Wake wake = people.client("busy")
                    .claimAsync("busy", "other", Duration.ofSeconds(30), Duration.ofSeconds(15))
                    .join()
                    .orElseThrow();
            assertThat(wake.attempt()).isGreaterThan(1);
            wake.done();
            worker.close();
        }
    }

    @Test
    void aWorkerIsAnAgentWithRoom() throws Exception {
        try (People people = new People(server)) {
            ParleyClient client = people.client("agent");
            assertThatThrownBy(() -> AgentWorker.open(client, AgentOptions.DEFAULT, 0, run -> {}))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
