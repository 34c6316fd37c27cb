package dev.parley.client.agent;

import dev.parley.conversation.Node;
import dev.parley.conversation.RunStatus;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The runs of an agent as they stand in the session, whichever process has begun them. */
final class KnownRuns {
    /** Pages of the history, of 100 messages each, in which an agent that begins looks for runs that were left. */
    private static final int START_PAGES = 5;

    private final SharedConversation shared;
    private final OpenRuns open;
    private final @Nullable String clientId;

    KnownRuns(SharedConversation shared, OpenRuns open, @Nullable String clientId) {
        this.shared = shared;
        this.open = open;
        this.clientId = clientId;
    }

    /** The runs of the agent that have this status but are not open here. */
    List<String> left(RunStatus status) {
        shared.loadNewest(START_PAGES);
        return shared.read(conversation -> conversation.nodes().stream()
                .filter(Node.Run.class::isInstance)
                .map(Node.Run.class::cast)
                .filter(run -> run.status() == status && isOwn(run) && !open.has(run.key()))
                .map(Node.Run::key)
                .toList());
    }

    private boolean isOwn(Node.Run run) {
        return Objects.equals(run.agentId(), clientId);
    }

    /** A run as it stands, whosever it is; null if there is no such run. */
    Node.@Nullable Run find(String runId) {
        return findFrames(runId) == null
                ? null
                : shared.read(conversation -> conversation.run(runId)).orElse(null);
    }

    /** A run of the agent as it stands; null if there is no such run. */
    Node.@Nullable Run findOwn(String runId) {
        Node.Run run = find(runId);
        return run != null && isOwn(run) ? run : null;
    }

    /** How a run began and was taken up, read from the history if need be; null if there is no such run. */
    SharedConversation.@Nullable Frames findFrames(String runId) {
        return shared.findFrames(runId);
    }
}
