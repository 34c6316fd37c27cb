package dev.parley.client.agent;

import org.jspecify.annotations.Nullable;

/**
 * A request that a run be cancelled; see {@link AgentOptions#mayCancel}.
 *
 * @param runId the run
 * @param ownerId the client that the run belongs to: the one whose input it answers. Empty if that is anonymous
 * @param clientId the client that asks, as the server has verified it; null if it is anonymous
 */
public record CancelRequest(
        String runId, String ownerId, @Nullable String clientId) {
    /** {@return whether the client asks that the run belongs to} A run of an anonymous client belongs to everybody. */
    public boolean isByOwner() {
        return ownerId.isEmpty() || ownerId.equals(clientId);
    }
}
