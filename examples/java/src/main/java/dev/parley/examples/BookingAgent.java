package dev.parley.examples;

import dev.parley.client.ParleyClient;
import dev.parley.client.agent.AgentOptions;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.Tool;
import dev.parley.client.agent.ToolLoop;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** An agent that also calls a tool, after a person has approved the call. */
public final class BookingAgent {
    private BookingAgent() {}

    /** Serves a session until it is told to stop. */
    public static void serve(ParleyClient client, Model model, Shop shop, CountDownLatch shutdown)
            throws InterruptedException {
        // region agent
        Tool book = Tool.of("book", call -> shop.book(call.input(), call.key().value()))
                .takingKeys() // the shop books once for each key, so a call may be repeated after a crash
                .needingApproval();
        ToolLoop planner = ToolLoop.of(
                round -> model.answer(
                        round.prompt().messages(),
                        round.output()::text,
                        call -> round.output().toolCall(round.callId(call.id()), call.tool(), call.arguments())),
                List.of(book));
        AgentOptions options = AgentOptions.DEFAULT.withAdoptAbandoned(true);
        try (AgentSession agent = AgentSession.open(client, "trip", options)) {
            agent.serve(planner);
            shutdown.await();
        }
        // endregion
    }
}
