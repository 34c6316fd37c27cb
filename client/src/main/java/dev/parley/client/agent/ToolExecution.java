package dev.parley.client.agent;

import dev.parley.conversation.ToolCall;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A call of a tool that is to be made now.
 *
 * @param key the call's key, which stands in the session by now
 * @param call the call
 * @param run the run in which it is made
 */
public record ToolExecution(ToolKey key, ToolCall call, Run run) {
    /** {@return the arguments: the model's, or those that a person has approved instead; null if there are none} */
    public @Nullable JsonNode input() {
        return call.effectiveInput();
    }

    /**
     * {@return the {@linkplain #input() arguments} as JSON; an empty object if there are none}
     *
     * @throws IllegalArgumentException if they are no object
     */
    public String arguments() {
        JsonNode input = input();
        if (input != null && !input.isNull() && !input.isObject()) {
            throw new IllegalArgumentException(ModelRound.NO_OBJECT);
        }
        return ModelMessage.arguments(call);
    }

    /** {@return whether the run is to stop, and with it the tool, whose thread is then interrupted} */
    public CancelToken cancelToken() {
        return run.cancelToken();
    }
}
