package dev.parley.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolMemoryId;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.parley.client.NewMessage;
import dev.parley.client.Operation;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.client.agent.AgentOptions;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.ClientSession;
import dev.parley.client.agent.People;
import dev.parley.client.agent.Sent;
import dev.parley.client.agent.ToolKey;
import dev.parley.conversation.Node;
import dev.parley.conversation.Part;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import dev.parley.langchain4j.testing.Answer;
import dev.parley.langchain4j.testing.ScriptedChatModel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** Agents of LangChain4j in sessions of a real server. */
@ExtendWith(SharedServer.class)
class LangChain4jAgentTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    private final People people;

    LangChain4jAgentTest(TestServer server) throws Exception {
        people = new People(server);
    }

    @AfterEach
    void close() {
        people.close();
    }

    private static Node.Run ended(ClientSession person, Sent sent) {
        return person.awaitRun(sent, LONG).orElseThrow();
    }

    private static Node.Run terminal(ClientSession person, Sent sent) {
        return person.awaitEnd(sent, LONG).orElseThrow();
    }

    /** Tools that count, and may wait. */
    static class Calculator {
        final List<String> keys = new CopyOnWriteArrayList<>();
        final CountDownLatch begun = new CountDownLatch(1);
        final CountDownLatch go = new CountDownLatch(1);
        final CountDownLatch interrupted = new CountDownLatch(1);

        @Tool("Adds two numbers")
        int add(@P("the one") int a, @P("the other") int b) {
            return a + b;
        }

        @Tool("Books a trip")
        String book(@P("the trip") int id, @ToolMemoryId ToolKey key) {
            keys.add(key.value());
            return "booked " + id;
        }

        @Tool("Takes its time")
        String think() throws InterruptedException {
            begun.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                interrupted.countDown();
                throw e;
            }
            return "thought";
        }

        @Tool("Fails")
        void fail() {
            throw new IllegalStateException("There is no room.");
        }
    }

    @Test
    void anAnswerWithThinkingAndAToolIsStreamed() throws Exception {
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin()
                        .thinking("I have ", "to add.")
                        .text("Let me ", "see.")
                        .toolCall("c", "add", "{\"a\":1,\"b\":2}")
                        .attribute("signature", "xyz"),
                Answer.begin().text("It is ", "3."),
                Answer.begin().text("You are welcome."));
        people.agent("agent")
                .serve(LangChain4jAgent.builder(model)
                        .systemMessage("You can add.")
                        .tools(new Calculator())
                        .build());
        ClientSession ann = people.person("ann");
        Node.Run run = ended(ann, ann.send("1 and 2?"));
        assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
        assertThat(run.messages()).hasSize(2);
        assertThat(run.messages().get(0).parts().stream().map(Part::getClass).map(Class::getSimpleName))
                .containsExactly("StepStart", "Reasoning", "Text", "ToolCall");
        assertThat(People.texts(run)).containsExactly("Let me see.", "It is 3.");
        ToolCall call = People.calls(run).get(0);
        assertThat(call.input()).isEqualTo(JsonMapper.shared().readTree("{\"a\":1,\"b\":2}"));
        assertThat(call.output()).isEqualTo(JsonNodeFactory.instance.numberNode(3));
        assertThat(run.steps()).extracting(Node.Step::id).containsExactly("round-0", "tool-c", "round-1");
        assertThat(model.requests().get(0).toolSpecifications())
                .extracting(ToolSpecification::name)
                .containsExactlyInAnyOrder("add", "book", "think", "fail");

        // The memory is the session, for another agent as well.
        ended(ann, ann.send("Thanks"));
        List<ChatMessage> memory = model.requests().get(2).messages();
        assertThat(memory)
                .hasExactlyElementsOfTypes(
                        SystemMessage.class,
                        UserMessage.class,
                        AiMessage.class,
                        ToolExecutionResultMessage.class,
                        AiMessage.class,
                        UserMessage.class);
        AiMessage said = (AiMessage) memory.get(2);
        assertThat(said.thinking()).isEqualTo("I have to add.");
        assertThat(said.text()).isEqualTo("Let me see.");
        assertThat(said.attributes()).isEqualTo(Map.of("signature", "xyz"));
        assertThat(said.toolExecutionRequests().get(0).id()).isEqualTo("c");
        assertThat(said.toolExecutionRequests().get(0).arguments()).isEqualTo("{\"a\":1,\"b\":2}");
        assertThat(((ToolExecutionResultMessage) memory.get(3)).text()).isEqualTo("3");
        assertThat(model.requests().get(1).messages()).isEqualTo(memory.subList(0, 4));
    }

    @Test
    void theModelIsShownFiles() {
        ScriptedChatModel model = ScriptedChatModel.of(Answer.begin().text("A cat."));
        people.agent("agent").serve(LangChain4jAgent.builder(model).build());
        ClientSession ann = people.person("ann");
        Sent sent = ann.send(
                ann.view(),
                List.of(
                        new Part.Text("Look"),
                        Part.File.of("image/png", new byte[] {1, 2, 3}),
                        new Part.File("image/jpeg", "https://example.org/cat.jpg"),
                        new Part.File("text/csv", "https://example.org/a.csv", "a.csv", null),
                        // What is not well-formed must not fail every run of the session.
                        new Part.File("image/png", "data:image/png"),
                        new Part.File("image/png", "not a url"),
                        // Some models read addresses themselves, on the machine of the agent.
                        new Part.File("image/png", "file:///etc/passwd"),
                        new Part.File("image/png", "/etc/passwd")));
        ended(ann, sent);
        UserMessage shown = (UserMessage) model.requests().get(0).messages().get(0);
        assertThat(shown.contents())
                .containsExactly(
                        TextContent.from("Look"),
                        ImageContent.from("AQID", "image/png"),
                        ImageContent.from("https://example.org/cat.jpg"),
                        TextContent.from("(a file of type text/csv: a.csv, at https://example.org/a.csv)"),
                        TextContent.from("(a file of type image/png)"),
                        TextContent.from("(a file of type image/png, at not a url)"),
                        TextContent.from("(a file of type image/png, at file:///etc/passwd)"),
                        TextContent.from("(a file of type image/png, at /etc/passwd)"));
    }

    @Test
    void anApprovalIsGivenToAnotherProcess() {
        Calculator tools = new Calculator();
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin().toolCall("c", "book", "{\"id\":7}").toolCall("d", "add", "{\"a\":1,\"b\":1}"),
                Answer.begin().text("It is booked."));
        LangChain4jAgent handler = LangChain4jAgent.builder(model)
                .tools(tools)
                .needingApproval("book")
                .build();
        AgentSession first = people.agent("agent");
        first.serve(handler);
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Book it");
        assertThat(ended(ann, sent).status()).isEqualTo(RunStatus.SUSPENDED);
        // What needs no approval is done meanwhile.
        assertThat(People.calls(ended(ann, sent)))
                .extracting(ToolCall::state)
                .containsExactly(ToolCall.State.APPROVAL_REQUESTED, ToolCall.State.OUTPUT_AVAILABLE);
        assertThat(tools.keys).isEmpty();
        first.leave();

        people.agent("agent").serve(handler);
        ann.approve("c", true, null);
        Node.Run run = terminal(ann, sent);
        assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
        assertThat(People.texts(run)).containsExactly("It is booked.");
        assertThat(tools.keys).containsExactly(new ToolKey("s", run.key(), "c").value());
    }

    @Test
    void whatIsNotApprovedIsNotDone() {
        Calculator tools = new Calculator();
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin().toolCall("c", "book", "{\"id\":7}"),
                Answer.begin().text("Then not."));
        people.agent("agent")
                .serve(LangChain4jAgent.builder(model)
                        .tools(tools)
                        .needingApproval("book", call -> call.input() != null)
                        .build());
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Book it");
        ended(ann, sent);
        ann.approve("c", false, "too late");
        assertThat(terminal(ann, sent).status()).isEqualTo(RunStatus.COMPLETE);
        assertThat(tools.keys).isEmpty();
        List<ChatMessage> last = model.requests().get(1).messages();
        assertThat(((ToolExecutionResultMessage) last.get(last.size() - 1)).text())
                .isEqualTo("A person has not approved the call. The reason given: too late");
    }

    @Test
    void otherArgumentsThanThoseThatWereApprovedAreRefused() {
        Calculator tools = new Calculator();
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin().toolCall("c", "book", "{\"id\":7}"),
                Answer.begin().text("Something is wrong."));
        LangChain4jAgent handler = LangChain4jAgent.builder(model)
                .tools(tools)
                .needingApproval("book")
                .build();
        AgentSession agent = people.agent("agent");
        agent.serve(handler);
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Book it");
        assertThat(ended(ann, sent).status()).isEqualTo(RunStatus.SUSPENDED);
        // Somebody who may change messages changes what stands in the session.
        String serial = ann.session().history().items().stream()
                .filter(message -> message.extras() != null
                        && "tool-input"
                                .equals(message.extras().at("/ai/codec/kind").asString("")))
                .findFirst()
                .orElseThrow()
                .serial();
        ann.session().update(serial, NewMessage.of(null, "{\"id\":8}"), Operation.NONE);
        JsonNode changed = JsonMapper.shared().readTree("{\"id\":8}");
        await().atMost(LONG)
                .until(() -> changed.equals(
                        People.calls(ann.runOf(sent).orElseThrow()).get(0).input()));
        ann.approve("c", true, null);
        Node.Run run = terminal(ann, sent);
        assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
        assertThat(People.calls(run).get(0).errorText()).isEqualTo("The arguments are not those that were approved.");
        assertThat(tools.keys).isEmpty();
    }

    @Test
    void aToolElsewhereSuspendsTheRun() {
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin().toolCall("c", "where", "{}"), Answer.begin().text("In Bern."));
        people.agent("agent")
                .serve(LangChain4jAgent.builder(model)
                        .toolElsewhere(ToolSpecification.builder().name("where").build())
                        .build());
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Where am I?");
        assertThat(ended(ann, sent).status()).isEqualTo(RunStatus.SUSPENDED);
        ann.toolResult("c", JsonNodeFactory.instance.stringNode("Bern"));
        assertThat(People.texts(terminal(ann, sent))).containsExactly("In Bern.");
        List<ChatMessage> last = model.requests().get(1).messages();
        assertThat(((ToolExecutionResultMessage) last.get(last.size() - 1)).text())
                .isEqualTo("Bern");
    }

    @Test
    void aCancelStopsTheModel() {
        ScriptedChatModel model =
                ScriptedChatModel.of(Answer.begin().text("one ", "two ").await(new CountDownLatch(1)));
        people.agent("agent").serve(LangChain4jAgent.builder(model).build());
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Count");
        await().atMost(LONG)
                .until(() -> ann.messages().size() == 2
                        && ann.messages().get(1).text().equals("one two "));
        ann.cancel(sent);
        Node.Run run = ended(ann, sent);
        assertThat(run.status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(((Part.Text) run.messages().get(0).parts().get(1)).progress())
                .isEqualTo(Part.Progress.CANCELLED);
        await().atMost(LONG).until(() -> model.cancellations() == 1);
    }

    @Test
    void aCancelBeforeTheFirstTokenNeedsNoModel() {
        ScriptedChatModel model = ScriptedChatModel.of(Answer.begin().await(new CountDownLatch(1)));
        people.agent("agent").serve(LangChain4jAgent.builder(model).build());
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Count");
        await().atMost(LONG).until(() -> model.requests().size() == 1);
        ann.cancel(sent);
        assertThat(ended(ann, sent).status()).isEqualTo(RunStatus.CANCELLED);
    }

    @Test
    void aCancelReachesATool() throws Exception {
        Calculator tools = new Calculator();
        ScriptedChatModel model = ScriptedChatModel.of(Answer.begin().toolCall("c", "think", "{}"));
        AgentOptions patient = AgentOptions.DEFAULT.withCancelGrace(Duration.ofHours(1));
        AgentSession agent = people.agent("agent", patient);
        agent.serve(LangChain4jAgent.builder(model).tools(tools).build());
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Think");
        assertThat(tools.begun.await(30, TimeUnit.SECONDS)).isTrue();
        ann.cancel(sent);
        assertThat(tools.interrupted.await(30, TimeUnit.SECONDS)).isTrue();
        Node.Run run = ended(ann, sent);
        assertThat(run.status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(People.calls(run).get(0).state()).isEqualTo(ToolCall.State.INPUT_AVAILABLE);
        assertThat(model.requests()).hasSize(1);
    }

    @Test
    void peopleSteerWhileAToolRunsAndAfterTheLastRound() throws Exception {
        Calculator tools = new Calculator();
        CountDownLatch said = new CountDownLatch(1);
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin().toolCall("c", "think", "{}"),
                Answer.begin().text("By train").await(said),
                Answer.begin().text("At noon"));
        people.agent("agent").serve(run -> {
            try (var _ = run.onSteer(tools.go::countDown)) {
                LangChain4jAgent.builder(model).tools(tools).build().handle(run);
            }
        });
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Plan a trip");
        assertThat(tools.begun.await(30, TimeUnit.SECONDS)).isTrue();
        Sent first = ann.steer(ann.runOf(sent).orElseThrow().key(), "by train");
        await().atMost(LONG).until(() -> model.requests().size() == 2);
        Sent second = ann.steer(first.runId() == null ? "" : first.runId(), "at noon");
        said.countDown();
        Node.Run run = ended(ann, sent);
        assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
        assertThat(run.answeredSteers()).containsExactlyInAnyOrder(first.messageId(), second.messageId());
        assertThat(model.requests().get(1).messages()).last().isEqualTo(UserMessage.from(TextContent.from("by train")));
        assertThat(model.requests().get(2).messages()).last().isEqualTo(UserMessage.from(TextContent.from("at noon")));
    }

    @Test
    void aModelIsToldWhatIsWrongWithItsCalls() {
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin()
                        .toolCall(null, "fly", "{}")
                        .toolCall(null, "fail", "{}")
                        .toolCall(null, "add", "{\"a\":")
                        .toolCall(null, "add", "{\"a\":1}")
                        .toolCall(null, "book", "[7]")
                        .toolCall(null, "book", "\"{\\\"id\\\":7}\""),
                Answer.begin().text("Sorry."));
        // Nobody is asked whether a call may be made that cannot be.
        people.agent("agent")
                .serve(LangChain4jAgent.builder(model)
                        .tools(new Calculator())
                        .needingApproval("book")
                        .build());
        ClientSession ann = people.person("ann");
        Node.Run run = ended(ann, ann.send("Fly"));
        assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
        assertThat(People.calls(run))
                .extracting(call -> Objects.requireNonNull(call.errorText()))
                .satisfiesExactly(
                        error -> assertThat(error).isEqualTo("There is no tool of the name fly."),
                        error -> assertThat(error).isEqualTo("There is no room."),
                        error -> assertThat(error).isEqualTo("The arguments are not a JSON object."),
                        error -> assertThat(error).contains("\"b\""),
                        error -> assertThat(error).isEqualTo("The arguments are not a JSON object."),
                        error -> assertThat(error).isEqualTo("The arguments are not a JSON object."));
        assertThat(model.requests().get(1).messages().stream()
                        .filter(ToolExecutionResultMessage.class::isInstance)
                        .map(message -> ((ToolExecutionResultMessage) message).isError()))
                .containsExactly(true, true, true, true, true, true);
    }

    @Test
    void aModelMayUseAnIdTwice() {
        Calculator tools = new Calculator();
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin().toolCall("call_0", "book", "{\"id\":1}"),
                Answer.begin().toolCall("call_0", "book", "{\"id\":1}"),
                Answer.begin().text("Both."));
        people.agent("agent").serve(LangChain4jAgent.builder(model).tools(tools).build());
        ClientSession ann = people.person("ann");
        assertThat(People.calls(ended(ann, ann.send("Twice"))))
                .extracting(ToolCall::state)
                .containsExactly(ToolCall.State.OUTPUT_AVAILABLE, ToolCall.State.OUTPUT_AVAILABLE);
        assertThat(tools.keys).hasSize(2).doesNotHaveDuplicates();
    }

    @Test
    void aRunHasABoundOnItsRounds() {
        ScriptedChatModel model =
                ScriptedChatModel.answering(request -> Answer.begin().toolCall(null, "add", "{\"a\":1,\"b\":2}"));
        people.agent("agent")
                .serve(LangChain4jAgent.builder(model)
                        .tools(new Calculator())
                        .maxRounds(3)
                        .build());
        ClientSession ann = people.person("ann");
        Node.Run run = ended(ann, ann.send("Go on"));
        assertThat(run.status()).isEqualTo(RunStatus.ERROR);
        assertThat(Objects.requireNonNull(run.error()).message()).contains("3 rounds");
        assertThat(model.requests()).hasSize(3);
    }

    @Test
    void aModelThatFailsFailsTheRun() {
        ScriptedChatModel model =
                ScriptedChatModel.of(Answer.begin().text("Hel").fail(new IllegalStateException("The model is gone.")));
        people.agent("agent").serve(LangChain4jAgent.builder(model).build());
        ClientSession ann = people.person("ann");
        Node.Run run = ended(ann, ann.send("hello"));
        assertThat(run.status()).isEqualTo(RunStatus.ERROR);
        assertThat(Objects.requireNonNull(run.error()).message()).isEqualTo("The model is gone.");
        assertThat(People.texts(run)).containsExactly("Hel");
    }

    @Test
    void toolsHaveNamesOfTheirOwn() {
        ScriptedChatModel model = ScriptedChatModel.of();
        assertThatThrownBy(() -> LangChain4jAgent.builder(model).tools(new Calculator(), new Calculator()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("two tools");
        assertThatThrownBy(() -> LangChain4jAgent.builder(model).tools("no tools"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("@Tool");
        assertThatThrownBy(() -> LangChain4jAgent.builder(model).needingApproval("nothing"))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
