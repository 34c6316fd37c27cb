package dev.parley.conversation;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A message of the conversation, made of one or more messages of the session.
 *
 * @param id its id in the session ({@code codec-message-id}), by which everything refers to it
 * @param uiId its id as one of Vercel's UI messages; the same unless its author has chosen another
 * @param role who speaks
 * @param parts what it is made of
 * @param metadata what the application says about it, null if nothing
 * @param clientId the client that has published it; null if it is a copy that another client has published
 * @param serial the serial of the first session message that it is made of
 */
public record Message(
        String id,
        String uiId,
        Role role,
        List<Part> parts,
        @Nullable JsonNode metadata,
        @Nullable String clientId,
        String serial) {

    /** Copies the parts. */
    public Message {
        parts = List.copyOf(parts);
    }

    /** {@return all that is said in it: its texts one after the other, without reasoning} */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (Part part : parts) {
            if (part instanceof Part.Text said) {
                text.append(said.text());
            }
        }
        return text.toString();
    }

    /** {@return its calls of tools} */
    public List<ToolCall> toolCalls() {
        return parts.stream()
                .filter(ToolCall.class::isInstance)
                .map(ToolCall.class::cast)
                .toList();
    }
}
