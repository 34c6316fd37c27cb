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
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.support.ToolCallbacks;
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

    /** A tool. */
    static class Shop {
        @Tool(description = "Books a trip")
        String book() {
            return "booked";
        }
    }

    @Test
    void anAgentIsMadeOfProperties() {
        var model = ScriptedChatModel.of(
                Answer.begin().toolCall("c", "book", "{}"), Answer.begin().text("It is booked."));
        connected()
                .withPropertyValues(
                        "parley.agent.session=trip",
                        "parley.agent.system-message=You plan trips.",
                        "parley.agent.needing-approval=book",
                        "parley.agent.max-rounds=7",
                        "parley.agent.cancel-grace=1s",
                        "parley.agent.adopt-abandoned=true")
                .withBean(ChatModel.class, () -> model)
                .withBean(ToolCallbackProvider.class, () -> ToolCallbackProvider.from(ToolCallbacks.from(new Shop())))
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
                });
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

    @Test
    void withoutPropertiesThereIsNothing() {
        application()
                .run(context -> assertThat(context)
                        .hasNotFailed()
                        .doesNotHaveBean(ParleyClient.class)
                        .doesNotHaveBean(AgentSession.class)
                        .doesNotHaveBean(RunHandler.class));
    }

    @Test
    void aToolThatIsNotThereStopsTheApplication() {
        connected()
                .withPropertyValues("parley.agent.session=trip", "parley.agent.needing-approval=bok")
                .withBean(ChatModel.class, ScriptedChatModel::of)
                .run(context ->
                        assertThat(context).getFailure().rootCause().hasMessage("There is no tool of the name bok."));
    }

    @Test
    void secretsAreNotPrinted() {
        var properties = new ParleyProperties(
                URI.create("http://localhost"),
                "app.id:secret",
                null,
                new ParleyProperties.Agent(null, true, null, 1, List.of(), List.of(), LONG, false));
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
                    .contains("parley.url", "parley.key", "parley.client-id", "parley.agent.session");
            assertThat(metadata.get("properties"))
                    .allSatisfy(property ->
                            assertThat(property.get("description").asString()).isNotEmpty());
        }
    }
}
