package dev.parley.examples;

import dev.parley.client.ParleyClient;
import dev.parley.client.Registration;
import dev.parley.client.agent.ClientSession;
import dev.parley.client.agent.Sent;
import dev.parley.client.agent.Settlement;
import dev.parley.client.agent.UnknownOutcome;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Part;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import tools.jackson.databind.node.JsonNodeFactory;

/** A person's side of a conversation. */
public final class Talking {
    private Talking() {}

    /** Says something, and returns the answer when the agent has finished. */
    public static String ask(ParleyClient client, String question) {
        // region ask
        try (ClientSession person = ClientSession.open(client, "trip")) {
            Sent sent = person.send(question);
            Node.Run run = person.awaitEnd(sent, Duration.ofMinutes(1)).orElseThrow();
            return run.messages().get(run.messages().size() - 1).text();
        }
        // endregion
    }

    /** Shows the conversation whenever it has changed. */
    public static Registration watch(ClientSession person) {
        // region watch
        person.view().loadOlder(50);
        return person.onChange(change -> {
            for (Message message : person.messages()) {
                System.out.println(message.role() + ": " + message.text());
            }
        });
        // endregion
    }

    /** Approves what the agent asks for in a run. */
    public static void approveAll(ClientSession person, Node.Run run) {
        // region approve
        for (Message message : run.messages()) {
            for (ToolCall call : message.toolCalls()) {
                if (call.state() == ToolCall.State.APPROVAL_REQUESTED) {
                    System.out.println("May I call " + call.toolName() + " with " + call.input() + "?");
                    person.approve(call.toolCallId(), true, null);
                }
            }
        }
        // endregion
    }

    /** Settles the calls of which nobody knows whether they have had an effect, by asking those who must know. */
    public static void settle(ClientSession person, Node.Run run, UnaryOperator<String> effectOf) {
        // region settle
        for (UnknownOutcome call : person.unknownOutcomes(run.key())) {
            String effect = effectOf.apply(call.key().value());
            person.settle(call, new Settlement.Result(JsonNodeFactory.instance.stringNode(effect)));
        }
        // endregion
    }

    /** Answers what a run waits for, and waits for its end. */
    public static Node.Run answer(ClientSession person, Sent sent, Consumer<Node.Run> answer) {
        // region end
        Node.Run run = person.awaitRun(sent, Duration.ofMinutes(1)).orElseThrow();
        if (run.status() == RunStatus.SUSPENDED) {
            answer.accept(run);
        }
        return person.awaitEnd(sent, Duration.ofHours(1)).orElseThrow();
        // endregion
    }

    /** Changes one's mind in all the ways that there are. */
    public static Sent changeMind(ClientSession person, Sent sent, Node.Run run) {
        // region more
        person.steer(run.key(), "First class, please"); // before the agent's next round
        person.cancel(sent); // stops it
        Sent edited = person.edit(sent.messageId(), List.of(new Part.Text("A later train?"))); // another branch
        // endregion
        return edited;
    }
}
