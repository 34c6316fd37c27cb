package dev.parley.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.client.Data;
import dev.parley.client.ParleyClient;
import dev.parley.client.Registration;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.ClientSession;
import dev.parley.client.agent.Output;
import dev.parley.client.agent.RunHandler;
import dev.parley.client.agent.Sent;
import dev.parley.client.agent.Tool;
import dev.parley.client.agent.ToolLoop;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Role;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** The examples of agents and of people who talk with them do what docs/java.md says, with a real server. */
@ExtendWith(SharedServer.class)
class AgentExamplesTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    private final TestServer server;

    AgentExamplesTest(TestServer server) {
        this.server = server;
    }

    private static String last(List<Message> messages) {
        return messages.get(messages.size() - 1).text();
    }

    /** Says what was said to it. */
    private static final Model ECHO = (messages, text, call) -> {
        text.accept("You said ");
        text.accept(last(messages));
    };

    /** Books what people want, and tells what has become of that. */
    private static final Model BOOKS = (messages, text, call) -> {
        Message newest = messages.get(messages.size() - 1);
        if (newest.role() == Role.USER) {
            text.accept("I will book it.");
            call.accept(new Model.Call("c", "book", JsonMapper.shared().readTree("{\"id\":\"8:04\"}")));
        } else {
            text.accept("It says: " + newest.toolCalls().get(0).output());
        }
    };

    @Test
    void anAgentIsWoken() throws Exception {
        try (Scene scene = new Scene(server)) {
            ParleyClient ann = scene.client("ann");
            WokenAgent.name(ann);
            try (ClientSession person = scene.person()) {
                Sent sent = person.send("@planner, where are we going?");
                assertThat(Printed.by(() -> WokenAgent.claim(scene.client("planner"))))
                        .contains("To answer: [" + sent.invocation().inputEventId() + "]");
            }
            RunHandler handler = run -> {
                try (Output output = run.output()) {
                    output.text("Here I am");
                }
            };
            scene.serve((client, shutdown) -> WokenAgent.work(scene.client("planner"), handler, shutdown));
            assertThat(Talking.ask(ann, "@planner, are you there?")).isEqualTo("Here I am");
            scene.serve((client, shutdown) -> WokenAgent.workEverywhere(scene.client("planner"), handler, shutdown));
            try (ClientSession person = ClientSession.open(scene.client("ann"), "trips:rome")) {
                Node.Run run = person.awaitEnd(person.send("Where to?"), LONG).orElseThrow();
                assertThat(run.messages()).last().extracting(Message::text).isEqualTo("Here I am");
            }
        }
    }

    @Test
    void peopleAnswerWhatAnAgentAsks() throws Exception {
        try (Scene scene = new Scene(server)) {
            ParleyClient ann = scene.client("ann");
            WokenAgent.name(ann);
            ParleyClient planner = scene.client("planner");
            scene.serve((client, shutdown) -> {
                try (AgentSession agent = AgentSession.open(planner, "trip")) {
                    agent.work(run -> {
                        JsonNode answer = WokenAgent.ask(agent, run);
                        if (answer != null) {
                            try (Output output = run.output()) {
                                output.text("We go to " + answer.asString());
                            }
                        }
                    });
                    shutdown.await();
                }
            });
            try (ClientSession person = scene.person()) {
                Sent sent = person.send("@planner, book a trip");
                await().atMost(LONG)
                        .until(() -> person.runOf(sent).map(Node.Run::status).equals(Optional.of(RunStatus.SUSPENDED)));
                assertThat(Printed.by(() -> WokenAgent.decide(ann))).contains("trip asks: Where to?");
                Node.Run run = person.awaitEnd(sent, LONG).orElseThrow();
                assertThat(run.messages()).last().extracting(Message::text).isEqualTo("We go to Rome");
            }
        }
    }

    @Test
    void anAgentStreams() throws Exception {
        try (Scene scene = new Scene(server)) {
            scene.serve((client, shutdown) -> StreamingAgent.serve(client, ECHO, shutdown));
            assertThat(Talking.ask(scene.client("ann"), "hello")).isEqualTo("You said hello");
        }
    }

    @Test
    void anAgentStopsAndIsSteered() throws Exception {
        var began = new CountDownLatch(1);
        // Talks until somebody steers it or it is stopped.
        Model talks = (messages, text, call) -> {
            boolean isSteered = last(messages).equals("First class, please");
            text.accept(isSteered ? "First class, then" : "Hm");
            began.countDown();
            while (last(messages).equals("Talk")) {
                text.accept(".");
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            }
        };
        try (Scene scene = new Scene(server);
                ClientSession ann = scene.person()) {
            scene.serve((client, shutdown) -> StreamingAgent.serve(client, talks, shutdown));
            Sent sent = ann.send("Talk");
            began.await();
            await().until(() -> ann.runOf(sent).isPresent());
            Sent edited = Talking.changeMind(ann, sent, ann.runOf(sent).orElseThrow());
            assertThat(ann.awaitEnd(sent, LONG).orElseThrow().status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(ann.awaitEnd(edited, LONG).orElseThrow().status()).isEqualTo(RunStatus.COMPLETE);
        }
    }

    @Test
    void whatIsApprovedIsBookedOnce() throws Exception {
        var shop = new Shop();
        try (Scene scene = new Scene(server);
                ClientSession ann = scene.person()) {
            scene.serve((client, shutdown) -> BookingAgent.serve(client, BOOKS, shop, shutdown));
            Sent sent = ann.send("Book the train at 8:04, please");
            var end = new CompletableFuture<Node.Run>();
            String printed = Printed.by(() -> end.complete(Talking.answer(ann, sent, asked -> {
                assertThat(shop.bookings()).isEmpty();
                Talking.approveAll(ann, asked);
            })));
            assertThat(printed).isEqualTo("May I call book with {\"id\":\"8:04\"}?\n");
            Node.Run run = end.join();
            assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
            assertThat(last(run.messages())).isEqualTo("It says: \"booked 8:04\"");
            assertThat(shop.bookings()).hasSize(1);
        }
    }

    @Test
    void aConversationIsShown() throws Exception {
        try (Scene scene = new Scene(server);
                ClientSession ann = scene.person()) {
            scene.serve((client, shutdown) -> StreamingAgent.serve(client, ECHO, shutdown));
            String shown = Printed.by(() -> {
                try (Registration watching = Talking.watch(ann)) {
                    assertThat(watching).isNotNull();
                    ann.awaitEnd(ann.send("hello"), LONG);
                }
            });
            assertThat(shown).contains("USER: hello\nASSISTANT: You said hello\n");
        }
    }

    @Test
    void anAgentWaitsForItsAudienceAndStopsWell() throws Exception {
        var waits = new CountDownLatch(1);
        var closed = new CompletableFuture<String>();
        try (Scene scene = new Scene(server);
                ClientSession ann = scene.person();
                AgentSession agent = AgentSession.open(scene.client("agent"), "trip", CarefulAgent.ownersOnly())) {
            agent.serve(run -> {
                CarefulAgent.stopWell(run, () -> closed.complete("closed"));
                waits.countDown();
                CarefulAgent.answerToSomebody(agent, run, () -> {
                    run.output().text("Welcome");
                    closed.join();
                    run.cancelToken().throwIfCancelled();
                });
            });
            Sent sent = ann.send("Hello?");
            waits.await();
            ann.session().presence().enter(Data.of("here"));
            await().until(() -> last(ann.messages()).equals("Welcome"));
            ann.cancel(sent);
            closed.get(30, TimeUnit.SECONDS);
            Node.Run run = ann.awaitEnd(sent, LONG).orElseThrow();
            assertThat(run.status()).isEqualTo(RunStatus.CANCELLED);
            assertThat(last(run.messages())).isEqualTo("I have stopped.");
        }
    }

    @Test
    void anInputIsAnsweredByOneWorker() throws Exception {
        try (Scene scene = new Scene(server);
                ClientSession ann = scene.person();
                AgentSession agent = AgentSession.open(scene.client("agent"), "trip")) {
            Sent sent = ann.send("Hello");
            CarefulAgent.work(agent, sent.invocation(), run -> run.output().text("Hi"));
            assertThat(ann.awaitEnd(sent, LONG).orElseThrow().status()).isEqualTo(RunStatus.COMPLETE);
            assertThat(Printed.by(() -> CarefulAgent.work(agent, sent.invocation(), run -> {})))
                    .startsWith("Another worker has it: ")
                    .endsWith(" is complete\n");
        }
    }

    /** A process has died while its tool was booking: to the session, leaving is as if it had been killed. */
    private static Node.Run crash(
            ClientSession ann, AgentSession first, AgentSession second, Tool.Action booking, Sent sent)
            throws Exception {
        var called = new CountDownLatch(1);
        var never = new CountDownLatch(1);
        ToolLoop dies = booking(execution -> {
            JsonNode booked = booking.execute(execution);
            called.countDown();
            never.await();
            return booked;
        });
        CompletableFuture<Void> running =
                CompletableFuture.runAsync(() -> first.run(sent.invocation(), dies), task -> new Thread(task).start());
        called.await();
        first.leave();
        running.join();
        await().until(() -> !second.abandonedRuns().isEmpty());
        CarefulAgent.takeOver(second, booking(booking));
        Node.Run unknown = ann.awaitRun(sent, LONG).orElseThrow();
        assertThat(unknown.status()).isEqualTo(RunStatus.SUSPENDED);
        second.serve(booking(booking));
        return unknown;
    }

    /** An agent whose tool takes no keys. */
    private static ToolLoop booking(Tool.Action action) {
        return ToolLoop.of(
                round -> BOOKS.answer(
                        round.prompt().messages(),
                        round.output()::text,
                        call -> round.output().toolCall(call.id(), call.tool(), call.arguments())),
                List.of(Tool.of("book", action)));
    }

    @Test
    void aCallWithUnknownOutcomeIsSettledByAPerson() throws Exception {
        try (Scene scene = new Scene(server);
                ClientSession ann = scene.person();
                AgentSession first = AgentSession.open(scene.client("agent"), "trip");
                AgentSession second = AgentSession.open(scene.client("agent"), "trip")) {
            Sent sent = ann.send("Book it");
            Node.Run unknown = crash(ann, first, second, execution -> JsonNodeFactory.instance.nullNode(), sent);
            Talking.settle(ann, unknown, key -> "booked with " + key.length() + " letters");
            Node.Run run = ann.awaitEnd(sent, LONG).orElseThrow();
            assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
            assertThat(run.messages().get(0).toolCalls())
                    .extracting(ToolCall::state)
                    .containsExactly(ToolCall.State.OUTPUT_AVAILABLE);
            assertThat(last(run.messages())).isEqualTo("It says: \"booked with 43 letters\"");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCallWithUnknownOutcomeIsSettledByTheAgent(boolean isBooked) throws Exception {
        var shop = new Shop();
        var calls = new AtomicInteger();
        try (Scene scene = new Scene(server);
                ClientSession ann = scene.person();
                AgentSession first = AgentSession.open(scene.client("agent"), "trip");
                AgentSession second = AgentSession.open(scene.client("agent"), "trip")) {
            Sent sent = ann.send("Book it");
            crash(
                    ann,
                    first,
                    second,
                    execution -> calls.incrementAndGet() == 1 && !isBooked
                            ? JsonNodeFactory.instance.nullNode()
                            : shop.book(execution.input(), execution.key().value()),
                    sent);
            CarefulAgent.settle(second, shop);
            Node.Run run = ann.awaitEnd(sent, LONG).orElseThrow();
            assertThat(last(run.messages())).isEqualTo("It says: \"booked 8:04\"");
            assertThat(calls).hasValue(isBooked ? 1 : 2);
            assertThat(second.unknownOutcomes()).isEmpty();
        }
    }
}
