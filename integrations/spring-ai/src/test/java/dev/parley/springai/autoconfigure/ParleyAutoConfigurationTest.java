package dev.parley.springai.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.client.ClientOptions;
import dev.parley.client.Connection;
import dev.parley.client.Credentials;
import dev.parley.client.ParleyClient;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.client.agent.AgentOptions;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.ClientSession;
import dev.parley.client.agent.RunHandler;
import dev.parley.client.agent.Sent;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import dev.parley.springai.SpringAiAgent;
import dev.parley.springai.testing.Answer;
import dev.parley.springai.testing.ScriptedChatModel;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import org.springframework.ai.support.ToolCallbacks;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.ToolCallbackProvider;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.annotation.ImportCandidates;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Agents that an application of Spring Boot has by setting properties. */
@ExtendWith(SharedServer.class)
class ParleyAutoConfigurationTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    private final TestServer server;
    private final String key;

    ParleyAutoConfigurationTest(TestServer server) throws Exception {
        this.server = server;
        this.key = server.newKey();
    }

    private static ApplicationContextRunner application() {
        return new ApplicationContextRunner().withConfiguration(AutoConfigurations.of(ParleyAutoConfiguration.class));
    }

    private ApplicationContextRunner connected() {
        return application()
                .withPropertyValues("parley.url=" + server.uri(), "parley.key=" + key, "parley.client-id=agent");
    }

    private ParleyClient client() {
        return ParleyClient.of(
                TestServer.options(server.uri(), key).clientId("ann").build());
    }

    /** Tools. */
    static class Shop {
        @Tool(description = "Books a trip")
        String book() {
            return "booked";
        }

        @Tool(description = "Gives the money back")
        String refund() {
            return "refunded";
        }
    }

    private static ToolCallbackProvider shop() {
        return ToolCallbackProvider.from(ToolCallbacks.from(new Shop()));
    }

    /** The names of the tools that a model was told of. */
    private static List<String> tools(Prompt prompt) {
        var options = (ToolCallingChatOptions) Objects.requireNonNull(prompt.getOptions());
        List<ToolCallback> tools = Objects.requireNonNullElse(options.getToolCallbacks(), List.of());
        return tools.stream().map(tool -> tool.getToolDefinition().name()).toList();
    }

    @Test
    void anAgentIsMadeOfProperties() {
        var model = ScriptedChatModel.of(
                Answer.begin().toolCall("c", "book", "{}"), Answer.begin().text("It is booked."));
        connected()
                .withPropertyValues(
                        "parley.agent.session=trip",
                        "parley.agent.system-message=You plan trips.",
                        "parley.agent.tools=book",
                        "parley.agent.needing-approval=book",
                        "parley.agent.max-rounds=7",
                        "parley.agent.cancel-grace=1s",
                        "parley.agent.adopt-abandoned=true")
                .withBean(ChatModel.class, () -> model)
                .withBean(ToolCallbackProvider.class, ParleyAutoConfigurationTest::shop)
                .run(context -> {
                    AgentOptions options = context.getBean(AgentOptions.class);
                    assertThat(options.cancelGrace()).isEqualTo(Duration.ofSeconds(1));
                    assertThat(options.adoptAbandoned()).isTrue();
                    assertThat(options.endOnShutdown()).isFalse();
                    try (ParleyClient client = client();
                            ClientSession ann = ClientSession.open(client, "trip")) {
                        Sent sent = ann.send("Book it");
                        Node.Run asked = ann.awaitRun(sent, LONG).orElseThrow();
                        assertThat(asked.status()).isEqualTo(RunStatus.SUSPENDED);
                        assertThat(asked.agentId()).isEqualTo("agent");
                        assertThat(asked.messages().get(0).toolCalls())
                                .extracting(ToolCall::state)
                                .containsExactly(ToolCall.State.APPROVAL_REQUESTED);
                        ann.approve("c", true, null);
                        await().atMost(LONG)
                                .until(() -> ann.runOf(sent)
                                        .filter(run -> run.status() == RunStatus.COMPLETE)
                                        .isPresent());
                    }
                    assertThat(model.prompts().get(0).getInstructions())
                            .first()
                            .isEqualTo(new SystemMessage("You plan trips."));
                    assertThat(tools(model.prompts().get(0))).containsExactly("book");
                });
    }

    @Test
    void anAgentHasOnlyToolsThatAreNamed() {
        var model = ScriptedChatModel.of(Answer.begin().text("Hello."));
        connected()
                .withPropertyValues("parley.agent.session=trip")
                .withBean(ChatModel.class, () -> model)
                .withBean(ToolCallback.class, () -> ToolCallbacks.from(new Shop())[0])
                .withBean(ToolCallbackProvider.class, () -> () -> {
                    throw new IllegalStateException("Nobody has named a tool of this server.");
                })
                .run(context -> {
                    try (ParleyClient client = client();
                            ClientSession ann = ClientSession.open(client, "trip")) {
                        assertThat(ann.awaitRun(ann.send("Hello"), LONG)
                                        .orElseThrow()
                                        .status())
                                .isEqualTo(RunStatus.COMPLETE);
                    }
                    assertThat(tools(model.prompts().get(0))).isEmpty();
                });
    }

    @Test
    void toolsAreFoundByTheirNames() {
        connected()
                .withPropertyValues(
                        "parley.agent.session=trip",
                        "parley.agent.auto-startup=false",
                        "parley.agent.tools=refund,book",
                        "parley.agent.taking-keys=book")
                .withBean(ChatModel.class, ScriptedChatModel::of)
                .withBean(ToolCallbackProvider.class, ParleyAutoConfigurationTest::shop)
                .run(context -> assertThat(context).hasNotFailed().hasSingleBean(SpringAiAgent.class));
    }

    @Test
    void allIsClosedWithTheContext() {
        var model = ScriptedChatModel.of(Answer.begin().text("one ").await(new CountDownLatch(1)));
        var used = new AtomicReference<ParleyClient>();
        try (ParleyClient client = client();
                ClientSession ann = ClientSession.open(client, "trip")) {
            List<Sent> sent = new ArrayList<>();
            connected()
                    .withPropertyValues("parley.agent.session=trip")
                    .withBean(ChatModel.class, () -> model)
                    .run(context -> {
                        used.set(context.getBean(ParleyClient.class));
                        sent.add(ann.send("Count"));
                        await().atMost(LONG).until(() -> ann.messages().size() == 2);
                    });
            assertThat(ann.awaitRun(sent.get(0), LONG).orElseThrow().status()).isEqualTo(RunStatus.CANCELLED);
        }
        assertThat(Objects.requireNonNull(used.get()).connection().state()).isEqualTo(Connection.State.CLOSED);
        await().atMost(LONG).until(() -> model.cancellations() == 1);
    }

    @Test
    void runsHaveEndedBeforeOtherPartsOfTheApplicationStop() {
        var model = ScriptedChatModel.of(
                Answer.begin().text("one ").await(new CountDownLatch(1)),
                Answer.begin().text("Here again."));
        connected()
                .withPropertyValues("parley.agent.session=trip")
                .withBean(ChatModel.class, () -> model)
                .run(context -> {
                    AgentSession session = context.getBean(AgentSession.class);
                    try (ParleyClient client = client();
                            ClientSession ann = ClientSession.open(client, "trip")) {
                        Sent first = ann.send("Count");
                        await().atMost(LONG).until(() -> ann.messages().size() == 2);
                        context.getBean(AgentLifecycle.class).stop();
                        assertThat(session.runs()).isEmpty();
                        assertThat(ann.awaitRun(first, LONG).orElseThrow().status())
                                .isEqualTo(RunStatus.CANCELLED);

                        // As a context that was paused.
                        context.getBean(AgentLifecycle.class).start();
                        assertThat(ann.awaitRun(ann.send("Hello"), LONG)
                                        .orElseThrow()
                                        .status())
                                .isEqualTo(RunStatus.COMPLETE);
                    }
                });
    }

    @Test
    void beansOfTheApplicationTakeTheirPlaces() {
        RunHandler own = run -> {};
        connected()
                .withPropertyValues("parley.agent.session=trip", "parley.agent.auto-startup=false")
                .withBean(RunHandler.class, () -> own)
                .withBean(Credentials.class, () -> Credentials.tokens(() -> "token"))
                .withBean(AgentSession.class, () -> AgentSession.open(client(), "other"))
                .run(context -> {
                    assertThat(context).getBean(RunHandler.class).isSameAs(own);
                    assertThat(context).doesNotHaveBean(SpringAiAgent.class);
                    assertThat(context).hasSingleBean(AgentSession.class);
                    assertThat(context.getBean(AgentSession.class).session().name())
                            .isEqualTo("other");
                    assertThat(context.getBean(ClientOptions.class).credentials())
                            .isInstanceOf(Credentials.Tokens.class);
                    assertThat(context.getBean(AgentLifecycle.class).isRunning())
                            .isFalse();
                });
    }

    @Test
    void buildersAreMadeForEachWhoWantsOne() {
        application()
                .withBean(ChatModel.class, ScriptedChatModel::of)
                .run(context -> assertThat(context.getBean(SpringAiAgent.Builder.class))
                        .isNotSameAs(context.getBean(SpringAiAgent.Builder.class)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"parley.key=app.id:secret", "parley.agent.session=trip"})
    void withoutAnAddressThereIsNothing(String property) {
        application()
                .withPropertyValues(property)
                .run(context -> assertThat(context)
                        .hasNotFailed()
                        .doesNotHaveBean(ParleyClient.class)
                        .doesNotHaveBean(AgentSession.class)
                        .doesNotHaveBean(AgentLifecycle.class)
                        .doesNotHaveBean(RunHandler.class));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            tools=bok | parley.agent.tools: There is no tool of the name bok in the application, which has: [book, refund]
            tools=* | parley.agent.tools: There is no tool of the name * in the application, which has: [book, refund]
            needing-approval=book | parley.agent.needing-approval: There is no tool of the name book.
            taking-keys=book | parley.agent.taking-keys: There is no tool of the name book.
            """)
    void aToolThatIsNotThereStopsTheApplication(String property, String message) {
        connected()
                .withPropertyValues("parley.agent.session=trip", "parley.agent." + property)
                .withBean(ChatModel.class, ScriptedChatModel::of)
                .withBean(ToolCallbackProvider.class, ParleyAutoConfigurationTest::shop)
                .run(context -> assertThat(context).getFailure().hasStackTraceContaining(message));
    }

    @Test
    void aNameThatTwoToolsHaveStopsTheApplication() {
        connected()
                .withPropertyValues("parley.agent.session=trip", "parley.agent.tools=book")
                .withBean(ChatModel.class, ScriptedChatModel::of)
                .withBean("one", ToolCallbackProvider.class, ParleyAutoConfigurationTest::shop)
                .withBean("two", ToolCallbackProvider.class, ParleyAutoConfigurationTest::shop)
                .run(context -> assertThat(context)
                        .getFailure()
                        .hasStackTraceContaining("parley.agent.tools: There are two tools of the name book."));
    }

    @Test
    void secretsAreNotPrinted() {
        var properties = new ParleyProperties(
                URI.create("http://localhost"),
                "app.id:secret",
                null,
                new ParleyProperties.Agent(null, true, null, 1, List.of(), List.of(), List.of(), LONG, false));
        assertThat(properties.toString()).doesNotContain("secret");
    }

    @Test
    void springBootFindsIt() throws IOException {
        assertThat(ImportCandidates.load(
                        org.springframework.boot.autoconfigure.AutoConfiguration.class,
                        getClass().getClassLoader()))
                .contains(ParleyAutoConfiguration.class.getName());
        try (InputStream file = Objects.requireNonNull(
                ParleyProperties.class.getResourceAsStream("/META-INF/spring-configuration-metadata.json"))) {
            JsonNode metadata = JsonMapper.shared().readTree(file);
            assertThat(metadata.get("properties"))
                    .extracting(property -> property.get("name").asString())
                    .contains(
                            "parley.url",
                            "parley.key",
                            "parley.client-id",
                            "parley.agent.session",
                            "parley.agent.tools");
            assertThat(metadata.get("properties"))
                    .allSatisfy(property ->
                            assertThat(property.get("description").asString()).isNotEmpty());
        }
    }
}
