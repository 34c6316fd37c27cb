package dev.parley.conversation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A conversation as a room with several people and agents in it: one line of messages in log order. What people write at once
 * is all there, and so are the answers of several agents to one message, which a {@link View} takes for alternatives of each
 * other. Only what was replaced on purpose is left out: earlier versions of an edited message with the answers to them,
 * answers that were generated anew, and runs that were superseded. What others have said below them stays.
 *
 * @param entries the messages in the order of their serials
 */
public record Room(List<Entry> entries) {
    /**
     * A message in the room.
     *
     * @param message the message; its client is who has written it
     * @param node the input or run that it belongs to
     */
    public record Entry(Message message, Node node) {}

    /** Copies the entries. */
    public Room {
        entries = List.copyOf(entries);
    }

    /** The room as the conversation now stands. */
    static Room of(Conversation conversation) {
        Tree tree = conversation.tree();
        Map<String, NodeState> newest = newestAnswers(tree);
        Set<NodeState> hidden = new HashSet<>();
        List<Entry> entries = new ArrayList<>();
        for (NodeState node : tree.nodes()) {
            if (isReplaced(tree, node, newest, hidden)) {
                hidden.add(node);
                continue;
            }
            Node shown = conversation.snapshot(node);
            for (Message message : shown.messages()) {
                // From a message that was generated anew on, its run is replaced.
                if (newest.containsKey(message.id())) {
                    break;
                }
                entries.add(new Entry(message, shown));
            }
        }
        entries.sort(Comparator.comparing(entry -> entry.message().serial()));
        return new Room(entries);
    }

    /** The last of the runs that generate a message anew, by that message. */
    private static Map<String, NodeState> newestAnswers(Tree tree) {
        Map<String, NodeState> newest = new HashMap<>();
        for (NodeState node : tree.nodes()) {
            if (node instanceof RunState run && !tree.isSuperseded(run)) {
                String target = run.regenerates();
                if (target != null && tree.owner(target) != null) {
                    newest.put(target, run);
                }
            }
        }
        return newest;
    }

    private static boolean isReplaced(Tree tree, NodeState node, Map<String, NodeState> newest, Set<NodeState> hidden) {
        if (node instanceof InputState) {
            List<NodeState> versions = tree.group(node);
            return versions.size() > 1 && versions.get(versions.size() - 1) != node;
        }
        String parent = node.parent();
        NodeState answered = parent == null ? null : tree.owner(parent);
        if (tree.isSuperseded(node) || (answered != null && hidden.contains(answered))) {
            return true;
        }
        String target = ((RunState) node).regenerates();
        NodeState last = target == null ? null : newest.get(target);
        return last != null && last != node;
    }
}
