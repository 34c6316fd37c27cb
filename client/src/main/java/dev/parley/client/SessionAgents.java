package dev.parley.client;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The agents that a session names, and what they have to do. Sending is not invoking: an input wakes the agents whose triggers
 * fit, and a wake waits until a worker of its agent has done it. Methods block until the server has answered.
 */
public final class SessionAgents {
    /** The longest time that the server lets a worker wait. */
    private static final Duration MAX_WAIT = Duration.ofSeconds(25);

    private final Http http;
    private final String path;
    private final Duration requestTimeout;

    SessionAgents(Http http, String sessionName, Duration requestTimeout) {
        this.http = http;
        this.path = "/v1/sessions/" + ConnectUri.encode(sessionName);
        this.requestTimeout = requestTimeout;
    }

    /** {@return the agents of the session, with those that its namespace names} Needs the capability {@code subscribe}. */
    public List<NamedAgent> list() {
        return list(http, path);
    }

    static List<NamedAgent> list(Http http, String path) {
        return http.call(Http.Call.get(path + "/agents", ""))
                .path("agents")
                .valueStream()
                .map(NamedAgent::of)
                .toList();
    }

    /**
     * Names agents. One with the id of another takes its place. Needs the capability {@code agent-manage}.
     *
     * @param agents at least one; a session names at most 16
     */
    public void name(NamedAgent... agents) {
        name(http, path, agents);
    }

    static void name(Http http, String path, NamedAgent... agents) {
        ObjectNode body = Wire.object();
        var array = body.putArray("agents");
        for (NamedAgent agent : agents) {
            agent.write(array.addObject());
        }
        http.call(Http.Call.json("POST", path + "/agents", body, true));
    }

    /**
     * Names an agent no longer. What it had to do is dropped. Needs the capability {@code agent-manage}.
     *
     * @param agentId the id of the agent
     */
    public void remove(String agentId) {
        remove(http, path, agentId);
    }

    static void remove(Http http, String path, String agentId) {
        http.call(Http.Call.json("DELETE", path + "/agents/" + ConnectUri.encode(agentId), Wire.object(), true));
    }

    /**
     * Wakes an agent, whatever its trigger is. Needs the capability {@code agent-invoke}.
     *
     * @param agentId the id of the agent
     * @param inputEventId the input that it is to answer, by its id as an event
     */
    public void wake(String agentId, String inputEventId) {
        ObjectNode body = Wire.object().put("inputEventId", inputEventId);
        http.call(Http.Call.json("POST", path + "/agents/" + ConnectUri.encode(agentId) + "/wake", body, false));
    }

    /**
     * Claims what an agent has to do. Needs the capability {@code agent-work}, and credentials for the agent's client id or any.
     *
     * @param agentId the id of the agent
     * @param worker what does it, as people may see it, such as the name of a host
     * @param lease for how long the worker has it, from 1 second to 10 minutes; {@link Wake#extend} makes it longer
     * @param wait for how long to wait for something to do, at most 25 seconds, and half of
     *     {@link ClientOptions#requestTimeout()}
     * @return what there is to do; empty if there was nothing, or another worker has it
     */
    public Optional<Wake> claim(String agentId, String worker, Duration lease, Duration wait) {
        return wake(http.call(claiming(agentId, worker, lease, wait)));
    }

    /**
     * Claims what an agent has to do, as {@link #claim} does; the future completes when there is something, or the wait is over.
     *
     * @param agentId the id of the agent
     * @param worker what does it
     * @param lease for how long the worker has it
     * @param wait for how long to wait
     * @return completes as {@link #claim} returns or throws. Continuations must not block
     */
    public CompletableFuture<Optional<Wake>> claimAsync(String agentId, String worker, Duration lease, Duration wait) {
        return http.callAsync(claiming(agentId, worker, lease, wait)).thenApply(this::wake);
    }

    private Http.Call claiming(String agentId, String worker, Duration lease, Duration wait) {
        return claiming(path + "/wakes/claim", agentId, worker, lease, wait, requestTimeout);
    }

    static Http.Call claiming(
            String at, String agentId, String worker, Duration lease, Duration wait, Duration requestTimeout) {
        long most = Math.min(MAX_WAIT.toMillis(), requestTimeout.toMillis() / 2);
        ObjectNode body = Wire.object()
                .put("agentId", agentId)
                .put("worker", worker)
                .put("leaseMs", lease.toMillis())
                .put("waitMs", Math.min(wait.toMillis(), most));
        return Http.Call.json("POST", at, body, true);
    }

    private Optional<Wake> wake(JsonNode answer) {
        return wake(http, answer);
    }

    static Optional<Wake> wake(Http http, JsonNode answer) {
        return answer.isObject() ? Optional.of(new Wake(http, answer)) : Optional.empty();
    }
}
