package dev.parley.springai.autoconfigure;

import dev.parley.client.agent.ToolLoop;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties of an application that has an agent in a session of a Parley server.
 *
 * @param url Address of the Parley server, such as https://parley.example. Without it nothing connects, and there is no agent.
 * @param key API key, app.id:secret. Not used if there is a bean of type Credentials.
 * @param clientId Who the client is, if the key leaves that open. Agents need one to find the runs again that they have left.
 * @param agent The agent.
 */
@ConfigurationProperties("parley")
public record ParleyProperties(
        @Nullable URI url,
        @Nullable String key,
        @Nullable String clientId,
        @DefaultValue Agent agent) {
    /**
     * The agent.
     *
     * @param session Name of the session that the agent serves. Without it there is no agent.
     * @param autoStartup Whether the agent begins to serve when the application has started.
     * @param systemMessage What the model is told before everything else.
     * @param maxRounds How many rounds with the model a run may have.
     * @param tools Names of the application's tools that the agent has. It has no others.
     * @param needingApproval Names of the agent's tools that are called only if a person approves.
     * @param takingKeys Names of the agent's tools that have their effect once for each key, so that a call can be repeated after
     *     a crash.
     * @param cancelGrace How long after a cancel a run may go on before it is ended.
     * @param adoptAbandoned Whether the agent takes over active runs of its client id when it starts. Only where one process at a
     *     time serves under this client id.
     */
    public record Agent(
            @Nullable String session,
            @DefaultValue("true") boolean autoStartup,
            @Nullable String systemMessage,
            @DefaultValue("" + ToolLoop.MAX_ROUNDS) int maxRounds,
            @DefaultValue List<String> tools,
            @DefaultValue List<String> needingApproval,
            @DefaultValue List<String> takingKeys,
            @DefaultValue("5s") Duration cancelGrace,
            @DefaultValue("false") boolean adoptAbandoned) {}

    /** Without the key's secret. */
    @Override
    public String toString() {
        return "ParleyProperties[url=" + url + ", clientId=" + clientId + ", agent=" + agent + "]";
    }
}
