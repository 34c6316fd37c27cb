package dev.parley.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.exception.ToolExecutionException;
import dev.langchain4j.invocation.InvocationContext;
import dev.langchain4j.service.tool.ToolExecutionResult;
import dev.langchain4j.service.tool.ToolExecutor;
import dev.parley.client.agent.Tool;
import dev.parley.client.agent.ToolExecution;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** A tool executor of LangChain4j as the tool loop calls it. */
record ExecutorAction(ToolExecutor executor) implements Tool.Action {
    /** A tool has failed and told why. */
    private static final class FailedException extends Exception {
        private static final long serialVersionUID = 1L;

        FailedException(String message) {
            super(message);
        }
    }

    @Override
    public @Nullable JsonNode execute(ToolExecution execution) throws Exception {
        ToolExecutionRequest request = ChatMessages.request(execution.call(), execution.arguments());
        InvocationContext context =
                InvocationContext.builder().chatMemoryId(execution.key()).build();
        ToolExecutionResult result;
        try {
            result = executor.executeWithContext(request, context);
        } catch (ToolExecutionException e) {
            // What the tool itself has thrown: also an interrupt.
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
        if (result.isError()) {
            throw new FailedException(Objects.requireNonNullElse(text(result), "The tool has failed."));
        }
        String text = text(result);
        boolean isText = result.result() == null || result.result() instanceof CharSequence;
        return text == null || isText ? string(text) : json(text);
    }

    private static @Nullable String text(ToolExecutionResult result) throws FailedException {
        if (result.resultContents().size() != 1 || !(result.resultContents().get(0) instanceof TextContent)) {
            throw new FailedException("The tool has a result that is not text.");
        }
        return result.resultText();
    }

    private static @Nullable JsonNode string(@Nullable String text) {
        return text == null ? null : JsonNodeFactory.instance.stringNode(text);
    }

    /** A tool that returns an object has its JSON as text. */
    private static @Nullable JsonNode json(String text) {
        try {
            return JsonMapper.shared().readTree(text);
        } catch (JacksonException e) {
            return string(text);
        }
    }
}
