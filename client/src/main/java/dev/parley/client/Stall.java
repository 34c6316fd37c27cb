package dev.parley.client;

import java.time.Instant;
import java.util.Optional;

/**
 * Whether the agent of a run is stalled: it is connected, works at the run, and says nothing.
 *
 * @param runId the id of the run
 * @param stalled false if the agent has said something again
 * @param at when the server has noticed it
 */
public record Stall(String runId, boolean stalled, Instant at) {
    /** The name of the message that says so. */
    public static final String MESSAGE = "parley.agent-stalled";

    /**
     * {@return what a message says about an agent that is stalled; empty if it is about something else}
     *
     * @param message any message of a session
     */
    public static Optional<Stall> of(Message message) {
        return MESSAGE.equals(message.name()) && message.data() instanceof Data.Json json
                ? Optional.of(new Stall(
                        Wire.required(json.value(), "runId"),
                        json.value().path("stalled").asBoolean(false),
                        Instant.ofEpochMilli(Wire.number(json.value(), "at", 0))))
                : Optional.empty();
    }
}
