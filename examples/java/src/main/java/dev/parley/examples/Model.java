package dev.parley.examples;

import dev.parley.conversation.Message;
import java.util.List;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;

/** A language model as these examples see it. Behind it stands whatever library you use. */
public interface Model {
    /**
     * Answers, and returns when it has finished.
     *
     * @param messages the conversation so far
     * @param text is given each piece of the answer as it comes; if it throws, nobody wants more
     * @param call is given each call of a tool
     */
    void answer(List<Message> messages, Consumer<String> text, Consumer<Call> call);

    /**
     * A call of a tool.
     *
     * @param id the call's id
     * @param tool the name of the tool
     * @param arguments its arguments
     */
    record Call(String id, String tool, JsonNode arguments) {}
}
