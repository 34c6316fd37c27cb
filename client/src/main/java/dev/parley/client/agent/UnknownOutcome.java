package dev.parley.client.agent;

import dev.parley.conversation.ToolCall;

/**
 * A call of a tool in a suspended run of which it is not known whether it has had an effect, and which is not repeated unless
 * somebody {@linkplain AgentSession#settle settles} it so.
 *
 * @param key what the call is known by, also at whoever the tool has asked for the effect
 * @param call the call, with its name and arguments
 * @param messageId the message of the conversation in which it was made
 * @param attempts how often it was begun so far; a settlement is about these and no later ones
 */
public record UnknownOutcome(ToolKey key, ToolCall call, String messageId, int attempts) {
    /** The id of the message that settles it: whoever does, the session has the first. */
    String settlementId() {
        return settlementId(key, attempts);
    }

    static String settlementId(ToolKey key, int attempts) {
        return key.value() + "-settled-" + attempts;
    }
}
