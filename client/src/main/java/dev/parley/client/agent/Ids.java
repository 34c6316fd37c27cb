package dev.parley.client.agent;

import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Ids of events, messages, runs and invocations. */
final class Ids {
    private Ids() {}

    static String next() {
        return UUID.randomUUID().toString();
    }

    /** The id of the run with which an agent answers an input: the same whoever asks, and how often. */
    static String run(String session, String eventId, @Nullable String agentId) {
        String name = String.join("\n", session, eventId, agentId == null ? "" : agentId);
        return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString();
    }
}
