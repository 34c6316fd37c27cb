package dev.parley.client.agent;

import org.jspecify.annotations.Nullable;

/**
 * An input that was published.
 *
 * @param eventId its id as an event, by which an agent is invoked for it
 * @param messageId the id of its message; of an answer, that of the message with the tool call
 * @param runId the run that it is for; null if it asks for a new one
 * @param invocation what is handed to an agent that does not stay in the session
 */
public record Sent(
        String eventId, String messageId, @Nullable String runId, Invocation invocation) {}
