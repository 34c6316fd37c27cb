package dev.parley.client;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Who changes a message and why, as the {@link Version} will show it.
 *
 * @param clientId who makes the change, if the credentials leave that open
 * @param description why, in words
 * @param metadata anything for programs, a JSON object
 */
public record Operation(
        @Nullable String clientId,
        @Nullable String description,
        @Nullable JsonNode metadata) {
    /** A change about which nothing is said. */
    public static final Operation NONE = new Operation(null, null, null);
}
