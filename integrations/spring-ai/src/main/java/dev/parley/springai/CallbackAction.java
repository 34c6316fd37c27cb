package dev.parley.springai;

import dev.parley.client.agent.Tool;
import dev.parley.client.agent.ToolExecution;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.model.ToolContext;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.execution.ToolExecutionException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * A tool callback of Spring AI as the tool loop calls it.
 *
 * @param context what the tool finds in its {@link ToolContext} beside the key of the call
 */
record CallbackAction(ToolCallback callback, Map<String, Object> context) implements Tool.Action {
    @Override
    public @Nullable JsonNode execute(ToolExecution execution) throws Exception {
        Map<String, Object> given = new HashMap<>(context);
        given.put(SpringAiAgent.TOOL_KEY, execution.key());
        String result;
        try {
            result = callback.call(execution.arguments(), new ToolContext(given));
        } catch (ToolExecutionException e) {
            // What the tool itself has thrown: also an interrupt.
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
        return result == null ? null : json(result);
    }

    /** Most callbacks give JSON. What would not be the same as JSON, such as the version 1.10, is text. */
    static JsonNode json(String result) {
        try {
            JsonNode node = JsonMapper.shared().readTree(result);
            if (node.isContainer() || (node.isValueNode() && node.toString().equals(result))) {
                return node;
            }
        } catch (JacksonException e) {
            // It is no JSON.
        }
        return JsonNodeFactory.instance.stringNode(result);
    }
}
