package dev.parley.springai.autoconfigure;

import dev.parley.client.ClientOptions;
import dev.parley.client.Credentials;
import dev.parley.client.ParleyClient;
import dev.parley.client.agent.AgentOptions;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.RunHandler;
import dev.parley.springai.SpringAiAgent;
import java.util.Objects;
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
 *   <li>With {@code parley.url}: {@link ClientOptions}, and a {@link ParleyClient} with these.
 *   <li>A {@link SpringAiAgent.Builder} with the application's {@link ChatModel}, another one wherever it is injected.
 *   <li>With {@code parley.agent.session}: an {@link AgentSession}, which is attached when it is made; if the server is not
 *       reached in time, the application does not start. Its agent is the bean of type {@link RunHandler}, and if there is none, a
 *       {@link SpringAiAgent} with all tools that are beans of type {@link ToolCallback} or come from a
 *       {@link ToolCallbackProvider}. It serves when the application has started.
 * </ul>
 *
 * <p>Each bean of the application takes the place of the one that is made here. All are closed with the context: the agent takes
 * no more inputs, then its open runs are cancelled and their ends written, and then the connection is closed.
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
    @ConditionalOnProperty(SESSION)
    SpringAiAgent springAiAgent(
            SpringAiAgent.Builder builder,
            ParleyProperties properties,
            ObjectProvider<ToolCallback> tools,
            ObjectProvider<ToolCallbackProvider> providers) {
        tools.orderedStream().forEach(builder::toolCallbacks);
        providers.orderedStream().forEach(builder::toolCallbacks);
        return builder.takingKeys(properties.agent().takingKeys().toArray(String[]::new))
                .needingApproval(properties.agent().needingApproval().toArray(String[]::new))
                .build();
    }

    /** How the agent works. */
    @Bean
    @ConditionalOnMissingBean
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
    @ConditionalOnProperty(SESSION)
    AgentSession parleyAgentSession(ParleyClient client, ParleyProperties properties, AgentOptions options) {
        return AgentSession.open(
                client, Objects.requireNonNull(properties.agent().session()), options);
    }

    /** Lets the agent serve. */
    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnProperty(SESSION)
    AgentLifecycle parleyAgentLifecycle(AgentSession session, RunHandler agent, ParleyProperties properties) {
        return new AgentLifecycle(session, agent, properties.agent().autoStartup());
    }
}
