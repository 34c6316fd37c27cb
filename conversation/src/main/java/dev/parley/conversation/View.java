package dev.parley.conversation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One branch of a conversation, as one person looks at it. Where there are alternatives it shows the newest, unless another
 * was selected here; an edit by somebody else does not take away a version that it has shown. Several views of one
 * conversation have selections of their own.
 *
 * <p>A view looks at the conversation whenever it is asked. It belongs to the conversation's thread.
 */
public final class View {
    /**
     * The alternatives of a message.
     *
     * @param alternatives the message and those that could stand in its place, oldest first
     * @param selected the index of the one that is shown
     */
    public record Branch(List<Message> alternatives, int selected) {
        /** Copies the alternatives. */
        public Branch {
            alternatives = List.copyOf(alternatives);
        }
    }

    /**
     * What a request to generate a message anew says.
     *
     * @param target the message that is to be generated anew
     * @param parent the message before it
     */
    public record Regeneration(String target, String parent) {}

    /** The nodes that are alternatives, with the message that stands for each. */
    private record Choice(String key, boolean isInner, List<Member> members) {}

    private record Member(NodeState node, Message message) {}

    private final Conversation conversation;
    private final Map<String, String> selections = new HashMap<>();

    /** What was selected where a message was generated anew that is not the first of its run, by that message. */
    private final Map<String, String> innerSelections = new HashMap<>();

    private long structure = -1;
    private List<NodeState> branch = List.of();

    View(Conversation conversation) {
        this.conversation = conversation;
    }

    /** Shows what another view does, of another part of the same session. */
    View(Conversation conversation, View like) {
        this(conversation);
        Tree tree = conversation.tree();
        selections.putAll(like.selections);
        innerSelections.putAll(like.innerSelections);
        for (String selected : like.selections.values()) {
            NodeState node = tree.node(selected);
            if (node != null) {
                // The first of a group gives it its key, and may not be here.
                selections.put(tree.groupKey(node), selected);
            }
        }
        List<NodeState> shown = new ArrayList<>();
        for (NodeState node : like.branch) {
            NodeState here = tree.node(node.key());
            if (here != null) {
                shown.add(here);
            }
        }
        // The structure is looked at when the view is asked, and what has been shown of an edited input stays.
        branch = shown;
    }

    /** {@return the messages of the branch in order} */
    public List<Message> messages() {
        Tree tree = refreshed();
        Set<NodeState> inner = new HashSet<>();
        for (NodeState node : branch) {
            List<Message> own = node instanceof RunState ? node.messages() : List.of();
            for (int i = 1; i < own.size(); i++) {
                inner.addAll(tree.regenerators(own.get(i).id(), own.get(i - 1).id()));
            }
        }
        List<Message> shown = new ArrayList<>();
        for (NodeState node : branch) {
            if (!inner.contains(node)) {
                addMessages(tree, node, shown);
            }
        }
        return List.copyOf(shown);
    }

    /** Adds the messages of a node, up to one in whose place another was selected: there go on those of the other's run. */
    private void addMessages(Tree tree, NodeState first, List<Message> shown) {
        Set<NodeState> above = new HashSet<>();
        NodeState node = first;
        while (node != null && above.add(node)) {
            node = addOwnMessages(tree, node, shown);
        }
    }

    private @Nullable NodeState addOwnMessages(Tree tree, NodeState node, List<Message> shown) {
        List<Message> own = node.messages();
        for (int i = 0; i < own.size(); i++) {
            Message message = own.get(i);
            List<RunState> others = i > 0 && node instanceof RunState
                    ? tree.regenerators(message.id(), own.get(i - 1).id())
                    : List.of();
            NodeState chosen = others.isEmpty() ? node : selectedInner(message.id(), node, others);
            if (chosen != node) {
                return chosen;
            }
            shown.add(message);
        }
        return null;
    }

    private NodeState selectedInner(String messageId, NodeState owner, List<RunState> others) {
        String key = innerSelections.get(messageId);
        if (owner.key().equals(key)) {
            return owner;
        }
        return others.stream().filter(run -> run.key().equals(key)).findFirst().orElse(others.get(others.size() - 1));
    }

    /** {@return the nodes of the branch in order} */
    public List<Node> nodes() {
        refreshed();
        return branch.stream().map(conversation::snapshot).toList();
    }

    /** {@return the runs of the branch in order} */
    public List<Node.Run> runs() {
        return nodes().stream()
                .filter(Node.Run.class::isInstance)
                .map(Node.Run.class::cast)
                .toList();
    }

    /**
     * {@return the run that a message belongs to, or the one that is shown as the answer to it}
     *
     * @param messageId the message's id
     */
    public Optional<Node.Run> runOf(String messageId) {
        Tree tree = refreshed();
        NodeState owner = tree.owner(messageId);
        if (owner instanceof RunState run) {
            return Optional.of(conversation.snapshotOf(run));
        }
        List<RunState> replies = tree.replies(messageId);
        return owner == null || replies.isEmpty()
                ? Optional.empty()
                : Optional.of(conversation.snapshotOf((RunState) tree.selected(replies.get(0), selections)));
    }

    /**
     * {@return the alternatives of a message; of one that is not known there are none}
     *
     * @param messageId the message's id
     */
    public Branch branch(String messageId) {
        Tree tree = refreshed();
        Choice choice = choice(tree, messageId);
        if (choice == null || choice.members().isEmpty()) {
            NodeState owner = tree.owner(messageId);
            List<Message> only = owner == null
                    ? List.of()
                    : owner.messages().stream()
                            .filter(message -> message.id().equals(messageId))
                            .toList();
            return new Branch(only, 0);
        }
        String selected = selectionsOf(choice).get(choice.key());
        List<Member> members = choice.members();
        int index = members.size() - 1;
        for (int i = 0; i < members.size(); i++) {
            if (members.get(i).node().key().equals(selected)) {
                index = i;
            }
        }
        return new Branch(members.stream().map(Member::message).toList(), index);
    }

    /**
     * Shows another alternative of a message from now on.
     *
     * @param messageId the message's id
     * @param index the index of the alternative in {@link #branch}; the nearest if there is none of this index
     * @return whether there are alternatives
     */
    public boolean select(String messageId, int index) {
        Tree tree = refreshed();
        Choice choice = choice(tree, messageId);
        if (choice == null || choice.members().isEmpty()) {
            return false;
        }
        List<Member> members = choice.members();
        Member member = members.get(Math.max(0, Math.min(index, members.size() - 1)));
        selectionsOf(choice).put(choice.key(), member.node().key());
        structure = -1;
        return true;
    }

    /**
     * Shows the newest alternative of a message from now on, also when there is a newer one.
     *
     * @param messageId the message's id
     */
    public void selectNewest(String messageId) {
        Choice choice = choice(refreshed(), messageId);
        if (choice != null) {
            selectionsOf(choice).remove(choice.key());
            branch = List.of();
            structure = -1;
        }
    }

    /**
     * Shows the version of an input that has this key, and the branch below it, from now on.
     *
     * @param key the input's key
     */
    public void selectInput(String key) {
        Tree tree = refreshed();
        NodeState node = tree.node(key);
        if (node != null) {
            selections.put(tree.groupKey(node), key);
            structure = -1;
        }
    }

    /** {@return the message after which a new one goes: the last that is shown} */
    public Optional<String> leaf() {
        List<Message> shown = messages();
        return shown.isEmpty()
                ? Optional.empty()
                : Optional.of(shown.get(shown.size() - 1).id());
    }

    /**
     * {@return the message before one: in this view, or else in the tree} Empty if it is the first, or is not known.
     *
     * @param messageId the message's id
     */
    public Optional<String> before(String messageId) {
        List<Message> shown = messages();
        for (int i = 0; i < shown.size(); i++) {
            if (shown.get(i).id().equals(messageId)) {
                return i == 0 ? Optional.empty() : Optional.of(shown.get(i - 1).id());
            }
        }
        Tree tree = refreshed();
        NodeState owner = tree.owner(messageId);
        List<Message> own = owner == null ? List.of() : owner.messages();
        for (int i = 1; i < own.size(); i++) {
            if (own.get(i).id().equals(messageId)) {
                return Optional.of(own.get(i - 1).id());
            }
        }
        String parent = owner == null ? null : owner.parent();
        NodeState above = parent == null ? null : tree.owner(parent);
        List<Message> earlier = above == null ? List.of() : above.messages();
        return earlier.isEmpty()
                ? Optional.empty()
                : Optional.of(earlier.get(earlier.size() - 1).id());
    }

    /**
     * {@return what to say in a request to generate a message anew; empty if the message is not an agent's, or not
     * known}
     *
     * @param messageId the message's id
     */
    public Optional<Regeneration> regeneration(String messageId) {
        if (!(refreshed().owner(messageId) instanceof RunState run)) {
            return Optional.empty();
        }
        // The first message of a run that was itself generated anew stands for the message that it replaces.
        String regenerates = run.regenerates();
        List<Message> own = run.messages();
        boolean isFirst = !own.isEmpty() && own.get(0).id().equals(messageId);
        String target = regenerates != null && isFirst ? regenerates : messageId;
        return before(messageId).map(parent -> new Regeneration(target, parent));
    }

    private Map<String, String> selectionsOf(Choice choice) {
        return choice.isInner() ? innerSelections : selections;
    }

    /** Where the message is one of several that could stand in its place. */
    private @Nullable Choice choice(Tree tree, String messageId) {
        NodeState node = tree.owner(messageId);
        if (node == null) {
            return null;
        }
        List<Message> own = node.messages();
        int at = indexOf(own, messageId);
        if (node instanceof RunState run) {
            String anchor = at == 0 ? run.regenerates() : null;
            if (anchor != null && tree.owner(anchor) instanceof RunState owner) {
                List<Message> owned = owner.messages();
                int place = indexOf(owned, anchor);
                if (place > 0) {
                    return inner(
                            tree, owner, owned.get(place), owned.get(place - 1).id());
                }
            }
            if (at > 0) {
                return inner(tree, node, own.get(at), own.get(at - 1).id());
            }
            if (at != 0) {
                return null;
            }
        }
        List<NodeState> group = tree.group(node);
        if (group.size() <= 1) {
            return null;
        }
        List<Member> members = group.stream()
                .filter(member -> !member.messages().isEmpty())
                .map(member -> new Member(member, member.messages().get(0)))
                .toList();
        return new Choice(tree.groupKey(node), false, members);
    }

    private static @Nullable Choice inner(Tree tree, NodeState owner, Message anchor, String before) {
        List<RunState> others = tree.regenerators(anchor.id(), before);
        if (others.isEmpty()) {
            return null;
        }
        List<Member> members = new ArrayList<>(List.of(new Member(owner, anchor)));
        for (RunState other : others) {
            if (!other.messages().isEmpty()) {
                members.add(new Member(other, other.messages().get(0)));
            }
        }
        return new Choice(anchor.id(), true, members);
    }

    private static int indexOf(List<Message> messages, String id) {
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i).id().equals(id)) {
                return i;
            }
        }
        return -1;
    }

    /** Looks at the conversation again if its structure has changed; what has been shown of an edited input stays. */
    private Tree refreshed() {
        Tree tree = conversation.tree();
        if (tree.structure() != structure) {
            for (NodeState shown : branch) {
                if (shown instanceof InputState && tree.group(shown).size() > 1) {
                    selections.putIfAbsent(tree.groupKey(shown), shown.key());
                }
            }
            branch = tree.branch(selections);
            structure = tree.structure();
        }
        return tree;
    }
}
