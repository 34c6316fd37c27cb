package dev.parley.conversation;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
    private final Map<String, NodeState> owners;
    private final Set<String> superseded;
    private final Map<String, List<NodeState>> groups = new HashMap<>();

    /**
     * @param owners the nodes that messages of the conversation belong to
     * @param superseded the runs that are no longer shown
     */
    Tree(long structure, Collection<NodeState> all, Map<String, NodeState> owners, Set<String> superseded) {
        this.structure = structure;
        this.owners = owners;
        this.superseded = superseded;
        this.nodes = all.stream()
                .filter(NodeState::isKnown)
                .sorted(Comparator.comparing(NodeState::serial).thenComparing(NodeState::key))
                .toList();
        for (NodeState node : nodes) {
            known.put(node.key(), node);
            children.computeIfAbsent(parentOf(node), parent -> new ArrayList<>())
                    .add(node);
        }
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
        NodeState owner = owners.get(messageId);
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

    /** The alternatives of a node and the node itself, oldest first. */
    List<NodeState> group(NodeState node) {
        List<NodeState> group = groups.get(node.key());
        if (group == null) {
            boolean isAlone = node instanceof RunState run && !hasPlace(run);
            group = node instanceof InputState input ? versions(input) : isAlone ? List.of(node) : siblings(node);
            groups.put(node.key(), group);
        }
        return group;
    }

    private List<NodeState> siblings(NodeState run) {
        return children.getOrDefault(parentOf(run), List.of()).stream()
                .filter(child -> child == run || (child instanceof RunState other && hasPlace(other)))
                .filter(child -> !isSuperseded(child))
                .toList();
    }

    /** Whether it is known what the run answers, or that it answers nothing: its beginning may not have been loaded yet. */
    private static boolean hasPlace(RunState run) {
        return run.parent() != null || run.isStarted();
    }

    private List<NodeState> versions(InputState input) {
        InputState original = original(input);
        return children.getOrDefault(parentOf(original), List.of()).stream()
                .filter(child -> child instanceof InputState version && original(version) == original)
                .toList();
    }

    /** The version that was there first, of which the input is an edited version or a version of a version. */
    private InputState original(InputState input) {
        InputState version = input;
        Set<String> seen = new HashSet<>();
        while (seen.add(version.key())) {
            String forkOf = version.forkOf();
            if (forkOf == null
                    || !(known.get(forkOf) instanceof InputState before)
                    || !parentOf(before).equals(parentOf(version))) {
                return version;
            }
            version = before;
        }
        return version;
    }

    /** The key under which a view remembers what was selected in the group of a node. */
    String groupKey(NodeState node) {
        if (node instanceof InputState input) {
            return original(input).key();
        }
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
        List<NodeState> group = group(node);
        if (group.size() <= 1) {
            return node;
        }
        String key = selections.get(groupKey(node));
        return group.stream()
                .filter(member -> member.key().equals(key))
                .findFirst()
                .orElse(group.get(group.size() - 1));
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
