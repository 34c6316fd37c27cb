package dev.parley.springai;

import dev.parley.client.ParleyClient;
import dev.parley.client.TestServer;
import dev.parley.client.agent.AgentCrashes;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.Invocation;
import dev.parley.conversation.Node;
import dev.parley.springai.testing.Answer;
import dev.parley.springai.testing.ScriptedChatModel;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.model.ToolContext;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.tool.annotation.Tool;

/**
 * The process of an agent that {@link CrashTest} ends at random points. It says on its standard output where it is. Its tools
 * keep what they do in files, as a service elsewhere would keep it.
 */
final class CrashingAgent {
    /** The exit status after a SIGKILL. */
    private static final int KILLED = 137;

    /** The number of places that are left until the process ends itself. */
    private static int left;

    private CrashingAgent() {}

    /** Arguments: the server, a key, a folder, the event of the question, and the number of the last place, or 0. */
    public static void main(String[] args) throws Exception {
        left = Integer.parseInt(args[4]);
        Path folder = Path.of(args[2]);
        SpringAiAgent handler = SpringAiAgent.builder(ScriptedChatModel.answering(CrashingAgent::answer))
                .tools(new Tools(folder))
                .takingKeys("pay")
                .build();
        try (ParleyClient client = ParleyClient.of(TestServer.options(URI.create(args[0]), args[1])
                        .clientId("agent")
                        .build());
                AgentSession session = AgentSession.open(client, "s")) {
            session.serve(handler);
            at("open");
            try {
                boolean isTaken = session.read(known -> known.nodes().stream().anyMatch(Node.Run.class::isInstance));
                if (isTaken || !session.abandonedRuns().isEmpty()) {
                    session.abandonedRuns().forEach(run -> session.adopt(run, handler));
                } else {
                    session.run(new Invocation(args[3], "s"), handler);
                }
            } catch (IllegalStateException e) {
                at("at work already: " + e.getMessage());
            }
            at("ready");
            // It goes on when somebody gives a result, until it is ended.
            Thread.currentThread().join();
        }
    }

    /** As the model has no memory, it says what comes next by what there is. */
    private static Answer answer(Prompt prompt) {
        at("model");
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

    static synchronized void at(String point) {
        System.out.println(point);
        System.out.flush();
        if (--left == 0) {
            // As by SIGKILL, nothing else runs.
            Runtime.getRuntime().halt(KILLED);
        }
    }

    /** Two tools: one that takes keys, and one that does not. */
    record Tools(Path folder) {
        @Tool(description = "Pays, once for each key")
        String pay(ToolContext context) throws IOException {
            at("pay");
            Path paid = folder.resolve("paid-" + SpringAiAgent.toolKey(context).value());
            try {
                Files.createFile(paid);
            } catch (FileAlreadyExistsException e) {
                at("paid before");
            }
            at("paid");
            return "paid";
        }

        @Tool(description = "Tells, each time it is called")
        String tell(ToolContext context) throws IOException {
            at("tell");
            String line = SpringAiAgent.toolKey(context).value() + "\n";
            Files.writeString(folder.resolve("told"), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            at("told");
            return "told";
        }
    }
}
