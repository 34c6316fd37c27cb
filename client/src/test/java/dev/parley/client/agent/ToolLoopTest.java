package dev.parley.client.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.client.SessionRequest;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Part;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The loop of a model and its tools, and what becomes of it when its process ends. */
@ExtendWith(SharedServer.class)
class ToolLoopTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    private final TestServer server;

    ToolLoopTest(TestServer server) {
        this.server = server;
    }

    static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }

    /** Calls a tool once, and then says something. */
    static void model(ModelRound round) {
        List<Message> messages = round.prompt().messages();
        if (messages.get(messages.size() - 1).toolCalls().isEmpty()) {
            round.output().text("Let me. ").toolCall(round.callId("c"), "pay", json("{\"b\":1,\"a\":[2.5]}"));
        } else {
            round.output().text("Done.");
        }
    }

    private static Node.Run terminal(ClientSession person, Sent sent) {
        return person.awaitEnd(sent, LONG).orElseThrow();
    }

    static ToolCall call(Node.Run run) {
        return run.messages().get(0).toolCalls().get(0);
    }

    /** A tool that takes its time the first time it is called. */
    static final class Pay {
        final List<String> keys = new CopyOnWriteArrayList<>();
        final CountDownLatch begun = new CountDownLatch(1);

        JsonNode execute(ToolExecution execution) throws InterruptedException {
            keys.add(execution.key().value());
            if (keys.size() == 1) {
                begun.countDown();
                new CountDownLatch(1).await();
            }
            return json("\"paid\"");
        }
    }

    /** Begins a run whose process ends while its tool runs. */
    static Sent crash(People people, ClientSession ann, ToolLoop loop, Pay pay) throws Exception {
        AgentSession first = people.agent("agent");
        Sent sent = ann.send("pay");
        var running = CompletableFuture.runAsync(() -> first.run(sent.invocation(), loop));
        pay.begun.await();
        first.leave();
        running.join();
        return sent;
    }

    @Test
    void aToolWithoutKeysIsNotCalledAgain() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            Pay pay = new Pay();
            ToolLoop loop = ToolLoop.of(ToolLoopTest::model, List.of(Tool.of("pay", pay::execute)));
            Sent sent = crash(people, ann, loop, pay);

            AgentSession second = people.agent("agent");
            second.serve(loop);
            assertThat(second.abandonedRuns()).hasSize(1);
            second.adopt(second.abandonedRuns().get(0), loop);
            Node.Run suspended = ann.awaitRun(sent, LONG).orElseThrow();
            assertThat(suspended.status()).isEqualTo(RunStatus.SUSPENDED);
            assertThat(suspended.messages().stream().flatMap(message -> message.parts().stream()))
                    .filteredOn(Part.Data.class::isInstance)
                    .singleElement()
                    .satisfies(part -> {
                        Part.Data data = (Part.Data) part;
                        assertThat(data.name()).isEqualTo(ToolLoop.OUTCOME_UNKNOWN);
                        assertThat(data.data()).isNotNull();
                        assertThat(data.data().path("toolCallId").asString()).isEqualTo("c");
                        assertThat(data.data().path("key").asString()).isEqualTo(pay.keys.get(0));
                    });
            ann.toolResult("c", json("\"paid, says the bank\""));
            Node.Run run = terminal(ann, sent);
            assertThat(run.status()).as("%s", run.error()).isEqualTo(RunStatus.COMPLETE);
            assertThat(call(run).output()).isEqualTo(json("\"paid, says the bank\""));
            assertThat(pay.keys).hasSize(1);
            assertThat(run.messages().get(run.messages().size() - 1).text()).isEqualTo("Done.");
        }
    }

    @Test
    void aToolThatTakesKeysIsCalledAgainWithTheSame() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            Pay pay = new Pay();
            ToolLoop loop = ToolLoop.of(
                    ToolLoopTest::model, List.of(Tool.of("pay", pay::execute).takingKeys()));
            Sent sent = crash(people, ann, loop, pay);

            AgentSession second = people.agent("agent");
            second.adopt(second.abandonedRuns().get(0), loop);
            Node.Run run = terminal(ann, sent);
            assertThat(run.status()).as("%s", run.error()).isEqualTo(RunStatus.COMPLETE);
            assertThat(call(run).output()).isEqualTo(json("\"paid\""));
            String key = new ToolKey("s", run.key(), "c").value();
            assertThat(pay.keys).containsExactly(key, key);
        }
    }

    @Test
    void aResultFromBeforeTheCrashIsKept() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            AgentSession first = people.agent("agent");
            Sent sent = ann.send("pay");
            Run left = first.run(sent.invocation());
            Step round = left.step("round-0");
            Output asked = round.output();
            asked.toolCall("c", "pay", json("{}"));
            round.close();
            left.amend(left.step("tool-c"), asked.messageId()).toolOutput("c", json("\"paid\""));
            assertThat(call(left.node()).output()).isEqualTo(json("\"paid\""));
            first.leave();

            Pay pay = new Pay();
            AgentSession second = people.agent("agent");
            second.adopt(left.id(), ToolLoop.of(ToolLoopTest::model, List.of(Tool.of("pay", pay::execute))));
            Node.Run run = terminal(ann, sent);
            assertThat(run.status()).as("%s", run.error()).isEqualTo(RunStatus.COMPLETE);
            assertThat(call(run).output()).isEqualTo(json("\"paid\""));
            assertThat(pay.keys).isEmpty();
        }
    }

    @Test
    void aRoundThatWasNotFinishedIsDoneAgain() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            AgentSession first = people.agent("agent");
            Sent sent = ann.send("pay");
            Run left = first.run(sent.invocation());
            left.step("round-0").output().text("half of it").toolCall("x", "pay", json("{}"));
            assertThat(left.node().messages()).hasSize(1);
            first.leave();

            AgentSession second = people.agent("agent");
            Tool pay = Tool.of("pay", execution -> json("\"paid\""));
            second.adopt(left.id(), ToolLoop.of(ToolLoopTest::model, List.of(pay)));
            Node.Run run = terminal(ann, sent);
            assertThat(run.error()).isNull();
            assertThat(run.messages()).extracting(Message::text).containsExactly("Let me. ", "Done.");
            assertThat(call(run).toolCallId()).isEqualTo("c");
            assertThat(run.steps()).extracting(Node.Step::attempts).containsExactly(2, 1, 1);
        }
    }

    @Test
    void whatWasApprovedBeforeAnybodyWasAskedNeedsAnApproval() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            AgentSession agent = people.agent("agent");
            CountDownLatch approved = new CountDownLatch(1);
            ToolLoop loop = ToolLoop.of(
                    round -> {
                        boolean first = round.prompt().messages().size() == 1;
                        model(round);
                        if (first) {
                            approved.await();
                        }
                    },
                    List.of(Tool.of("pay", execution -> json("\"paid\"")).needingApproval()));
            agent.serve(run -> {
                try (var _ = run.onSteer(approved::countDown)) {
                    loop.handle(run);
                }
            });
            Sent sent = ann.send("pay");
            await().atMost(LONG)
                    .until(() -> ann.runOf(sent)
                            .filter(run -> !run.messages().isEmpty()
                                    && !run.messages().get(0).toolCalls().isEmpty())
                            .isPresent());
            ann.approve("c", true, null);
            Node.Run run = ann.awaitRun(sent, LONG).orElseThrow();
            assertThat(run.status()).isEqualTo(RunStatus.SUSPENDED);
            assertThat(call(run).state()).isEqualTo(ToolCall.State.APPROVAL_REQUESTED);
            ann.approve("c", true, null);
            assertThat(call(terminal(ann, sent)).output()).isEqualTo(json("\"paid\""));
        }
    }

    @Test
    void aToolIsCalledWithWhatAPersonHasApprovedInstead() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            AgentSession agent = people.agent("agent");
            List<JsonNode> paid = new CopyOnWriteArrayList<>();
            List<String> told = new CopyOnWriteArrayList<>();
            ToolLoop loop = ToolLoop.of(
                    round -> {
                        round.prompt().messages().stream()
                                .flatMap(message -> message.toolCalls().stream())
                                .map(ModelMessage::arguments)
                                .forEach(told::add);
                        model(round);
                    },
                    List.of(Tool.of("pay", execution -> {
                                paid.add(execution.input());
                                return json("\"paid\"");
                            })
                            .needingApproval()));
            agent.serve(loop);
            Sent sent = ann.send("pay");
            assertThat(ann.awaitRun(sent, LONG).orElseThrow().status()).isEqualTo(RunStatus.SUSPENDED);
            SessionRequest asked = ann.session().requests().list().items().get(0);
            ann.session().requests().approve(asked.id(), "less", json("{\"amount\":100}"));
            Node.Run run = terminal(ann, sent);
            assertThat(run.status()).as("%s", run.error()).isEqualTo(RunStatus.COMPLETE);
            assertThat(paid).containsExactly(json("{\"amount\":100}"));
            assertThat(call(run).input()).isNotEqualTo(call(run).effectiveInput());
            assertThat(call(run).effectiveInput()).isEqualTo(json("{\"amount\":100}"));
            // The model is not left to believe that what it has asked for was done.
            assertThat(told).containsExactly("{\"amount\":100}");
        }
    }

    @Test
    void aCancelBetweenTwoRoundsKeepsTheModelFromBeingAsked() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            AgentSession agent = people.agent("agent");
            AtomicInteger asked = new AtomicInteger();
            CompletableFuture<Sent> question = new CompletableFuture<>();
            Tool pay = Tool.of("pay", execution -> {
                ann.session().publish("returning", "");
                return json("\"paid\"");
            });
            // A round begins when its agent has been delivered all that it has written. This holds the delivery in
            // front of the
            // result until that is stored and the cancel is stored behind it.
            var _ = agent.session().onMessage(message -> {
                if ("returning".equals(message.name())) {
                    Sent sent = question.join();
                    await().atMost(LONG)
                            .until(() -> ann.runOf(sent)
                                    .filter(run -> call(run).state().isFinal())
                                    .isPresent());
                    ann.cancel(sent);
                }
            });
            agent.serve(ToolLoop.of(
                    round -> {
                        asked.incrementAndGet();
                        model(round);
                    },
                    List.of(pay)));
            question.complete(ann.send("pay"));
            Node.Run run = terminal(ann, question.join());
            assertThat(run.status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(call(run).output()).isEqualTo(json("\"paid\""));
            assertThat(asked).hasValue(1);
        }
    }

    @Test
    void toolsHaveNamesOfTheirOwn() {
        Tool pay = Tool.elsewhere("pay");
        assertThatThrownBy(() -> ToolLoop.of(ToolLoopTest::model, List.of(pay, pay)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void keysAreDifferentForDifferentCalls() {
        assertThat(List.of(
                        new ToolKey("a", "b", "c").value(),
                        new ToolKey("a", "bc", "").value(),
                        new ToolKey("ab", "", "c").value()))
                .doesNotHaveDuplicates()
                .allSatisfy(value -> assertThat(value).matches("[A-Za-z0-9_-]{43}"));
    }
}
