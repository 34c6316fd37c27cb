package dev.parley.dayout;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.parley.client.ClientOptions;
import dev.parley.client.Credentials;
import dev.parley.client.NamedAgent;
import dev.parley.client.ParleyClient;
import dev.parley.client.agent.AgentOptions;
import dev.parley.client.agent.AgentWorker;
import dev.parley.langchain4j.LangChain4jAgent;
import java.net.URI;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

/**
 * Bernard, who plans a day out. The server wakes him when somebody mentions him, in any session whose name begins with
 * {@code day-out:}; he reads all that was said, looks for places, writes the itinerary, and asks before he reserves something.
 *
 * <p>All he knows stands in the session. A process of his that dies is no loss: another one goes on where it was.
 */
public final class Bernard {
    /** Who he is. */
    public static final String ID = "bernard";

    /** The namespace of his sessions. */
    public static final String NAMESPACE = "day-out";

    private static final String INSTRUCTIONS = """
            You are Bernard, who knows the small town of Seeburg and plans a day there for a few friends. They chat with each \
            other, and call you with @bernard. Their messages begin with their names. Take account of all that was said, also \
            to others, and say in one sentence whose wish you have met.

            Begin with readItinerary, since people edit the list, too: what somebody else has put there stays, and what somebody \
            has taken off stays off. Use only places that findPlaces gives, and their ids. Put each stop into the itinerary \
            with planStop, in an order that makes short ways, and mind when places are open. Reserve with book only if somebody \
            has asked for it. People are asked before it is done; if they decline, do not ask again by yourself.

            If somebody has stopped you, do not simply go on with what you were doing: look at what was said since. Answer in short \
            Markdown, in the language in which you are spoken to.""";

    private Bernard() {}

    /**
     * Works until the process ends: {@code PARLEY_URL} and {@code PARLEY_KEY} name the server, and {@link Models} the model.
     *
     * @param args none
     */
    public static void main(String... args) throws InterruptedException {
        Map<String, String> environment = System.getenv();
        URI server = URI.create(required(environment, "PARLEY_URL"));
        ParleyClient client = ParleyClient.of(ClientOptions.builder(server)
                .credentials(Credentials.key(required(environment, "PARLEY_KEY")))
                .clientId(ID)
                .build());
        AgentWorker worker = work(client, Models.choose(environment));
        System.out.println("Bernard is ready.");
        new CountDownLatch(1).await();
        worker.close();
    }

    private static String required(Map<String, String> environment, String name) {
        return Objects.requireNonNull(environment.get(name), () -> name + " has to be set.");
    }

    /**
     * Names Bernard for all sessions of his namespace, and begins to work.
     *
     * @param client has the client id {@value #ID}, and is for nothing else
     * @param model speaks for him
     * @return what ends the work
     */
    public static AgentWorker work(ParleyClient client, StreamingChatModel model) {
        client.namespaceAgents(NAMESPACE)
                .name(NamedAgent.of(ID).withName("Bernard").withMentions("@bernard"));
        LangChain4jAgent bernard = LangChain4jAgent.builder(model)
                .systemMessage(INSTRUCTIONS)
                .prompts(round -> round.run()
                        .read(conversation ->
                                Dialogue.of(conversation, round.run().id())))
                .tools(new TownTools(client))
                .needingApproval("book")
                .build();
        AgentOptions options = AgentOptions.DEFAULT
                .withExecutor(Executors.newVirtualThreadPerTaskExecutor())
                // What was begun goes on when he is back.
                .withEndOnShutdown(false);
        return AgentWorker.open(client, options, AgentWorker.DEFAULT_WAKES, bernard);
    }
}
