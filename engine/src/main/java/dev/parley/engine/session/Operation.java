package dev.parley.engine.session;

import org.jspecify.annotations.Nullable;

/**
 * Who changed a message, and why.
 *
 * @param clientId who did it, in the server's word
 * @param description a reason for people
 * @param metadata a JSON object as text, for programs
 */
public record Operation(
        @Nullable String clientId,
        @Nullable String description,
        @Nullable String metadata) {}
