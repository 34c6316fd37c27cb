package dev.parley.langchain4j;

import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolMemoryId;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.parley.client.agent.AgentCrashes;
import dev.parley.client.agent.CrashingProcess;
import dev.parley.client.agent.ToolKey;
import dev.parley.langchain4j.testing.Answer;
import dev.parley.langchain4j.testing.ScriptedChatModel;
import java.io.IOException;

/** The agent whose process {@link CrashTest} ends at random points. */
final class CrashingAgent {
    private CrashingAgent() {}

    /** See {@link CrashingProcess#run}. */
    public static void main(String[] args) throws Exception {
        CrashingProcess.run(
                args,
                effects -> LangChain4jAgent.builder(ScriptedChatModel.answering(CrashingAgent::answer))
                        .tools(new Tools(effects))
                        .build());
    }

    /** As the model has no memory, it says what comes next by what there is. */
    private static Answer answer(ChatRequest request) {
        CrashingProcess.at("model");
        long results = request.messages().stream()
                .filter(ToolExecutionResultMessage.class::isInstance)
                .count();
        if (results == 2 * AgentCrashes.ROUNDS) {
            return Answer.begin().thinking("All is done.").text("Paid ", "and ", "told.");
        }
        return Answer.begin()
                .thinking("Round ", results / 2 + ".")
                .text("I pay ", "and tell.")
                .toolCall("pay-" + results, "pay", "{}")
                .toolCall("tell-" + results, "tell", "{}");
    }

    /** Two tools: one that takes keys, and one that does not. */
    record Tools(CrashingProcess.Effects effects) {
        @Tool("Pays, once for each key")
        String pay(@ToolMemoryId ToolKey key) throws IOException {
            return effects.pay(key.value());
        }

        @Tool("Tells, each time it is called")
        String tell(@ToolMemoryId Object key) throws IOException {
            return effects.tell(key.toString());
        }
    }
}
