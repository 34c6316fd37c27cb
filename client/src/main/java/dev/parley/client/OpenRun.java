package dev.parley.client;

import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A run of an agent that has not ended, as the server knows it.
 *
 * @param runId the id of the run
 * @param status what its agent does
 * @param since when it began
 * @param silentSince since when a stalled agent has said nothing; null if it is not stalled
 */
public record OpenRun(
        String runId,
        Status status,
        Instant since,
        @Nullable Instant silentSince) {
    /** What the agent of a run does. */
    public enum Status {
        /** It works at the run. */
        ACTIVE,
        /** It waits for somebody. */
        SUSPENDED,
        /** It is connected, and has said nothing for so long that something may be wrong. */
        STALLED
    }

    static OpenRun of(JsonNode json) {
        JsonNode silent = json.path("silentSince");
        return new OpenRun(
                Wire.required(json, "runId"),
                Status.valueOf(Wire.required(json, "status").toUpperCase(Locale.ROOT)),
                Instant.ofEpochMilli(Wire.number(json, "since", 0)),
                silent.isNumber() ? Instant.ofEpochMilli(silent.longValue()) : null);
    }
}
