package dev.parley.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.client.Data;
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
import dev.parley.springai.testing.Answer;
import dev.parley.springai.testing.ScriptedChatModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;
import org.springframework.ai.chat.model.ToolContext;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.ai.tool.annotation.ToolParam;
import org.springframework.ai.tool.definition.ToolDefinition;
import reactor.core.publisher.Flux;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** Agents of Spring AI in sessions of a real server. */
@ExtendWith(SharedServer.class)
class SpringAiAgentTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    private final People people;

    SpringAiAgentTest(TestServer server) throws Exception {
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

    /** The results of tools that a model was shown at the end of a prompt. */
    private static List<ToolResponseMessage.ToolResponse> responses(ScriptedChatModel model, int prompt) {
        return model.prompts().get(prompt).getInstructions().stream()
                .filter(ToolResponseMessage.class::isInstance)
                .flatMap(message -> ((ToolResponseMessage) message).getResponses().stream())
                .toList();
    }

    /** Tools that count, and may wait. */
    static class Calculator {
        final List<String> keys = new CopyOnWriteArrayList<>();
        final CountDownLatch begun = new CountDownLatch(1);
        final CountDownLatch go = new CountDownLatch(1);
        final CountDownLatch interrupted = new CountDownLatch(1);

        @Tool(description = "Adds two numbers")
        int add(@ToolParam(description = "the one") int a, @ToolParam(description = "the other") int b) {
            return a + b;
        }

        @Tool(description = "Books a trip")
        String book(@ToolParam(description = "the trip") int id, ToolContext context) {
            keys.add(SpringAiAgent.toolKey(context).value());
            return "booked " + id;
        }

        @Tool(description = "Takes its time")
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

        @Tool(description = "Fails")
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
                        .property("thoughtSignatures", List.of(new byte[] {1, 2})),
                Answer.begin().text("It is ", "3."),
                Answer.begin().text("You are welcome."));
        people.agent("agent")
                .serve(SpringAiAgent.builder(model)
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
        assertThat(model.prompts().get(0).getOptions())
                .isInstanceOfSatisfying(
                        ToolCallingChatOptions.class,
                        options -> assertThat(options.getToolCallbacks())
                                .extracting(tool -> tool.getToolDefinition().name())
                                .containsExactlyInAnyOrder("add", "book", "think", "fail"));

        // The memory is the session, for another agent as well.
        ended(ann, ann.send("Thanks"));
        List<Message> memory = model.prompts().get(2).getInstructions();
        assertThat(memory)
                .hasExactlyElementsOfTypes(
                        SystemMessage.class,
                        UserMessage.class,
                        AssistantMessage.class,
                        ToolResponseMessage.class,
                        AssistantMessage.class,
                        UserMessage.class);
        AssistantMessage said = (AssistantMessage) memory.get(2);
        assertThat(said.getText()).isEqualTo("Let me see.");
        assertThat(said.getMetadata().get("thoughtSignatures"))
                .asInstanceOf(InstanceOfAssertFactories.LIST)
                .containsExactly(new byte[] {1, 2});
        assertThat(said.getToolCalls())
                .containsExactly(new AssistantMessage.ToolCall("c", "function", "add", "{\"a\":1,\"b\":2}"));
        assertThat(responses(model, 2)).containsExactly(new ToolResponseMessage.ToolResponse("c", "add", "3"));
        assertThat(model.prompts().get(1).getInstructions()).hasSize(4);
    }

    @Test
    void theModelIsShownFiles() {
        ScriptedChatModel model = ScriptedChatModel.of(Answer.begin().text("A cat."));
        people.agent("agent").serve(SpringAiAgent.builder(model).build());
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
                        new Part.File("image/", "https://example.org/a"),
                        // Some models read addresses themselves, on the machine of the agent.
                        new Part.File("image/png", "file:///etc/passwd"),
                        new Part.File("image/png", "s3://bucket/key"),
                        new Part.File("audio/webm;codecs=opus", "https://example.org/said")));
        ended(ann, sent);
        UserMessage shown =
                (UserMessage) model.prompts().get(0).getInstructions().get(0);
        assertThat(shown.getText())
                .isEqualTo("Look\n\n(a file of type text/csv: a.csv, at https://example.org/a.csv)"
                        + "\n\n(a file of type image/png)\n\n(a file of type image/png, at not a url)"
                        + "\n\n(a file of type image/, at https://example.org/a)"
                        + "\n\n(a file of type image/png, at file:///etc/passwd)"
                        + "\n\n(a file of type image/png, at s3://bucket/key)");
        assertThat(shown.getMedia())
                .extracting(media -> media.getMimeType().toString())
                .containsExactly("image/png", "image/jpeg", "audio/webm");
        assertThat(shown.getMedia().get(0).getDataAsByteArray()).containsExactly(1, 2, 3);
        assertThat(shown.getMedia().get(1).getData()).isEqualTo("https://example.org/cat.jpg");
    }

    @Test
    void anApprovalIsGivenToAnotherProcess() {
        Calculator tools = new Calculator();
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin().toolCall("c", "book", "{\"id\":7}").toolCall("d", "add", "{\"a\":1,\"b\":1}"),
                Answer.begin().text("It is booked."));
        SpringAiAgent handler = SpringAiAgent.builder(model)
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
                .serve(SpringAiAgent.builder(model)
                        .tools(tools)
                        .needingApproval("book", call -> call.input() != null)
                        .build());
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Book it");
        ended(ann, sent);
        ann.approve("c", false, "too late");
        assertThat(terminal(ann, sent).status()).isEqualTo(RunStatus.COMPLETE);
        assertThat(tools.keys).isEmpty();
        assertThat(responses(model, 1))
                .extracting(ToolResponseMessage.ToolResponse::responseData)
                .containsExactly("A person has not approved the call. The reason given: too late");
    }

    @Test
    void otherArgumentsThanThoseThatWereApprovedAreRefused() {
        Calculator tools = new Calculator();
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin().toolCall("c", "book", "{\"id\":7}"),
                Answer.begin().text("Something is wrong."));
        SpringAiAgent handler = SpringAiAgent.builder(model)
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
        JsonNode changed = JsonMapper.shared().readTree("{\"id\":8}");
        ann.session().update(serial, NewMessage.of(null, Data.of(changed)), Operation.NONE);
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
                .serve(SpringAiAgent.builder(model)
                        .toolElsewhere(ToolDefinition.builder()
                                .name("where")
                                .description("Where the person is")
                                .inputSchema("{}")
                                .build())
                        .build());
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Where am I?");
        assertThat(ended(ann, sent).status()).isEqualTo(RunStatus.SUSPENDED);
        ann.toolResult("c", JsonNodeFactory.instance.stringNode("Bern"));
        assertThat(People.texts(terminal(ann, sent))).containsExactly("In Bern.");
        assertThat(responses(model, 1))
                .extracting(ToolResponseMessage.ToolResponse::responseData)
                .containsExactly("\"Bern\"");
    }

    @Test
    void aCancelStopsTheModel() {
        ScriptedChatModel model =
                ScriptedChatModel.of(Answer.begin().text("one ", "two ").await(new CountDownLatch(1)));
        people.agent("agent").serve(SpringAiAgent.builder(model).build());
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
        people.agent("agent").serve(SpringAiAgent.builder(model).build());
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Count");
        await().atMost(LONG).until(() -> model.prompts().size() == 1);
        ann.cancel(sent);
        assertThat(ended(ann, sent).status()).isEqualTo(RunStatus.CANCELLED);
    }

    @Test
    void aCancelReachesATool() throws Exception {
        Calculator tools = new Calculator();
        ScriptedChatModel model = ScriptedChatModel.of(Answer.begin().toolCall("c", "think", "{}"));
        AgentOptions patient = AgentOptions.DEFAULT.withCancelGrace(Duration.ofHours(1));
        AgentSession agent = people.agent("agent", patient);
        agent.serve(SpringAiAgent.builder(model).tools(tools).build());
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Think");
        assertThat(tools.begun.await(30, TimeUnit.SECONDS)).isTrue();
        ann.cancel(sent);
        assertThat(tools.interrupted.await(30, TimeUnit.SECONDS)).isTrue();
        Node.Run run = ended(ann, sent);
        assertThat(run.status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(People.calls(run).get(0).state()).isEqualTo(ToolCall.State.INPUT_AVAILABLE);
        assertThat(model.prompts()).hasSize(1);
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
                SpringAiAgent.builder(model).tools(tools).build().handle(run);
            }
        });
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("Plan a trip");
        assertThat(tools.begun.await(30, TimeUnit.SECONDS)).isTrue();
        Sent first = ann.steer(ann.runOf(sent).orElseThrow().key(), "by train");
        await().atMost(LONG).until(() -> model.prompts().size() == 2);
        Sent second = ann.steer(first.runId() == null ? "" : first.runId(), "at noon");
        said.countDown();
        Node.Run run = ended(ann, sent);
        assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
        assertThat(run.answeredSteers()).containsExactlyInAnyOrder(first.messageId(), second.messageId());
        assertThat(model.prompts().get(1).getInstructions())
                .last()
                .extracting(Message::getText)
                .isEqualTo("by train");
        assertThat(model.prompts().get(2).getInstructions())
                .last()
                .extracting(Message::getText)
                .isEqualTo("at noon");
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
                        .toolCall(null, "book", "\"{\\\"id\\\":7}\"")
                        .toolCall(null, "", "null"),
                Answer.begin().text("Sorry."));
        // Nobody is asked whether a call may be made that cannot be.
        people.agent("agent")
                .serve(SpringAiAgent.builder(model)
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
                        error -> assertThat(error)
                                .as("what Spring AI says of it")
                                .isNotBlank(),
                        error -> assertThat(error).isEqualTo("The arguments are not a JSON object."),
                        error -> assertThat(error).isEqualTo("The arguments are not a JSON object."),
                        error -> assertThat(error).isEqualTo("There is no tool of the name ."));
        assertThat(responses(model, 1))
                .extracting(ToolResponseMessage.ToolResponse::responseData)
                .isEqualTo(People.calls(run).stream().map(ToolCall::errorText).toList());
    }

    @Test
    void aModelMayUseAnIdTwice() {
        Calculator tools = new Calculator();
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin().toolCall("call_0", "book", "{\"id\":1}"),
                Answer.begin().toolCall("call_0", "book", "{\"id\":1}"),
                Answer.begin().text("Both."));
        people.agent("agent").serve(SpringAiAgent.builder(model).tools(tools).build());
        ClientSession ann = people.person("ann");
        assertThat(People.calls(ended(ann, ann.send("Twice"))))
                .extracting(ToolCall::state)
                .containsExactly(ToolCall.State.OUTPUT_AVAILABLE, ToolCall.State.OUTPUT_AVAILABLE);
        assertThat(tools.keys).hasSize(2).doesNotHaveDuplicates();
    }

    @Test
    void aRunHasABoundOnItsRounds() {
        ScriptedChatModel model =
                ScriptedChatModel.answering(prompt -> Answer.begin().toolCall(null, "add", "{\"a\":1,\"b\":2}"));
        people.agent("agent")
                .serve(SpringAiAgent.builder(model)
                        .tools(new Calculator())
                        .maxRounds(3)
                        .build());
        ClientSession ann = people.person("ann");
        Node.Run run = ended(ann, ann.send("Go on"));
        assertThat(run.status()).isEqualTo(RunStatus.ERROR);
        assertThat(Objects.requireNonNull(run.error()).message()).contains("3 rounds");
        assertThat(model.prompts()).hasSize(3);
    }

    @Test
    void aModelThatFailsFailsTheRun() {
        ScriptedChatModel model =
                ScriptedChatModel.of(Answer.begin().text("Hel").fail(new IllegalStateException("The model is gone.")));
        people.agent("agent").serve(SpringAiAgent.builder(model).build());
        ClientSession ann = people.person("ann");
        Node.Run run = ended(ann, ann.send("hello"));
        assertThat(run.status()).isEqualTo(RunStatus.ERROR);
        assertThat(Objects.requireNonNull(run.error()).message()).isEqualTo("The model is gone.");
        assertThat(People.texts(run)).containsExactly("Hel");
    }

    @Test
    void toolsHaveNamesOfTheirOwn() {
        ScriptedChatModel model = ScriptedChatModel.of();
        assertThatThrownBy(() -> SpringAiAgent.builder(model).tools(new Calculator(), new Calculator()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("two tools");
        assertThatThrownBy(() -> SpringAiAgent.builder(model).tools("no tools"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("@Tool");
        assertThatThrownBy(() -> SpringAiAgent.builder(model).needingApproval("nothing"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    /** A model that has no stream of its own thread: it blocks whoever subscribes. */
    private record BlockingModel(CountDownLatch asked, CountDownLatch interrupted) implements ChatModel {
        @Override
        public ChatResponse call(Prompt prompt) {
            asked.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.countDown();
            }
            throw new IllegalStateException("The model was stopped.");
        }

        @Override
        public Flux<ChatResponse> stream(Prompt prompt) {
            return Flux.just(call(prompt));
        }
    }

    @Test
    void aCancelDoesNotWaitForAModelThatBlocks() throws Exception {
        var model = new BlockingModel(new CountDownLatch(1), new CountDownLatch(1));
        // Only the cancel itself ends the run.
        AgentOptions patient = AgentOptions.DEFAULT.withCancelGrace(Duration.ofHours(1));
        AgentSession agent = people.agent("agent", patient);
        agent.serve(SpringAiAgent.builder(model).build());
        ClientSession ann = people.person("ann");
        Sent sent = ann.send("hello");
        assertThat(model.asked().await(30, TimeUnit.SECONDS)).isTrue();
        ann.cancel(sent);
        assertThat(ended(ann, sent).status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(model.interrupted().await(30, TimeUnit.SECONDS)).isTrue();
    }

    /** A model whose provider's library is of another version. */
    private record BrokenModel() implements ChatModel {
        @Override
        public ChatResponse call(Prompt prompt) {
            throw new NoSuchMethodError("There is no such method.");
        }

        @Override
        public Flux<ChatResponse> stream(Prompt prompt) {
            return Flux.just(call(prompt));
        }
    }

    @Test
    void aModelThatCannotBeLinkedFailsTheRun() {
        // Reactor does not tell a subscriber of such errors.
        people.agent("agent").serve(SpringAiAgent.builder(new BrokenModel()).build());
        ClientSession ann = people.person("ann");
        Node.Run run = ended(ann, ann.send("hello"));
        assertThat(run.status()).isEqualTo(RunStatus.ERROR);
        assertThat(Objects.requireNonNull(run.error()).message()).isEqualTo("There is no such method.");
    }

    /** A model that says what it thinks in the way of its provider. */
    private record Provider(List<Map<String, Object>> pieces, List<Prompt> prompts) implements ChatModel {
        @Override
        public ChatResponse call(Prompt prompt) {
            throw new UnsupportedOperationException("It only streams.");
        }

        @Override
        public Flux<ChatResponse> stream(Prompt prompt) {
            prompts.add(prompt);
            return Flux.fromIterable(pieces).map(properties -> {
                AssistantMessage message = AssistantMessage.builder()
                        .content("x")
                        .properties(properties)
                        .build();
                return new ChatResponse(List.of(new Generation(message)));
            });
        }
    }

    @Test
    void providersThinkInTheirOwnWays() {
        // As OpenAI: all so far, in each piece; and it wants that again.
        assertThat(thinking("reasoningContent", "I ", "I have ", "I have seen."))
                .isEqualTo("I have seen.");
        // As Ollama.
        assertThat(thinking("thinking", "I ", "have ", "seen.")).isEqualTo("null");
    }

    /** Lets a model think, and gives what it is sent in the same property the next time. */
    private String thinking(String property, String... values) {
        List<Map<String, Object>> pieces = new ArrayList<>();
        for (String value : values) {
            pieces.add(Map.of(property, value, "id", "m"));
        }
        var model = new Provider(pieces, new CopyOnWriteArrayList<>());
        AgentSession agent = people.agentIn(property, "agent");
        agent.serve(SpringAiAgent.builder(model).build());
        ClientSession ann = people.personIn(property, "ann");
        Node.Run run = ended(ann, ann.send("Look"));
        assertThat(run.messages().get(0).parts().stream()
                        .filter(Part.Reasoning.class::isInstance)
                        .map(part -> ((Part.Reasoning) part).text()))
                .satisfies(thoughts -> assertThat(String.join("", thoughts)).isEqualTo("I have seen."));
        ended(ann, ann.send("And?"));
        Message said = model.prompts().get(1).getInstructions().get(1);
        assertThat(said.getMetadata()).doesNotContainKey("id");
        return String.valueOf(said.getMetadata().get(property));
    }

    @Test
    void resultsThatAreNoJsonStayAsTheyAre() {
        assertThat(CallbackAction.json("{\"a\": 1}"))
                .isEqualTo(JsonMapper.shared().readTree("{\"a\":1}"));
        assertThat(CallbackAction.json("\"Done\"")).isEqualTo(JsonNodeFactory.instance.stringNode("Done"));
        assertThat(CallbackAction.json("3").isNumber()).isTrue();
        for (String text : List.of("1.10", "007", "3 apples", "", "{\"a\":")) {
            assertThat(CallbackAction.json(text)).isEqualTo(JsonNodeFactory.instance.stringNode(text));
        }
    }
}
