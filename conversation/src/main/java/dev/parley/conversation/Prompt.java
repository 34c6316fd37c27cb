package dev.parley.conversation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an agent has to answer in a run: the branch of the conversation that ends in the run. Earlier runs that have not
 * reached their end are left out, together with what they answer. Messages with which people have steered the run and that
 * the agent has not taken account of yet stand last.
 *
 * @param messages the messages in order
 */
public record Prompt(List<Message> messages) {
    /** Copies the messages. */
    public Prompt {
        messages = List.copyOf(messages);
    }

    /**
     * {@return the texts with which people have steered the run and that are still to be answered, by their messages}
     *
     * @param run the run
     */
    public static List<Message> unansweredSteers(Node.Run run) {
        return run.messages().stream()
                .filter(message ->
                        message.role() == Role.USER && !run.answeredSteers().contains(message.id()))
                .toList();
    }

    /**
     * {@return the prompt of a run as the conversation now stands}
     *
     * @param conversation the conversation
     * @param trigger the input that the run was invoked for
     * @param runId the run's id; the run need not have begun
     */
    public static Prompt of(Conversation conversation, Conversation.Trigger trigger, String runId) {
        Tree tree = conversation.tree();
        String messageId = trigger.messageId();
        String anchor = messageId != null && tree.owner(messageId) != null ? messageId : trigger.parent();
        NodeState last = anchor == null ? null : tree.owner(anchor);
        Deque<NodeState> branch = ancestors(tree, last);
        NodeState run = tree.node(runId);
        if (run != null && !branch.contains(run)) {
            branch.addLast(run);
        }
        Set<NodeState> dropped = new HashSet<>();
        for (NodeState node : branch) {
            if (node != run && node != last && node instanceof RunState earlier) {
                if (conversation.snapshotOf(earlier).status() != RunStatus.COMPLETE) {
                    dropped.add(earlier);
                    String parent = earlier.parent();
                    NodeState asked = parent == null ? null : tree.owner(parent);
                    if (asked instanceof InputState) {
                        dropped.add(asked);
                    }
                }
            }
        }
        List<Message> prompt = new ArrayList<>();
        List<Message> steers = new ArrayList<>();
        for (NodeState node : branch) {
            if (dropped.contains(node)) {
                continue;
            }
            Set<String> answered = node == run && run instanceof RunState steered ? steered.answeredSteers() : Set.of();
            for (Message message : node.messages()) {
                if (message.id().equals(trigger.regenerates())) {
                    prompt.addAll(steers);
                    return new Prompt(prompt);
                }
                boolean waits = node == run && message.role() == Role.USER && !answered.contains(message.id());
                (waits ? steers : prompt).add(message);
            }
        }
        prompt.addAll(steers);
        return new Prompt(prompt);
    }

    private static Deque<NodeState> ancestors(Tree tree, @Nullable NodeState last) {
        Deque<NodeState> branch = new ArrayDeque<>();
        Set<NodeState> seen = new HashSet<>();
        NodeState node = last;
        while (node != null && seen.add(node)) {
            branch.addFirst(node);
            String parent = node.parent();
            node = parent == null ? null : tree.owner(parent);
        }
        return branch;
    }
}
