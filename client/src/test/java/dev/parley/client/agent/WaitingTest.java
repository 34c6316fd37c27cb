package dev.parley.client.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** People who wait until an agent asks them something, and until it has finished. */
@ExtendWith(SharedServer.class)
class WaitingTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    /** Asks two questions, each of which suspends the run. */
    private static final RunHandler ASKS_TWICE = run -> {
        List<ToolCall> asked = run.toolCalls();
        try (Output output = run.output()) {
            if (asked.size() == 2) {
                output.text("Thank you.");
                return;
            }
            output.toolCall("q" + asked.size(), "ask", json("{}"));
        }
        run.suspend();
    };

    private final TestServer server;

    WaitingTest(TestServer server) {
        this.server = server;
    }

    private static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }

    private static boolean isAsked(ClientSession person, Sent sent, String toolCallId) {
        return person.runOf(sent)
                .filter(run -> run.status() == RunStatus.SUSPENDED)
                .filter(run -> run.messages().stream()
                        .flatMap(message -> message.toolCalls().stream())
                        .anyMatch(call -> call.toolCallId().equals(toolCallId)))
                .isPresent();
    }

    /** Each waits on a thread of its own. */
    private static List<CompletableFuture<Node.Run>> waiting(Sent sent, ClientSession... people) {
        return Stream.of(people)
                .map(person -> CompletableFuture.supplyAsync(
                        () -> person.awaitEnd(sent, LONG).orElseThrow(), task -> new Thread(task).start()))
                .toList();
    }

    @Test
    void theEndIsAwaitedOverAllSuspensions() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ClientSession bob = people.person("bob");
            AgentSession first = people.agent("agent");
            first.serve(ASKS_TWICE);
            Sent sent = ann.send("Ask me");
            assertThat(ann.awaitRun(sent, LONG)).map(Node.Run::status).contains(RunStatus.SUSPENDED);
            List<CompletableFuture<Node.Run>> ends = waiting(sent, ann, ann, bob);
            assertThat(ann.awaitEnd(sent, Duration.ZERO)).isEmpty();
            assertThat(ann.awaitEnd(sent, Duration.ofMillis(1))).isEmpty();
            assertThat(ann.awaitEnd(sent, Duration.ofSeconds(-1))).isEmpty();

            ann.toolResult("q0", json("1"));
            await().atMost(LONG).until(() -> isAsked(ann, sent, "q1"));
            assertThat(ends).noneMatch(CompletableFuture::isDone);

            // Another process goes on with the run.
            first.leave();
            Sent answer = ann.toolResult("q1", json("2"));
            assertThat(ann.awaitRun(answer, LONG)).map(Node.Run::status).contains(RunStatus.SUSPENDED);
            people.agent("agent").serve(ASKS_TWICE);
            assertThat(ann.awaitEnd(answer, LONG)).map(Node.Run::status).contains(RunStatus.COMPLETE);
            for (CompletableFuture<Node.Run> end : ends) {
                Node.Run run = end.join();
                assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
                assertThat(run.messages().get(run.messages().size() - 1).text()).isEqualTo("Thank you.");
            }
            assertThat(ann.awaitEnd(sent, Duration.ZERO)).isPresent();
        }
    }

    @Test
    void cancelsAndFailuresAreEnds() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            Sent unanswered = ann.send("Is anybody there?");
            assertThat(ann.awaitRun(unanswered, Duration.ofMillis(1))).isEmpty();
            assertThat(ann.awaitEnd(unanswered, Duration.ofMillis(1))).isEmpty();

            people.agent("agent").serve(run -> {
                if (run.prompt().messages().stream()
                        .anyMatch(message -> message.text().equals("Fail"))) {
                    throw new IllegalStateException("on purpose");
                }
                ASKS_TWICE.handle(run);
            });
            Sent asked = ann.send("Ask me");
            assertThat(ann.awaitRun(asked, LONG)).map(Node.Run::status).contains(RunStatus.SUSPENDED);
            List<CompletableFuture<Node.Run>> ends = waiting(asked, ann);
            ann.cancel(asked);
            assertThat(ends.get(0).join().status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(ann.awaitEnd(ann.send("Fail"), LONG))
                    .map(Node.Run::status)
                    .contains(RunStatus.ERROR);
        }
    }

    @Test
    void theEndComesAfterARestartOfTheServer() throws Exception {
        try (TestServer own = TestServer.start();
                People people = new People(own)) {
            ClientSession ann = people.person("ann");
            people.agent("agent").serve(ASKS_TWICE);
            Sent sent = ann.send("Ask me");
            assertThat(ann.awaitRun(sent, LONG)).map(Node.Run::status).contains(RunStatus.SUSPENDED);
            List<CompletableFuture<Node.Run>> ends = waiting(sent, ann);
            own.kill();
            own.restart();
            ann.toolResult("q0", json("1"));
            await().atMost(LONG).until(() -> isAsked(ann, sent, "q1"));
            ann.toolResult("q1", json("2"));
            assertThat(ends.get(0).join().status()).isEqualTo(RunStatus.COMPLETE);
        }
    }

    @Test
    void aRunIsAwaitedWhoseBeginningWasLetGo() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = ClientSession.open(people.client("ann"), "s", 30_000);
            ClientSession bob = people.person("bob");
            people.agent("agent").serve(trigger -> "ann".equals(trigger.clientId()), ASKS_TWICE);
            Sent sent = ann.send("Ask me");
            assertThat(ann.awaitRun(sent, LONG)).map(Node.Run::status).contains(RunStatus.SUSPENDED);
            List<CompletableFuture<Node.Run>> ends = waiting(sent, ann);
            for (int i = 0; i < 150; i++) { // more than a page of the history
                bob.send("Meanwhile I talk of something else.");
            }
            await().atMost(LONG).until(() -> ann.runOf(sent).isEmpty());
            bob.toolResult("q0", json("1"));
            await().atMost(LONG).until(() -> isAsked(bob, sent, "q1"));
            bob.toolResult("q1", json("2"));
            assertThat(ends.get(0).join().status()).isEqualTo(RunStatus.COMPLETE);
            ann.close();
        }
    }

    @Test
    void whoIsInterruptedOrLeavesWaitsNoMore() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            Sent sent = ann.send("Is anybody there?");
            CompletableFuture<Boolean> flag = new CompletableFuture<>();
            Thread waits = new Thread(() -> {
                assertThatThrownBy(() -> ann.awaitEnd(sent, LONG)).isInstanceOf(CancellationException.class);
                flag.complete(Thread.currentThread().isInterrupted());
            });
            waits.start();
            waits.interrupt();
            assertThat(flag.get()).isTrue();

            List<CompletableFuture<Node.Run>> ends = waiting(sent, ann);
            ann.close();
            assertThatThrownBy(() -> ends.get(0).join()).hasCauseInstanceOf(IllegalStateException.class);
        }
    }
}
