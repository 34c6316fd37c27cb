package dev.parley.springai.autoconfigure;

import dev.parley.client.ClientOptions;
import dev.parley.client.Credentials;
import dev.parley.client.ParleyClient;
import dev.parley.client.agent.AgentOptions;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.RunHandler;
import dev.parley.springai.SpringAiAgent;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.ToolCallbackProvider;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Scope;

/**
 * Makes the beans of an application that has an agent in a session of a Parley server, of {@link ParleyProperties}.
 *
 * <ul>
 *   <li>With {@code parley.url}: {@link ClientOptions}, and a {@link ParleyClient} with these. Without it nothing connects: the
 *       rest is made only where there is a client.
 *   <li>A {@link SpringAiAgent.Builder} with the application's {@link ChatModel}, another one wherever it is injected.
 *   <li>With {@code parley.agent.session}: an {@link AgentSession}, which is attached when it is made; if the server is not
 *       reached in time, the application does not start. Its agent is the bean of type {@link RunHandler}, and if there is none, a
 *       {@link SpringAiAgent} of that builder. It serves when the application has started.
 * </ul>
 *
 * <p><b>Tools.</b> The agent has those tools that {@code parley.agent.tools} names, among all beans of type {@link ToolCallback}
 * and what beans of type {@link ToolCallbackProvider} have. There is no way to name all: a tool that is there for something else,
 * or that an MCP server has gained since, is not put into the hands of everybody who may write in the session.
 * {@code parley.agent.needing-approval} names those that a person has to approve each time, and {@code parley.agent.taking-keys}
 * those that {@linkplain SpringAiAgent.Builder#takingKeys take keys}. A name without a tool, or with two, stops the application.
 *
 * <p>Each bean of the application takes the place of the one that is made here.
 *
 * <p>When the context stops, the agent is the first to: it takes no more inputs, its open runs are cancelled, and their ends are
 * written, while all else that tools may need is still there. It can start again. With the context, the session and the
 * connection are closed.
 */
@AutoConfiguration
@EnableConfigurationProperties(ParleyProperties.class)
public final class ParleyAutoConfiguration {
    private static final String SESSION = "parley.agent.session";

    /** Called by Spring. */
    public ParleyAutoConfiguration() {}

    /** The options of the client. */
    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnProperty("parley.url")
    ClientOptions parleyClientOptions(ParleyProperties properties, ObjectProvider<Credentials> credentials) {
        return ClientOptions.builder(Objects.requireNonNull(properties.url()))
                .credentials(credentials.getIfAvailable(() -> key(properties.key())))
                .clientId(properties.clientId())
                .build();
    }

    private static @Nullable Credentials key(@Nullable String key) {
        return key == null ? null : Credentials.key(key);
    }

    /** The client. */
    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnBean(ClientOptions.class)
    ParleyClient parleyClient(ClientOptions options) {
        return ParleyClient.of(options);
    }

    /** A builder of agents; whoever has it injected may change it. */
    @Bean
    @Scope("prototype")
    @ConditionalOnMissingBean
    SpringAiAgent.Builder springAiAgentBuilder(ParleyProperties properties, ChatModel model) {
        return SpringAiAgent.builder(model)
                .systemMessage(properties.agent().systemMessage())
                .maxRounds(properties.agent().maxRounds());
    }

    /** The agent. */
    @Bean
    @ConditionalOnMissingBean(RunHandler.class)
    @ConditionalOnBean(ParleyClient.class)
    @ConditionalOnProperty(SESSION)
    SpringAiAgent springAiAgent(
            SpringAiAgent.Builder builder,
            ParleyProperties properties,
            ObjectProvider<ToolCallback> tools,
            ObjectProvider<ToolCallbackProvider> providers) {
        ParleyProperties.Agent agent = properties.agent();
        if (!agent.tools().isEmpty()) {
            // Only then, since it may take a provider a while to say what it has.
            List<ToolCallback> known = Stream.concat(
                            tools.orderedStream(),
                            providers.orderedStream().flatMap(provider -> Stream.of(provider.getToolCallbacks())))
                    .toList();
            configure("tools", () -> builder.toolCallbacks(named(agent.tools(), known)));
        }
        configure("taking-keys", () -> builder.takingKeys(agent.takingKeys().toArray(String[]::new)));
        configure(
                "needing-approval",
                () -> builder.needingApproval(agent.needingApproval().toArray(String[]::new)));
        return builder.build();
    }

    private static ToolCallback[] named(List<String> names, List<ToolCallback> known) {
        Map<String, List<ToolCallback>> byName = known.stream()
                .collect(Collectors.groupingBy(
                        tool -> tool.getToolDefinition().name(), TreeMap::new, Collectors.toList()));
        return names.stream()
                .flatMap(name -> {
                    List<ToolCallback> found = byName.get(name);
                    if (found == null) {
                        throw new IllegalArgumentException("There is no tool of the name " + name
                                + " in the application, which has: " + byName.keySet());
                    }
                    return found.stream();
                })
                .toArray(ToolCallback[]::new);
    }

    private static void configure(String property, Runnable task) {
        try {
            task.run();
        } catch (IllegalArgumentException e) {
            throw new IllegalStateException("parley.agent." + property + ": " + e.getMessage(), e);
        }
    }

    /** How the agent works. */
    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnBean(ParleyClient.class)
    AgentOptions parleyAgentOptions(ParleyProperties properties) {
        // The end of the process closes the context, and the context the session.
        return AgentOptions.DEFAULT
                .withCancelGrace(properties.agent().cancelGrace())
                .withAdoptAbandoned(properties.agent().adoptAbandoned())
                .withEndOnShutdown(false);
    }

    /** The agent's session. */
    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnBean(ParleyClient.class)
    @ConditionalOnProperty(SESSION)
    AgentSession parleyAgentSession(ParleyClient client, ParleyProperties properties, AgentOptions options) {
        return AgentSession.open(
                client, Objects.requireNonNull(properties.agent().session()), options);
    }

    /** Lets the agent serve. */
    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnBean(ParleyClient.class)
    @ConditionalOnProperty(SESSION)
    AgentLifecycle parleyAgentLifecycle(AgentSession session, RunHandler agent, ParleyProperties properties) {
        return new AgentLifecycle(session, agent, properties.agent().autoStartup());
    }
}
