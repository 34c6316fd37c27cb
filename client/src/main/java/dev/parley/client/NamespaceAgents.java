package dev.parley.client;

import java.util.List;

/**
 * The agents that a namespace names for all of its sessions, those that exist and those that will. Each session has them besides
 * its own, see {@link SessionAgents}. Methods block until the server has answered.
 */
public final class NamespaceAgents {
    private final Http http;
    private final String path;

    NamespaceAgents(Http http, String namespace) {
        this.http = http;
        this.path = "/v1/namespaces/" + ConnectUri.encode(namespace);
    }

    /** {@return the agents that the namespace names} Needs the capability {@code subscribe} on all of its sessions. */
    public List<NamedAgent> list() {
        return SessionAgents.list(http, path);
    }

    /**
     * Names agents. One with the id of another takes its place. Needs the capability {@code agent-manage} on all sessions of the
     * namespace.
     *
     * @param agents at least one; a namespace names at most 16
     */
    public void name(NamedAgent... agents) {
        SessionAgents.name(http, path, agents);
    }

    /**
     * Names an agent no longer. What it had to do in any session is dropped. Needs the capability {@code agent-manage} on all
     * sessions of the namespace.
     *
     * @param agentId the id of the agent
     */
    public void remove(String agentId) {
        SessionAgents.remove(http, path, agentId);
    }
}
