package dev.parley.examples;

import dev.parley.client.agent.AgentOptions;
import dev.parley.client.agent.AgentSession;
import dev.parley.client.agent.CancelRequest;
import dev.parley.client.agent.Invocation;
import dev.parley.client.agent.Run;
import dev.parley.client.agent.RunExistsException;
import dev.parley.client.agent.RunHandler;
import dev.parley.client.agent.Settlement;
import dev.parley.client.agent.UnknownOutcome;
import java.time.Duration;
import tools.jackson.databind.node.JsonNodeFactory;

/** What an agent does about audiences, cancels and crashes. */
public final class CarefulAgent {
    private CarefulAgent() {}

    /** Does what is expensive only while somebody watches. */
    public static void answerToSomebody(AgentSession agent, Run run, Runnable expensive) {
        // region audience
        agent.status("waiting");
        if (agent.audience().await(run.cancelToken(), Duration.ofMinutes(10))) {
            agent.status("thinking");
            expensive.run();
        }
        // endregion
    }

    /** Closes a connection to a model when somebody cancels, and says goodbye. */
    public static void stopWell(Run run, AutoCloseable model) {
        // region cancel
        run.cancelToken().onCancel(() -> {
            try {
                model.close(); // whoever waits for the model gets an exception now
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        run.lastWords(output -> output.text("I have stopped."));
        // endregion
    }

    /** Only the person whose run it is may cancel it. */
    public static AgentOptions ownersOnly() {
        // region owner
        return AgentOptions.DEFAULT.withMayCancel(CancelRequest::isByOwner);
        // endregion
    }

    /** A worker that is handed single inputs, for example by a queue that may deliver them twice. */
    public static void work(AgentSession agent, Invocation invocation, RunHandler handler) {
        // region invocation
        try {
            agent.run(invocation, handler); // returns when the run has ended or is suspended
        } catch (RunExistsException e) {
            System.out.println(
                    "Another worker has it: " + e.runId() + " is " + e.status().wireName());
        }
        // endregion
    }

    /** Takes over what a process has left that has crashed. */
    public static void takeOver(AgentSession agent, RunHandler handler) {
        // region adopt
        for (String runId : agent.abandonedRuns()) {
            agent.adopt(runId, handler);
        }
        // endregion
    }

    /** Settles the calls of which nobody knows whether they have booked, by asking the shop. */
    public static void settle(AgentSession agent, Shop shop) {
        // region settle
        for (UnknownOutcome call : agent.unknownOutcomes()) {
            String booking = shop.bookings().get(call.key().value());
            agent.settle(
                    call,
                    booking == null
                            ? new Settlement.NotDone() // then the tool is called again
                            : new Settlement.Result(JsonNodeFactory.instance.stringNode(booking)));
        }
        // endregion
    }
}
