package dev.parley.client.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.client.CuttingProxy;
import dev.parley.client.Data;
import dev.parley.client.Gap;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Inputs;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Part;
import dev.parley.conversation.Role;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import dev.parley.conversation.UiChunk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Agents and people in sessions of a real server. */
@ExtendWith(SharedServer.class)
class AgentTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final AgentOptions QUICK = AgentOptions.DEFAULT.withCancelGrace(Duration.ofMillis(50));

    private final TestServer server;

    AgentTest(TestServer server) {
        this.server = server;
    }

    private static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }

    private static Node.Run ended(ClientSession person, Sent sent) {
        return person.awaitRun(sent, LONG).orElseThrow();
    }

    private static List<String> texts(List<Message> messages) {
        return messages.stream().map(Message::text).toList();
    }

    private static void say(Run run, String text) {
        try (Output output = run.output()) {
            output.text(text);
        }
    }

    @Test
    void anAnswerGrowsWithAllKindsOfParts() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            ClientSession bob = people.person("bob");
            agent.serve(run -> {
                assertThat(run.ownerId()).isEqualTo("ann");
                assertThat(texts(run.prompt().messages())).containsExactly("hello");
                try (Output output = run.output()) {
                    output.reasoning("let me ").reasoning("see").text("one ").text("two");
                    output.toolInput("c", "add", "{\"a\":").toolInput("c", "add", "1}");
                    output.toolCall("c", "add", json("{\"a\":1}")).toolOutput("c", json("2"));
                    output.file(new Part.File("image/png", "https://example.org/a.png"));
                    output.data(new Part.Data("weather", "w", json("{\"sun\":true}")));
                    output.passing("progress", json("5")).text("three");
                }
            });
            Sent sent = ann.send("hello");
            Node.Run run = ended(ann, sent);
            assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
            assertThat(run.agentId()).isEqualTo("agent");
            Message said = run.messages().get(0);
            assertThat(said.parts().stream().map(Part::getClass).map(Class::getSimpleName))
                    .containsExactly("StepStart", "Reasoning", "Text", "ToolCall", "File", "Data", "Text");
            assertThat(said.text()).isEqualTo("one twothree");
            assertThat(said.toolCalls().get(0).output()).isEqualTo(json("2"));
            assertThat(ended(bob, sent).messages()).isEqualTo(run.messages());
            assertThat(run.steps()).extracting(Node.Step::status).containsExactly(Node.StepStatus.COMPLETE);
        }
    }

    @Test
    void chunksOfAPublisherArePiped() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            agent.serve(run -> {
                SubmissionPublisher<UiChunk> chunks = new SubmissionPublisher<>();
                try (Output output = run.output()) {
                    var piping = CompletableFuture.runAsync(() -> output.pipe(chunks));
                    await().until(chunks::hasSubscribers);
                    chunks.submit(UiChunk.textStart("t"));
                    for (int i = 0; i < 300; i++) {
                        chunks.submit(UiChunk.textDelta("t", i + " "));
                    }
                    chunks.submit(UiChunk.textEnd("t"));
                    chunks.close();
                    piping.join();
                }
            });
            String text = ended(ann, ann.send("count")).messages().get(0).text();
            assertThat(text).startsWith("0 1 2 ").endsWith(" 298 299 ").hasSize(1_090);
        }
    }

    @Test
    void anInvocationMayComeBeforeItsInput() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            AgentSession impatient = people.agent("other", QUICK.withInputTimeout(Duration.ofMillis(20)));
            assertThatThrownBy(() -> impatient.run(new Invocation("nothing", "s")))
                    .isInstanceOf(InputNotFoundException.class);
            assertThatThrownBy(() -> agent.run(new Invocation("e", "another")))
                    .isInstanceOf(IllegalArgumentException.class);

            var placement = Inputs.Placement.after(null, "early", "m", "ann");
            CompletableFuture<Run> running = CompletableFuture.supplyAsync(
                    () -> agent.run(new Invocation("early", "s"), run -> say(run, "yes")));
            var message = Inputs.userMessage(placement, "m", List.of(new Part.Text("now?")));
            ann.session().publish(SessionMessages.write(message.get(0)));
            Run run = running.get(30, TimeUnit.SECONDS);
            assertThat(run.result()).contains(RunStatus.COMPLETE);
            await().until(() -> texts(ann.messages()).equals(List.of("now?", "yes")));
        }
    }

    @Test
    void aCancelStopsWhatIsBeingWritten() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            var hooked = new CountDownLatch(1);
            agent.serve(run -> {
                var _ = run.cancelToken().onCancel(hooked::countDown);
                try (Output output = run.output()) {
                    for (int i = 0; i < 1_000_000; i++) {
                        output.text(i + " ");
                        TimeUnit.MILLISECONDS.sleep(1);
                    }
                }
            });
            Sent sent = ann.send("count");
            await().until(() -> ann.runOf(sent)
                    .filter(run -> !run.messages().isEmpty()
                            && run.messages().get(0).text().contains("5 "))
                    .isPresent());
            ann.cancel(sent);
            Node.Run run = ended(ann, sent);
            assertThat(run.status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(run.steps()).extracting(Node.Step::status).containsExactly(Node.StepStatus.CANCELLED);
            Part.Text text = (Part.Text) run.messages().get(0).parts().get(1);
            assertThat(text.progress()).isEqualTo(Part.Progress.CANCELLED);
            assertThat(text.text()).startsWith("0 1 2 3 4 5 ");
            assertThat(hooked.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aCancelEndsTheRunOfALibraryThatCallsNothingAnyMore() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent", QUICK);
            ClientSession ann = people.person("ann");
            var interrupted = new CountDownLatch(1);
            agent.serve(run -> {
                try (Output output = run.output()) {
                    output.text("half");
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    interrupted.countDown();
                    throw e;
                }
            });
            Sent sent = ann.send("wait");
            await().until(() -> ann.messages().size() == 2);
            ann.cancel(ann.runOf(sent).orElseThrow().key());
            Node.Run run = ended(ann, sent);
            assertThat(run.status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(run.messages().get(0).text()).isEqualTo("half");
            assertThat(interrupted.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aCancelFromBeforeTheAgentCameCounts() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            Sent sent = ann.send("never mind");
            ann.cancel(sent);
            AgentSession agent = people.agent("agent");
            var called = new AtomicInteger();
            Run run = agent.run(sent.invocation(), begun -> called.incrementAndGet());
            assertThat(run.result()).contains(RunStatus.CANCELLED);
            assertThat(called).hasValue(0);
            assertThat(ended(ann, sent).status()).isEqualTo(RunStatus.CANCELLED);
        }
    }

    @Test
    void whatAHandlerThrowsEndsItsRun() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            agent.serve(run -> {
                say(run, "so far");
                throw new IllegalArgumentException("The model is gone.");
            });
            Node.Run run = ended(ann, ann.send("hello"));
            assertThat(run.status()).isEqualTo(RunStatus.ERROR);
            assertThat(Objects.requireNonNull(run.error()).message()).isEqualTo("The model is gone.");
            assertThat(texts(run.messages())).containsExactly("so far");
        }
    }

    @Test
    void anErrorEndsTheRunToo() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            agent.serve(run -> {
                throw new NoClassDefFoundError("Model");
            });
            Node.Run run = ended(ann, ann.send("hello"));
            assertThat(run.status()).isEqualTo(RunStatus.ERROR);
            assertThat(Objects.requireNonNull(run.error()).message()).isEqualTo("Model");
        }
    }

    @Test
    void anAgentThatIsStoppedHasLastWords() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent", QUICK);
            ClientSession ann = people.person("ann");
            agent.serve(run -> {
                run.lastWords(words -> words.text("I have stopped."));
                try (Output output = run.output()) {
                    output.text("half");
                    new CountDownLatch(1).await();
                }
            });
            Sent sent = ann.send("wait");
            await().until(() -> ann.messages().size() == 2);
            ann.cancel(sent);
            Node.Run run = ended(ann, sent);
            assertThat(run.status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(texts(run.messages())).containsExactly("half", "I have stopped.");
            assertThat(run.steps())
                    .extracting(Node.Step::status)
                    .containsExactly(Node.StepStatus.CANCELLED, Node.StepStatus.COMPLETE);
        }
    }

    @Test
    void anAgentThatHasLeftWritesNothingMore() throws Exception {
        try (People people = new People(server)) {
            AgentSession first = people.agent("agent");
            ClientSession ann = people.person("ann");
            var begun = new CountDownLatch(1);
            var stopped = new CompletableFuture<Boolean>();
            first.serve(run -> {
                begun.countDown();
                stopped.complete(run.cancelToken().await(LONG));
                say(run, "I am still here");
            });
            Sent sent = ann.send("hello");
            begun.await();
            first.leave();
            assertThat(stopped.get(30, TimeUnit.SECONDS)).isTrue();
            assertThat(first.runs()).isEmpty();
            assertThatThrownBy(() -> first.run(sent.invocation())).isInstanceOf(IllegalStateException.class);

            AgentSession second = people.agent("agent");
            Run run = second.adopt(ann.runOf(sent).orElseThrow().key());
            say(run, "it goes on");
            run.complete();
            Node.Run ended = ended(ann, sent);
            assertThat(ended.status()).isEqualTo(RunStatus.COMPLETE);
            assertThat(texts(ended.messages())).containsExactly("it goes on");
        }
    }

    @Test
    void peopleSteerBetweenRounds() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            var steered = new CountDownLatch(1);
            List<List<String>> prompts = new CopyOnWriteArrayList<>();
            agent.serve(run -> {
                var _ = run.onSteer(steered::countDown);
                do {
                    prompts.add(texts(run.prompt().messages()));
                    try (Output output = run.output()) {
                        output.text("round " + prompts.size());
                        if (prompts.size() == 1) {
                            steered.await();
                        }
                    }
                } while (run.isSteered());
            });
            Sent sent = ann.send("plan a trip");
            await().until(() -> ann.messages().size() == 2);
            Sent steer = ann.steer(ann.runOf(sent).orElseThrow().key(), "on Monday");
            Node.Run run = ended(ann, sent);
            assertThat(prompts).containsExactly(List.of("plan a trip"), List.of("plan a trip", "round 1", "on Monday"));
            assertThat(run.answeredSteers()).containsExactly(steer.messageId());
            assertThat(run.steps()).hasSize(2);
        }
    }

    @Test
    void anApprovalIsGivenToAnotherProcess() throws Exception {
        RunHandler handler = run -> {
            try (Output output = run.output()) {
                for (ToolCall call : run.approvedCalls()) {
                    output.toolOutput(call.toolCallId(), json("\"removed\"")).text("It is gone.");
                }
                if (!run.isResumed()) {
                    output.toolCall("c", "remove", json("{\"all\":true}"));
                    output.requestApproval("c");
                }
            }
            if (run.isWaiting()) {
                run.suspend();
            }
        };
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            ClientSession bob = people.person("bob");
            AgentSession first = people.agent("agent");
            first.serve(handler);
            Sent sent = ann.send("remove it");
            Node.Run suspended = ended(ann, sent);
            assertThat(suspended.status()).isEqualTo(RunStatus.SUSPENDED);
            first.leave();
            people.agent("agent").serve(handler);
            assertThat(bob.awaitRun(sent, LONG)).isPresent();
            Sent approval = bob.approve("c", true, null);
            await().atMost(LONG)
                    .until(() -> ann.runOf(sent).orElseThrow().status().isTerminal());
            Node.Run run = ann.runOf(sent).orElseThrow();
            assertThat(approval.runId()).isEqualTo(run.key());
            assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
            ToolCall call = run.messages().get(0).toolCalls().get(0);
            assertThat(call.output()).isEqualTo(json("\"removed\""));
            assertThat(texts(run.messages())).containsExactly("", "It is gone.");
        }
    }

    @Test
    void anAnswerMayComeBeforeTheRunIsSuspended() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            var answered = new CountDownLatch(1);
            agent.serve(run -> {
                if (run.isResumed()) {
                    say(
                            run,
                            "In "
                                    + Objects.requireNonNull(run.toolCall("where")
                                                    .orElseThrow()
                                                    .output())
                                            .path("city")
                                            .asString());
                    return;
                }
                var _ = run.onSteer(answered::countDown);
                try (Output output = run.output()) {
                    output.toolCall("where", "location", json("{}"));
                }
                answered.await();
                run.suspend();
            });
            Sent sent = ann.send("where are we?");
            await().until(() -> ann.messages().size() == 2);
            ann.toolResult("where", json("{\"city\":\"Bern\"}"));
            await().atMost(LONG)
                    .until(() -> ann.runOf(sent).orElseThrow().status().isTerminal());
            assertThat(texts(ann.messages())).containsExactly("where are we?", "", "In Bern");
        }
    }

    @Test
    void aCancelEndsARunThatIsSuspended() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            agent.serve(run -> {
                try (Output output = run.output()) {
                    output.toolCall("c", "remove", json("{}"));
                    output.requestApproval("c");
                }
                run.suspend();
            });
            Sent sent = ann.send("remove it");
            assertThat(ended(ann, sent).status()).isEqualTo(RunStatus.SUSPENDED);
            await().until(() -> agent.runs().isEmpty());
            ann.cancel(sent);
            await().atMost(LONG).until(() -> ann.runOf(sent).orElseThrow().status() == RunStatus.CANCELLED);
        }
    }

    @Test
    void onlyThoseCancelWhoMay() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent", QUICK.withMayCancel(CancelRequest::isByOwner));
            ClientSession ann = people.person("ann");
            ClientSession bob = people.person("bob");
            var cancels = new AtomicInteger();
            var steered = new CountDownLatch(1);
            agent.serve(run -> {
                var _ = run.onSteer(steered::countDown);
                try (Output output = run.output()) {
                    output.toolCall("c-" + run.id(), "remove", json("{}"));
                    output.requestApproval("c-" + run.id());
                }
                if (run.prompt().messages().get(0).text().equals("wait")) {
                    steered.await();
                    assertThat(run.cancelToken().isCancelled()).isFalse();
                    assertThat(run.cancelToken().await(LONG)).isTrue();
                } else {
                    run.suspend();
                }
            });
            agent.session().onMessage(message -> {
                if ("ai-cancel".equals(message.name())) {
                    cancels.incrementAndGet();
                }
            });
            Sent working = ann.send("wait");
            await().until(() -> ann.messages().size() == 2);
            bob.cancel(working);
            // What the owner says stands behind the cancel.
            ann.steer(ann.runOf(working).orElseThrow().key(), "go on");
            steered.await();
            ann.cancel(working);
            assertThat(ended(ann, working).status()).isEqualTo(RunStatus.CANCELLED);

            Sent waiting = ann.send("ask");
            assertThat(ended(ann, waiting).status()).isEqualTo(RunStatus.SUSPENDED);
            await().until(() -> agent.runs().isEmpty());
            bob.cancel(waiting);
            await().until(() -> cancels.get() == 3);
            assertThat(ann.runOf(waiting).orElseThrow().status()).isEqualTo(RunStatus.SUSPENDED);
            ann.cancel(waiting);
            await().atMost(LONG).until(() -> ann.runOf(waiting).orElseThrow().status() == RunStatus.CANCELLED);
            assertThat(ann.messages()).isNotEmpty();
        }
    }

    @Test
    void aHandlerThatIgnoresACancelWritesNothingMore() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent", QUICK);
            ClientSession ann = people.person("ann");
            var refused = new CompletableFuture<Throwable>();
            agent.serve(run -> {
                Output output = run.output();
                output.text("half");
                await().atMost(LONG).ignoreExceptions().until(() -> run.result().isPresent());
                try {
                    output.text("and more");
                } catch (CancellationException e) {
                    refused.complete(e);
                }
                run.complete();
                run.fail(1, "and failed");
            });
            Sent sent = ann.send("wait");
            await().until(() -> ann.messages().size() == 2);
            ann.cancel(sent);
            Node.Run run = ended(ann, sent);
            assertThat(refused.get(30, TimeUnit.SECONDS)).isInstanceOf(CancellationException.class);
            assertThat(run.status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(texts(run.messages())).containsExactly("half");
            long ends = ann.session().history().items().stream()
                    .filter(message -> "ai-run-end".equals(message.name()))
                    .count();
            assertThat(ends).isEqualTo(1);
        }
    }

    @Test
    void anAgentThatBeginsGoesOnWithWhatWasLeft() throws Exception {
        RunHandler handler = run -> {
            if (run.isResumed()) {
                say(run, "it goes on");
                return;
            }
            try (Output output = run.output()) {
                output.toolCall("c-" + run.id(), "remove", json("{}"));
                output.requestApproval("c-" + run.id());
            }
            run.suspend();
        };
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            AgentSession first = people.agent("agent");
            Sent atWork = ann.send("take your time");
            Run left = first.run(atWork.invocation());
            left.output().text("half of it");
            List<Sent> asked = new ArrayList<>();
            for (String text : List.of("remove it", "remove all", "remove nothing")) {
                Sent sent = ann.send(text);
                first.run(sent.invocation(), handler);
                asked.add(sent);
                assertThat(ended(ann, sent).status()).isEqualTo(RunStatus.SUSPENDED);
            }
            first.leave();
            ann.approve("c-" + ann.runOf(asked.get(0)).orElseThrow().key(), true, null);
            ann.cancel(asked.get(1));

            AgentSession second = people.agent("agent", QUICK.withAdoptAbandoned(true));
            second.serve(handler);
            for (Sent sent : List.of(atWork, asked.get(0), asked.get(1))) {
                await().atMost(LONG)
                        .until(() -> ann.runOf(sent).orElseThrow().status().isTerminal());
            }
            assertThat(texts(ann.runOf(atWork).orElseThrow().messages())).containsExactly("it goes on");
            assertThat(ann.runOf(asked.get(0)).orElseThrow().status()).isEqualTo(RunStatus.COMPLETE);
            assertThat(ann.runOf(asked.get(1)).orElseThrow().status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(ann.runOf(asked.get(2)).orElseThrow().status()).isEqualTo(RunStatus.SUSPENDED);
        }
    }

    @Test
    void aRunIsAdoptedAfterACrash() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            AgentSession first = people.agent("agent");
            Sent sent = ann.send("take your time");
            Run left = first.run(sent.invocation());
            try (Step step = left.step("plan")) {
                try (Output output = step.output()) {
                    output.text("planned");
                }
            }
            Step answer = left.step("answer");
            answer.output().text("half of it");
            await().until(() -> ann.messages().size() == 3);
            first.leave();

            AgentSession second = people.agent("agent");
            assertThat(second.abandonedRuns()).containsExactly(left.id());
            Run run = second.adopt(left.id());
            assertThatThrownBy(() -> second.adopt(left.id())).isInstanceOf(IllegalStateException.class);
            assertThat(texts(run.prompt().messages())).containsExactly("take your time", "planned");
            say(run, "all of it");
            run.complete();
            Node.Run ended = ended(ann, sent);
            assertThat(ended.status()).isEqualTo(RunStatus.COMPLETE);
            assertThat(texts(ended.messages())).containsExactly("planned", "all of it");
            assertThat(ended.steps()).extracting(Node.Step::attempts).containsExactly(1, 2);
            assertThatThrownBy(() -> second.adopt(left.id())).isInstanceOf(IllegalStateException.class);
        }
    }

    private static List<Node.Run> runs(ClientSession person) {
        return person.tree().stream()
                .filter(Node.Run.class::isInstance)
                .map(Node.Run.class::cast)
                .toList();
    }

    @Test
    void anInputThatIsHandedOutTwiceHasOneRun() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            var begun = new AtomicInteger();
            var resumed = new AtomicInteger();
            RunHandler handler = run -> {
                (run.isResumed() ? resumed : begun).incrementAndGet();
                if (run.isResumed()) {
                    return;
                }
                try (Output output = run.output()) {
                    output.toolCall("call-" + run.id(), "where", json("{}"));
                }
                run.suspend();
            };
            AgentSession one = people.agent("agent");
            AgentSession two = people.agent("agent");
            one.serve(handler);
            two.serve(handler);
            int rounds = 10;
            for (int i = 1; i <= rounds; i++) {
                Sent sent = ann.send("question " + i);
                Node.Run suspended = ended(ann, sent);
                assertThat(suspended.status()).isEqualTo(RunStatus.SUSPENDED);
                Sent answer = ann.toolResult("call-" + suspended.key(), json("\"here\""));
                await().atMost(LONG).until(() -> ann.runOf(sent).orElseThrow().status() == RunStatus.COMPLETE);
                for (AgentSession agent : List.of(one, two)) {
                    assertThatThrownBy(() -> agent.run(sent.invocation(), handler))
                            .isInstanceOfSatisfying(
                                    RunExistsException.class,
                                    known -> assertThat(known.status()).isEqualTo(RunStatus.COMPLETE));
                    assertThatThrownBy(() -> agent.run(answer.invocation(), handler))
                            .isInstanceOf(RunExistsException.class);
                }
            }
            assertThat(begun).hasValue(rounds);
            assertThat(resumed).hasValue(rounds);
            assertThat(runs(ann)).hasSize(rounds).allMatch(run -> run.status() == RunStatus.COMPLETE);
        }
    }

    @Test
    void aRunThatIsAdoptedIsLeftByTheProcessThatHadIt() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            AgentSession first = people.agent("agent");
            Sent sent = ann.send("hello");
            Run slow = first.run(sent.invocation());
            slow.output().text("I am slow");
            List<AgentSession> others = List.of(people.agent("agent"), people.agent("agent"));
            List<CompletableFuture<Run>> adoptions = new ArrayList<>();
            for (AgentSession other : others) {
                await().until(() -> other.abandonedRuns().contains(slow.id()));
                adoptions.add(CompletableFuture.supplyAsync(() -> other.adopt(slow.id())));
            }
            List<Run> adopted = new ArrayList<>();
            for (CompletableFuture<Run> adoption : adoptions) {
                try {
                    adopted.add(adoption.get(30, TimeUnit.SECONDS));
                } catch (ExecutionException e) {
                    assertThat(e).hasCauseInstanceOf(RunExistsException.class);
                }
            }
            assertThat(slow.cancelToken().await(LONG)).isTrue();
            assertThatThrownBy(() -> say(slow, "and still here")).isInstanceOf(CancellationException.class);
            // If both have adopted it, the one after the other, the last has it.
            await().until(() -> adopted.stream()
                            .filter(run -> !run.cancelToken().isCancelled())
                            .count()
                    == 1);
            Run run = adopted.stream()
                    .filter(each -> !each.cancelToken().isCancelled())
                    .findFirst()
                    .orElseThrow();
            say(run, "I am not");
            run.complete();
            slow.complete();
            Node.Run ended = ended(ann, sent);
            assertThat(ended.status()).isEqualTo(RunStatus.COMPLETE);
            assertThat(texts(ended.messages())).containsExactly("I am not");
        }
    }

    @Test
    void theResultOfAToolMakesARunOfItsOwn() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            ClientSession bob = people.person("bob");
            agent.serve(run -> {
                var call = run.toolCall("where");
                if (call.isPresent()) {
                    say(run, "In " + call.get().output());
                    return;
                }
                try (Output output = run.output()) {
                    output.toolCall("where", "location", json("{}"));
                }
                run.suspend();
            });
            Sent sent = ann.send("where are we?");
            String suspended = ended(ann, sent).key();
            ended(bob, sent);
            List<Sent> results = List.of(
                    ann.toolResultFork("where", json("\"Bern\"")), bob.toolResultFork("where", json("\"Basel\"")));
            for (Sent result : results) {
                Node.Run run = ended(ann, result);
                assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
                assertThat(run.key()).isNotEqualTo(suspended);
            }
            // Each of them shows a branch; the run that waited is in none.
            ClientView view = ann.newView();
            String shown = view.messages().get(1).id();
            assertThat(view.branch(shown).alternatives()).hasSize(2);
            assertThat(view.runs()).extracting(Node.Run::key).doesNotContain(suspended);
            assertThat(texts(view.messages())).containsExactly("where are we?", "", "In \"Basel\"");
            assertThat(view.select(shown, 0)).isTrue();
            assertThat(texts(view.messages())).containsExactly("where are we?", "", "In \"Bern\"");
            assertThatThrownBy(() -> ann.toolResultFork("what", null)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void whoListensIsToldOfWhatIsSaidHereToo() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            List<String> heard = new CopyOnWriteArrayList<>();
            var _ = ann.onChange(change -> heard.add(String.valueOf(change.nodeKey())));
            List<String> said = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                said.add(ann.send("message " + i).messageId());
            }
            await().untilAsserted(() -> assertThat(heard).containsExactlyElementsOf(said));
        }
    }

    @Test
    void messagesAreRegeneratedAndEdited() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            var answers = new AtomicInteger();
            agent.serve(run -> say(run, texts(run.prompt().messages()) + " " + answers.incrementAndGet()));
            Sent first = ann.send("one");
            ended(ann, first);
            ended(ann, ann.send("two"));
            assertThat(texts(ann.messages())).containsExactly("one", "[one] 1", "two", "[one, [one] 1, two] 2");
            String answer = ann.messages().get(1).id();
            ended(ann, ann.regenerate(answer));
            assertThat(texts(ann.messages())).containsExactly("one", "[one] 3");
            assertThat(ann.view().branch(ann.messages().get(1).id()).alternatives())
                    .hasSize(2);
            assertThat(ann.view().select(ann.messages().get(1).id(), 0)).isTrue();
            assertThat(ann.messages()).hasSize(4);
            ended(ann, ann.edit(first.messageId(), List.of(new Part.Text("uno"))));
            assertThat(texts(ann.messages())).containsExactly("uno", "[uno] 4");
            assertThat(ann.view().branch(ann.messages().get(0).id()).alternatives())
                    .hasSize(2);
        }
    }

    @Test
    void olderMessagesAreLoadedUntilThereAreEnough() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            agent.serve(run -> say(run, "answer " + run.prompt().messages().size()));
            int rounds = 40;
            for (int i = 0; i < rounds; i++) {
                ended(ann, ann.send("question " + i));
            }
            ClientSession late = people.person("late");
            assertThat(late.messages()).isEmpty();
            int loaded = late.view().loadOlder(10);
            assertThat(loaded).isBetween(10, 2 * rounds - 1);
            List<Message> newest = late.messages();
            while (loaded < 2 * rounds) {
                int more = late.view().loadOlder(10);
                assertThat(more).isPositive();
                loaded += more;
            }
            assertThat(late.view().loadOlder(10)).isZero();
            assertThat(late.messages()).isEqualTo(ann.messages());
            assertThat(late.messages().subList(2 * rounds - newest.size(), 2 * rounds))
                    .hasSameSizeAs(newest);

            AgentSession fresh = people.agent("fresh");
            Sent last = late.send("and now?");
            Run run = fresh.run(last.invocation());
            assertThat(run.prompt().messages()).hasSize(2 * rounds + 1);
            run.complete();
        }
    }

    /** Publishes messages of 1,000 characters, each after the one before, and returns the id of the last. */
    private static String flood(ClientSession person, @Nullable String parent, int count) {
        String before = parent;
        List<CompletableFuture<?>> published = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String id = UUID.randomUUID().toString();
            var placement = Inputs.Placement.after(before, UUID.randomUUID().toString(), id, "ann");
            String text = (i + " ").repeat(1_000).substring(0, 1_000);
            var message = Inputs.userMessage(placement, id, List.of(new Part.Text(text)));
            published.add(person.session().publishAsync(SessionMessages.write(message.get(0))));
            before = id;
        }
        published.forEach(CompletableFuture::join);
        return Objects.requireNonNull(before);
    }

    @Test
    void anAgentHoldsNoMoreOfTheConversationThanItMay() throws Exception {
        int limit = 400_000;
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent", AgentOptions.DEFAULT.withConversationLimit(limit));
            ClientSession ann = people.person("ann");
            List<Long> sizes = new CopyOnWriteArrayList<>();
            agent.session().onMessage(message -> sizes.add(agent.read(Conversation::size)));
            flood(ann, null, 1_200);
            await().atMost(LONG).until(() -> sizes.size() == 1_200);
            // A page of the history has 100 messages of 1,500.
            assertThat(Collections.max(sizes)).isBetween(limit * 3L / 4, limit * 5L / 4 + 150_000);
            assertThat(Collections.min(sizes.subList(500, 1_200))).isGreaterThan(limit / 2);

            List<Message> all = ann.messages();
            Sent sent = ann.send("and now?");
            Run run = agent.run(sent.invocation());
            List<Message> prompt = run.prompt().messages();
            assertThat(prompt.size()).isBetween(limit / 2 / 1_500, limit / 1_000);
            assertThat(prompt.get(prompt.size() - 1).text()).isEqualTo("and now?");
            assertThat(prompt.subList(0, prompt.size() - 1))
                    .isEqualTo(all.subList(all.size() + 1 - prompt.size(), all.size()));

            say(run, "let me see");
            List<Message> known = run.prompt().messages();
            flood(ann, null, 240);
            await().atMost(LONG).until(() -> sizes.size() > 1_440);
            assertThat(Collections.max(sizes.subList(1_200, sizes.size()))).isLessThan(limit * 5 / 4 + 150_000);
            List<Message> after = run.prompt().messages();
            assertThat(after.size()).isBetween(2, known.size());
            assertThat(after).isEqualTo(known.subList(known.size() - after.size(), known.size()));
            run.complete();
        }
    }

    @Test
    void aPersonHoldsNoMoreOfTheConversationThanThereIsRoomFor() throws Exception {
        int limit = 400_000;
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            try (ClientSession ben = ClientSession.open(people.client("ben"), "s", limit)) {
                List<Long> sizes = new CopyOnWriteArrayList<>();
                ben.session().onMessage(message -> sizes.add(ben.read(Conversation::size)));
                var shown = new AtomicReference<List<Message>>(List.of());
                ben.onChange(change -> shown.set(ben.messages()));
                Sent question = ann.send("first");
                String last = flood(ann, question.messageId(), 1_000);
                await().atMost(LONG)
                        .until(() -> sizes.size() >= 1_001
                                && Objects.requireNonNull(shown.get()).stream()
                                        .anyMatch(message -> message.id().equals(last)));
                assertThat(Collections.max(sizes)).isLessThan(limit * 5L / 4 + 150_000);
                assertThat(Collections.min(sizes.subList(500, 1_001))).isGreaterThan(limit / 2);

                // A view that was there before shows what is left, and whoever shows it was told so.
                List<Message> all = ann.messages();
                List<Message> left = ben.messages();
                assertThat(left).hasSizeBetween(limit / 2 / 1_500, limit / 1_000);
                assertThat(left).isEqualTo(all.subList(all.size() - left.size(), all.size()));

                assertThat(shown.get()).isEqualTo(left);

                // What was selected stays selected when more is let go.
                ben.edit(last, List.of(new Part.Text("otherwise")));
                assertThat(ben.view().select(last, 0)).isTrue();
                String first = ben.messages().get(0).id();
                String end = last;
                while (ben.messages().get(0).id().equals(first)) {
                    String next = flood(ann, end, 20);
                    await().atMost(LONG)
                            .until(() -> ben.read(known -> known.nodeOf(next).isPresent()));
                    end = next;
                }
                assertThat(ben.view().branch(last).alternatives()).hasSize(2);
                assertThat(ben.view().branch(last).selected()).isZero();
                assertThat(ben.messages()).last().extracting(Message::id).isEqualTo(end);

                // No more is loaded than there is room for.
                while (ben.view().loadOlder(50) > 0) {
                    assertThat(ben.read(Conversation::size)).isLessThan(limit + 150_000);
                }
                assertThat(ben.messages().size()).isLessThan(all.size());
            }
        }
    }

    @Test
    void severalAgentsWorkSideBySide() throws Exception {
        try (People people = new People(server)) {
            ClientSession ann = people.person("ann");
            var together = new CountDownLatch(4);
            RunHandler handler = run -> {
                together.countDown();
                together.await();
                say(run, "done");
            };
            for (String name : List.of("red", "blue")) {
                AgentSession agent = people.agent(name);
                agent.serve(
                        trigger -> agent.read(known -> known.nodeOf(Objects.requireNonNull(trigger.messageId())))
                                .filter(node -> node.messages().get(0).text().startsWith(name))
                                .isPresent(),
                        handler);
            }
            List<Sent> sent = new ArrayList<>();
            for (String text : List.of("red 1", "blue 1", "red 2", "blue 2")) {
                sent.add(ann.send(text));
            }
            for (Sent each : sent) {
                assertThat(ended(ann, each).status()).isEqualTo(RunStatus.COMPLETE);
            }
            assertThat(ann.tree().stream()
                            .filter(Node.Run.class::isInstance)
                            .map(node -> Objects.requireNonNull(((Node.Run) node).agentId())))
                    .containsExactlyInAnyOrder("red", "red", "blue", "blue");
        }
    }

    @Test
    void anAgentKnowsWhoWatches() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            AgentSession other = people.agent("other");
            other.status("idle");
            agent.status("thinking");
            ClientSession ann = people.person("ann");
            var token = new CancelToken(Runnable::run);
            assertThat(agent.audience().await(token, Duration.ofMillis(20))).isFalse();
            var waiting = CompletableFuture.supplyAsync(() -> agent.audience().await(token, LONG));
            ann.session().presence().enter(null);
            assertThat(waiting.get(30, TimeUnit.SECONDS)).isTrue();
            assertThat(agent.audience().clients()).containsExactly("ann");
            assertThat(ann.session().presence().get())
                    .anySatisfy(member -> assertThat(member.data())
                            .isEqualTo(Data.of(json("{\"status\":\"thinking\",\"agent\":true}"))));
            ann.session().presence().leave();
            await().until(() -> agent.audience().isEmpty());
            token.cancel();
            assertThat(agent.audience().await(token, LONG)).isFalse();
        }
    }

    /** A server on its own forgets too late for a test: the session is told of the gap here. */
    @Test
    void aGapMayHaveChangedAnything() throws Exception {
        try (People people = new People(server);
                var shared = new SharedConversation(people.client("ann").session("s"), 1_000_000, Set::of)) {
            List<Conversation.Change> changes = new CopyOnWriteArrayList<>();
            shared.onDelivery(delivery -> changes.addAll(delivery.changes()));
            shared.attach();
            String place = Objects.requireNonNull(shared.session().attachPoint());
            shared.onNext(new Gap(place, place, null));
            assertThat(changes).containsExactly(new Conversation.Change(null, true));
        }
    }

    @Test
    void anAnswerPausesWhileNobodyWatches() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            ClientSession reader = people.person("reader");
            CompletableFuture<Boolean> paused = new CompletableFuture<>();
            agent.serve(run -> {
                try (Output output = run.output()) {
                    output.text("one ");
                    await().atMost(LONG).until(() -> agent.audience().isEmpty());
                    paused.complete(true);
                    if (agent.audience().await(run.cancelToken(), LONG)) {
                        output.text("two");
                    }
                }
            });
            ann.session().presence().enter(null);
            await().until(() -> agent.audience().clients().contains("ann"));
            Sent sent = reader.send("count");
            await().atMost(LONG).until(() -> texts(reader.messages()).contains("one "));
            assertThat(paused).isNotDone();
            ann.session().presence().leave();
            assertThat(paused.get(30, TimeUnit.SECONDS)).isTrue();
            Node.Run waiting = reader.runOf(sent).orElseThrow();
            assertThat(waiting.status()).isEqualTo(RunStatus.ACTIVE);
            assertThat(texts(waiting.messages())).containsExactly("one ");
            ann.session().presence().enter(null);
            Node.Run run = ended(reader, sent);
            assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
            assertThat(texts(run.messages())).containsExactly("one two");
        }
    }

    @Test
    void closingAnAgentEndsItsRuns() throws Exception {
        try (People people = new People(server)) {
            AgentSession agent = people.agent("agent");
            ClientSession ann = people.person("ann");
            Sent sent = ann.send("hello");
            Run run = agent.run(sent.invocation());
            run.output().text("Let me");
            agent.close();
            assertThat(run.result()).contains(RunStatus.CANCELLED);
            Node.Run ended = ended(ann, sent);
            assertThat(ended.status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(texts(ended.messages())).containsExactly("Let me");
            assertThat(ended.messages().get(0).role()).isEqualTo(Role.ASSISTANT);
        }
    }

    @Test
    void theEndOfARunDoesNotWaitForAWriteThatHangs() throws Exception {
        try (TestServer own = TestServer.start();
                CuttingProxy proxy = new CuttingProxy(own);
                People people = new People(own)) {
            ClientSession ann = people.person("ann");
            Sent sent = ann.send("hello");
            AgentSession agent = AgentSession.open(people.client(proxy.uri(), "agent", Duration.ofSeconds(1)), "s");
            Run run = agent.run(sent.invocation());
            proxy.down();
            var failure = new CompletableFuture<Throwable>();
            Thread writer = new Thread(() -> {
                try (Output output = run.output()) {
                    output.text("one ");
                } catch (RuntimeException e) {
                    failure.complete(e);
                }
            });
            writer.start();
            await().atMost(LONG).until(() -> writer.getState() == Thread.State.WAITING);

            var end = CompletableFuture.runAsync(run::complete);
            assertThat(end).failsWithin(LONG).withThrowableThat().withMessageContaining("not answered in time");
            assertThat(failure.get(30, TimeUnit.SECONDS)).hasMessageContaining("not answered in time");
            assertThat(agent.runs()).isEmpty();

            proxy.up();
            assertThat(ended(ann, sent).status()).isEqualTo(RunStatus.COMPLETE);
        }
    }

    @Test
    void anAppendWhoseOutcomeIsUnknownIsMadeGood() throws Exception {
        try (TestServer own = TestServer.start();
                CuttingProxy proxy = new CuttingProxy(own);
                People people = new People(own)) {
            ClientSession ann = people.person("ann");
            Sent sent = ann.send("hello");
            AgentSession agent = AgentSession.open(people.client(proxy.uri(), "agent"), "s");
            Run run = agent.run(sent.invocation());
            Output output = run.output();
            output.text("one ");
            await().until(() -> texts(ann.messages()).contains("one "));
            // The server does not get what the client has sent, and the client cannot know that.
            proxy.fallSilent();
            output.text("two ").text("three ");
            own.kill();
            own.forgetConnections();
            own.restart();
            proxy.up();
            output.text("four");
            output.close();
            run.complete();
            Node.Run ended = ended(ann, sent);
            assertThat(texts(ended.messages())).containsExactly("one two three four");
            ClientSession late = people.person("late");
            late.view().loadOlder(2);
            assertThat(texts(late.messages())).containsExactly("hello", "one two three four");
            agent.close();
        }
    }
}
