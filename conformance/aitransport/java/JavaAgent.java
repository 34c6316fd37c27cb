import dev.parley.client.ClientOptions;
import dev.parley.client.Credentials;
import dev.parley.client.ParleyClient;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.Output;
import dev.parley.client.agent.Run;
import dev.parley.conversation.Message;
import dev.parley.conversation.ToolCall;
import java.net.URI;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.json.JsonMapper;

/** An agent in Java that stays in a session: it answers at once, or slowly, or asks whether it may use a tool. */
final class JavaAgent {
    private JavaAgent() {}

    public static void main(String[] args) throws Exception {
        ClientOptions options = ClientOptions.builder(URI.create(args[0]))
                .credentials(Credentials.key(args[1]))
                .clientId("java")
                .build();
        try (ParleyClient client = ParleyClient.of(options);
                AgentSession agent = AgentSession.open(client, args[2])) {
            agent.serve(JavaAgent::answer);
            System.out.println("ready");
            // It lives as long as whoever has started it.
            while (System.in.read() >= 0) {}
        }
    }

    private static void answer(Run run) throws Exception {
        CountDownLatch steered = new CountDownLatch(1);
        try (var hook = run.onSteer(steered::countDown);
                Output output = run.output()) {
            for (ToolCall call : run.approvedCalls()) {
                output.toolOutput(call.toolCallId(), JsonMapper.shared().readTree("\"removed\"")).text("It is removed.");
            }
            if (run.isResumed()) {
                return;
            }
            respond(run, steered);
        }
        if (run.isWaiting()) {
            run.suspend();
        }
    }

    private static void respond(Run run, CountDownLatch steered) throws InterruptedException {
        do {
            List<Message> prompt = run.prompt().messages();
            String question = prompt.get(prompt.size() - 1).text();
            try (Output output = run.output()) {
                if (question.equals("use remove")) {
                    output.toolCall("call-1", "remove", JsonMapper.shared().readTree("{\"all\":true}"));
                    output.requestApproval("call-1");
                } else if (question.startsWith("for ever")) {
                    for (int i = 0; ; i++) {
                        output.text(i + " ");
                        TimeUnit.MILLISECONDS.sleep(5);
                    }
                } else {
                    output.reasoning("hm").text("answer to ").text(question);
                    if (question.startsWith("wait")) {
                        steered.await();
                    }
                }
            }
        } while (run.isSteered());
    }
}
