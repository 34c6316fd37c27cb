package dev.parley.examples;

import dev.parley.client.ParleyClient;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.Output;
import dev.parley.conversation.Prompt;
import java.util.concurrent.CountDownLatch;

/** An agent that answers, can be stopped, and takes account of what people say meanwhile. */
public final class StreamingAgent {
    private StreamingAgent() {}

    /** Serves a session until it is told to stop. */
    public static void serve(ParleyClient client, Model model, CountDownLatch shutdown) throws InterruptedException {
        // region agent
        try (AgentSession agent = AgentSession.open(client, "trip")) {
            agent.serve(run -> {
                do {
                    Prompt prompt = run.prompt();
                    try (Output output = run.output()) {
                        model.answer(prompt.messages(), output::text, call -> {});
                    }
                } while (run.isSteered());
            });
            shutdown.await();
        }
        // endregion
    }
}
