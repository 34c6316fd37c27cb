package dev.parley.springai;

import dev.parley.client.agent.AgentCrashes;
import dev.parley.client.agent.CrashingProcess;
import dev.parley.springai.testing.Answer;
import dev.parley.springai.testing.ScriptedChatModel;
import java.io.IOException;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.model.ToolContext;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.tool.annotation.Tool;

/** The agent whose process {@link CrashTest} ends at random points. */
final class CrashingAgent {
    private CrashingAgent() {}

    /** See {@link CrashingProcess#run}. */
    public static void main(String[] args) throws Exception {
        CrashingProcess.run(
                args,
                effects -> SpringAiAgent.builder(ScriptedChatModel.answering(CrashingAgent::answer))
                        .tools(new Tools(effects))
                        .takingKeys("pay")
                        .build());
    }

    /** As the model has no memory, it says what comes next by what there is. */
    private static Answer answer(Prompt prompt) {
        CrashingProcess.at("model");
        long results = prompt.getInstructions().stream()
                .filter(ToolResponseMessage.class::isInstance)
                .mapToLong(message ->
                        ((ToolResponseMessage) message).getResponses().size())
                .sum();
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
        @Tool(description = "Pays, once for each key")
        String pay(ToolContext context) throws IOException {
            return effects.pay(SpringAiAgent.toolKey(context).value());
        }

        @Tool(description = "Tells, each time it is called")
        String tell(ToolContext context) throws IOException {
            return effects.tell(SpringAiAgent.toolKey(context).value());
        }
    }
}
