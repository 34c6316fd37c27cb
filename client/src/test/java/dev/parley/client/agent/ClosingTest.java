package dev.parley.client.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Agents that leave while they are at work. */
@ExtendWith(SharedServer.class)
class ClosingTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    private final TestServer server;

    ClosingTest(TestServer server) {
        this.server = server;
    }

    /** What is said when the latch is open; nothing if it does not open. */
    private static void say(Output output, CountDownLatch latch) {
        try {
            if (latch.await(10, TimeUnit.SECONDS)) {
                output.text("We all stop.");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void allRunsEndAtTheSameTime() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            AgentSession agent = people.agent("agent");
            int runs = 8;
            var speaking = new CountDownLatch(runs);
            List<Sent> questions = new ArrayList<>();
            for (int i = 0; i < runs; i++) {
                Sent sent = ann.send("question " + i);
                questions.add(sent);
                agent.run(sent.invocation()).lastWords(output -> {
                    speaking.countDown();
                    say(output, speaking);
                });
            }
            agent.close();
            assertThat(agent.runs()).isEmpty();
            for (Sent sent : questions) {
                Node.Run run = ann.awaitEnd(sent, LONG).orElseThrow();
                assertThat(run.status()).isEqualTo(RunStatus.CANCELLED);
                assertThat(run.messages())
                        .singleElement()
                        .satisfies(said -> assertThat(said.text()).isEqualTo("We all stop."));
            }
        }
    }

    @Test
    void aRunThatDoesNotEndHoldsUpNoOther() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            AgentSession agent = AgentSession.open(people.client(server.uri(), "agent", Duration.ofSeconds(1)), "s");
            var never = new CountDownLatch(1);
            List<Sent> questions = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Sent sent = ann.send("question " + i);
                Run run = agent.run(sent.invocation());
                if (i == 1) {
                    run.lastWords(output -> say(output, never));
                } else {
                    questions.add(sent);
                }
            }
            Thread.currentThread().interrupt();
            agent.close();
            assertThat(Thread.interrupted()).isTrue();
            assertThat(never.getCount()).isEqualTo(1);
            assertThat(agent.runs()).isEmpty();
            for (Sent sent : questions) {
                assertThat(ann.awaitEnd(sent, LONG)).map(Node.Run::status).contains(RunStatus.CANCELLED);
            }
            never.countDown();
        }
    }
}
