package dev.parley.examples;

import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolMemoryId;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.parley.client.ParleyClient;
import dev.parley.client.agent.AgentOptions;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.ToolKey;
import dev.parley.langchain4j.LangChain4jAgent;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** An agent of LangChain4j that finds connections, and books one when a person approves. */
public final class LangChainTrips {
    // region tools
    /** What the agent can do. LangChain4j tells the model about the annotated methods. */
    public static final class Trips {
        private final Shop shop;

        /** Tools that book at this shop. */
        public Trips(Shop shop) {
            this.shop = shop;
        }

        /** A tool that changes nothing. */
        @Tool("Finds connections")
        public List<String> find(@P("where to") String city) {
            return List.of("8:04 to " + city, "9:04 to " + city);
        }

        /** A tool that has its effect once for each key. */
        @Tool("Books a connection")
        public String book(@P("the connection") String id, @ToolMemoryId ToolKey key) {
            return shop.book(id, key.value());
        }
    }
    // endregion

    private LangChainTrips() {}

    /** Serves a session until it is told to stop. */
    public static void serve(ParleyClient client, StreamingChatModel model, Shop shop, CountDownLatch shutdown)
            throws InterruptedException {
        // region agent
        LangChain4jAgent planner = LangChain4jAgent.builder(model)
                .systemMessage("You plan trips by train.")
                .tools(new Trips(shop))
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
