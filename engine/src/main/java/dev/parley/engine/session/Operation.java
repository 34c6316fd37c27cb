package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * Who changed a message, and why.
 *
 * @param clientId the client that changed it, as authenticated by the server
 * @param description a reason for people
 * @param metadata a JSON object as text, for programs
 */
public record Operation(
        @Nullable String clientId,
        @Nullable String description,
        @Nullable String metadata) {}
