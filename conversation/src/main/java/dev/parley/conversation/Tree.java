package dev.parley.conversation;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How the nodes of a conversation hang together at one state of its structure: their order, and which are alternatives of
 * each other. Alternatives are the versions of an input that was edited, and the runs that have the same parent.
 */
final class Tree {
    private static final String NO_PARENT = "";

    private final long structure;
    private final List<NodeState> nodes;
    private final Map<String, NodeState> known = new HashMap<>();
    private final Map<String, List<NodeState>> children = new HashMap<>();
    private final Function<String, @Nullable NodeState> owners;
    private final Set<String> superseded;

    /** The alternatives of each node and the node itself; all of a group have the same list. */
    private final Map<NodeState, List<NodeState>> groups = new HashMap<>();

    /**
     * @param owners gives the node that a message of the conversation belongs to
     * @param superseded the runs that are no longer shown
     */
    Tree(
            long structure,
            Collection<NodeState> all,
            Function<String, @Nullable NodeState> owners,
            Set<String> superseded) {
        this.structure = structure;
        this.owners = owners;
        this.superseded = superseded;
        this.nodes = all.stream()
                .filter(NodeState::isKnown)
                .sorted(Comparator.comparing(NodeState::serial).thenComparing(NodeState::key))
                .toList();
        Map<String, List<NodeState>> siblings = new HashMap<>();
        for (NodeState node : nodes) {
            String parent = parentOf(node);
            if (node instanceof InputState input) {
                List<NodeState> group = versionsOf(input, parent);
                group.add(input);
                groups.put(input, group);
            } else if (node instanceof RunState run && !hasPlace(run)) {
                groups.put(run, List.of(run));
            } else {
                List<NodeState> group = siblings.computeIfAbsent(parent, key -> new ArrayList<>());
                if (!isSuperseded(node)) {
                    group.add(node);
                }
                groups.put(node, group);
            }
            known.put(node.key(), node);
            children.computeIfAbsent(parent, key -> new ArrayList<>()).add(node);
        }
    }

    /** The versions of an input that are known so far: those that it is an edited version of, if they are of this place. */
    private List<NodeState> versionsOf(InputState input, String parent) {
        String forkOf = input.forkOf();
        NodeState before = forkOf == null ? null : known.get(forkOf);
        List<NodeState> group = before instanceof InputState ? groups.get(before) : null;
        return group == null || !parentOf(group.get(0)).equals(parent) ? new ArrayList<>() : group;
    }

    private static String parentOf(NodeState node) {
        String parent = node.parent();
        return parent == null ? NO_PARENT : parent;
    }

    /** The state of the conversation's structure that this is of. */
    long structure() {
        return structure;
    }

    /** All nodes in the order of their serials. */
    List<NodeState> nodes() {
        return nodes;
    }

    @Nullable
    NodeState node(String key) {
        return known.get(key);
    }

    /** The node that a message belongs to, null if it is not known. */
    @Nullable
    NodeState owner(String messageId) {
        NodeState owner = owners.apply(messageId);
        return owner == null ? null : known.get(owner.key());
    }

    boolean isSuperseded(NodeState node) {
        return superseded.contains(node.key());
    }

    /** The runs that answer a message, oldest first. */
    List<RunState> replies(String messageId) {
        return children.getOrDefault(messageId, List.of()).stream()
                .filter(RunState.class::isInstance)
                .map(RunState.class::cast)
                .filter(run -> !isSuperseded(run))
                .toList();
    }

    /** The alternatives of a node and the node itself, oldest first; a run that was superseded is not in it. */
    List<NodeState> group(NodeState node) {
        return Collections.unmodifiableList(groups.getOrDefault(node, List.of(node)));
    }

    /** Whether it is known what the run answers, or that it answers nothing: its beginning may not have been loaded yet. */
    private static boolean hasPlace(RunState run) {
        return run.parent() != null || run.isStarted();
    }

    /** The key under which a view remembers what was selected in the group of a node. */
    String groupKey(NodeState node) {
        List<NodeState> group = group(node);
        return group.isEmpty() ? node.key() : group.get(0).key();
    }

    /**
     * The nodes of one branch.
     *
     * @param selections the keys of the nodes that were selected, by the keys of their groups; the newest of a group that is
     *     not there
     */
    List<NodeState> branch(Map<String, String> selections) {
        List<NodeState> branch = new ArrayList<>();
        Set<NodeState> onPath = new HashSet<>();
        for (NodeState node : nodes) {
            String parent = node.parent();
            NodeState before = parent == null ? null : owner(parent);
            if (isSuperseded(node) || (before != null && !onPath.contains(before))) {
                continue;
            }
            if (selected(node, selections) == node) {
                onPath.add(node);
                branch.add(node);
            }
        }
        return branch;
    }

    /** The one of a node's alternatives that is selected, the newest if none is. */
    NodeState selected(NodeState node, Map<String, String> selections) {
        List<NodeState> group = groups.getOrDefault(node, List.of(node));
        if (group.size() <= 1) {
            return node;
        }
        String groupKey = groupKey(node);
        String key = selections.get(groupKey);
        NodeState chosen = key == null ? null : known.get(key);
        return chosen != null && groupKey(chosen).equals(groupKey) && !isSuperseded(chosen)
                ? chosen
                : group.get(group.size() - 1);
    }

    /**
     * The runs that generate a message anew that is not the first of its run, oldest first. They hang on the message before
     * it, so they are no siblings of its run.
     *
     * @param before the message before it in its run
     */
    List<RunState> regenerators(String messageId, String before) {
        return replies(before).stream()
                .filter(run -> messageId.equals(run.regenerates()))
                .toList();
    }
}
