package dev.parley.examples;

import dev.parley.client.NamedAgent;
import dev.parley.client.NewRequest;
import dev.parley.client.ParleyClient;
import dev.parley.client.SessionRequest;
import dev.parley.client.SessionRequests;
import dev.parley.client.Wake;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.AgentWorker;
import dev.parley.client.agent.Run;
import dev.parley.client.agent.RunHandler;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.StringNode;

/** An agent that a session names, and that works when it is woken. */
public final class WokenAgent {
    private WokenAgent() {}

    /** Names the agent. */
    public static void name(ParleyClient client) {
        // region name
        client.session("trip").agents().name(NamedAgent.of("planner").withMentions("@planner", "@plan-*"));
        // endregion
    }

    /** Works until it is told to stop. The client has the client id "planner". */
    public static void work(ParleyClient client, RunHandler handler, CountDownLatch shutdown)
            throws InterruptedException {
        // region work
        try (AgentSession agent = AgentSession.open(client, "trip")) {
            agent.work(handler);
            shutdown.await();
        }
        // endregion
    }

    /** Works in all sessions of a namespace until it is told to stop. The client has the client id "planner". */
    public static void workEverywhere(ParleyClient client, RunHandler handler, CountDownLatch shutdown)
            throws InterruptedException {
        // region everywhere
        client.namespaceAgents("trips").name(NamedAgent.of("planner"));
        AgentWorker worker = AgentWorker.open(client, handler);
        shutdown.await();
        worker.close();
        // endregion
    }

    /** Claims one wake, for something other than a run. The client has the client id "planner". */
    public static void claim(ParleyClient client) {
        // region claim
        Optional<Wake> claimed = client.session("trip")
                .agents()
                .claim("planner", "host-7", Duration.ofSeconds(30), Duration.ofSeconds(20));
        claimed.ifPresent(wake -> {
            System.out.println("To answer: " + wake.inputEventIds());
            wake.done();
        });
        // endregion
    }

    /** What people have answered. Null if they have not been asked yet: then the run is suspended. */
    public static @Nullable JsonNode ask(AgentSession agent, Run run) {
        // region ask
        SessionRequests requests = agent.session().requests();
        String id = "where-" + run.id();
        if (run.isResumed()) {
            return requests.get(id).decisions().get(0).answer();
        }
        requests.ask(NewRequest.question("Where to?").withId(id).withRun(run.id()));
        run.suspend(); // until somebody has answered
        return null;
        // endregion
    }

    /** Answers what Ann is asked in any session. */
    public static void decide(ParleyClient client) {
        // region decide
        for (SessionRequest request : client.openRequests("", "ann").items()) {
            System.out.println(request.sessionName() + " asks: " + request.title());
            client.session(request.sessionName()).requests().answer(request.id(), StringNode.valueOf("Rome"));
        }
        // endregion
    }
}
