package dev.parley.client.agent;

/**
 * What an agent is asked to answer. Its JSON form, an object with these two fields, is what {@code @ably/ai-transport} sends
 * to an agent's address.
 *
 * @param inputEventId the id of the input as an event
 * @param sessionName the session in which it stands
 */
public record Invocation(String inputEventId, String sessionName) {}
