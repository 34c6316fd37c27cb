package dev.parley.examples.spring;

import dev.parley.client.ParleyClient;
import dev.parley.client.agent.AgentOptions;
import dev.parley.client.agent.AgentSession;
import dev.parley.examples.Shop;
import dev.parley.springai.SpringAiAgent;
import java.util.concurrent.CountDownLatch;
import org.springframework.ai.chat.model.ChatModel;

/** The same agent without Spring Boot. */
public final class ByHand {
    private ByHand() {}

    /** Serves a session until it is told to stop. */
    public static void serve(ParleyClient client, ChatModel model, Shop shop, CountDownLatch shutdown)
            throws InterruptedException {
        // region agent
        SpringAiAgent planner = SpringAiAgent.builder(model)
                .systemMessage("You plan trips by train.")
                .tools(new Trips(shop))
                .takingKeys("book")
                .needingApproval("book")
                .build();
        AgentOptions options = AgentOptions.DEFAULT.withAdoptAbandoned(true);
        try (AgentSession session = AgentSession.open(client, "trip", options)) {
            session.serve(planner);
            shutdown.await();
        }
        // endregion
    }
}
