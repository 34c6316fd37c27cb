package dev.parley.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The state of a message after one of its changes.
 *
 * @param serial where the change stands in the log; serials of one session are ordered as text
 * @param timestamp when the change was stored, by the server's clock
 * @param clientId who made the change, or null
 * @param description why, in that client's words, or null
 * @param metadata what that client added for programs, or null
 */
public record Version(
        String serial,
        Instant timestamp,
        @Nullable String clientId,
        @Nullable String description,
        @Nullable JsonNode metadata) {}
