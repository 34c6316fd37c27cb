package dev.parley.examples;

import dev.parley.client.NamedAgent;
import dev.parley.client.ParleyClient;
import dev.parley.client.Wake;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.RunHandler;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

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
}
