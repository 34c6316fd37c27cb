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
 * A session as a conversation: a tree of inputs and runs, folded from the session's messages. Messages may come live or in
 * pages of history, in any order and more than once: the same messages make the same conversation.
 *
 * <p>It holds all that it was given, so whoever feeds it decides how much of the history that is. It belongs to one thread
 * at a time, together with the views and readers made from it; the nodes and messages that it gives away never change.
 */
public final class Conversation {
    /**
     * What a message has changed.
     *
     * @param nodeKey the key of the node that has changed, null if none has
     * @param structural whether there is a new message of the session in it, and not only more of one that was there
     */
    public record Change(@Nullable String nodeKey, boolean structural) {
        /** Nothing: the message was known, or says nothing about a node. */
        public static final Change NONE = new Change(null, false);
    }

    /**
     * An input as an event that an agent is invoked for.
     *
     * @param eventId the event's id
     * @param messageId the message of the conversation that it is, or is about
     * @param kind what kind of input it is: one of the kinds of {@link WireForm}
     * @param runId the run that it goes on with, null if it asks for a new one
     * @param parent the id of the message before it
     * @param forkOf the id of the message that it is an edited version of
     * @param regenerates the id of the message that is to be generated anew
     * @param clientId the client that has published it
     * @param serial its serial
     */
    public record Trigger(
            String eventId,
            @Nullable String messageId,
            String kind,
            @Nullable String runId,
            @Nullable String parent,
            @Nullable String forkOf,
            @Nullable String regenerates,
            @Nullable String clientId,
            String serial) {}

    /**
     * A request that a run be cancelled.
     *
     * @param clientId the client that has published it, as the server says; null if it is anonymous
     * @param serial its serial
     */
    public record Cancel(@Nullable String clientId, String serial) {}

    /** The run that has taken up an input, by the message of it that has the lowest serial. */
    private record Link(String runId, String serial) {}

    /** Stands for all messages that are not in AI Transport's form, so that nothing is kept of them but their serials. */
    private static final LoggedMessage FOREIGN = new LoggedMessage("");

    /** By their serials. */
    final Map<String, LoggedMessage> messages = new HashMap<>();

    private final Map<String, NodeState> nodes = new HashMap<>();

    /** The first pieces of the messages of the conversation, by the messages' ids: a message belongs where they are. */
    private final Map<String, LoggedMessage> firstPieces = new HashMap<>();

    /** Answers to tools that ask for a run of their own, by their message's id, and the runs that have taken up inputs. */
    private final Map<String, List<LoggedMessage>> forks = new HashMap<>();

    private final Map<String, Link> links = new HashMap<>();
    private final Set<String> superseded = new HashSet<>();
    private final Map<String, LoggedMessage> triggers = new HashMap<>();
    private final Map<String, List<Cancel>> cancelledRuns = new HashMap<>();
    private final Map<String, List<Cancel>> cancelledInputs = new HashMap<>();

    private long size;
    private long version;
    private long structure;
    private @Nullable Tree tree;

    /** What each message of the session counts for beside its data. */
    private static final int MESSAGE_SIZE = 500;

    /** An empty conversation. */
    public Conversation() {}

    /**
     * Takes a message of the session, live or from its history.
     *
     * @param delivered what was delivered
     * @return what has changed; a message that is not in AI Transport's form, or is ephemeral, changes nothing
     */
    public Change apply(SessionMessage delivered) {
        if (delivered.ephemeral()) {
            return Change.NONE;
        }
        LoggedMessage message = messages.get(delivered.serial());
        if (message == null) {
            message = new LoggedMessage(delivered.serial());
            messages.put(delivered.serial(), message);
            size += MESSAGE_SIZE;
        }
        if (message == FOREIGN) {
            return Change.NONE;
        }
        long before = message.size();
        LoggedMessage.News news = message.apply(delivered);
        if (message.name() != null && !WireForm.isName(message.name())) {
            messages.put(delivered.serial(), FOREIGN);
            size -= before;
            return Change.NONE;
        }
        size += message.size() - before;
        if (news == LoggedMessage.News.NONE) {
            return Change.NONE;
        }
        version++;
        NodeState home = message.home;
        if (home != null) {
            home.touch();
            if (news == LoggedMessage.News.PLACE) {
                home.replace();
                structure++;
            }
            return new Change(home.key(), false);
        }
        // What an append belongs to is clear only when the message itself is there.
        NodeState placed = message.name() == null ? null : place(message, message.name());
        if (placed == null) {
            return Change.NONE;
        }
        structure++;
        return new Change(placed.key(), true);
    }

    /**
     * Takes messages one after the other.
     *
     * @param delivered what was delivered
     */
    public void applyAll(Iterable<SessionMessage> delivered) {
        delivered.forEach(this::apply);
    }

    private @Nullable NodeState place(LoggedMessage message, String name) {
        Headers headers = message.headers();
        String runId = headers.get(WireForm.RUN_ID);
        switch (name) {
            case WireForm.INPUT -> {
                headers.find(WireForm.EVENT_ID).ifPresent(id -> triggers.merge(id, message, LoggedMessage::earlier));
                return runId == null ? placeInput(message) : addTo(runFor(runId), message);
            }
            case WireForm.CANCEL -> {
                Cancel cancel = new Cancel(message.clientId(), message.serial());
                headers.find(WireForm.RUN_ID).ifPresent(run -> noteCancel(cancelledRuns, run, cancel));
                headers.find(WireForm.INPUT_MESSAGE_ID).ifPresent(input -> noteCancel(cancelledInputs, input, cancel));
                return null;
            }
            case WireForm.OUTPUT, WireForm.RUN_START -> {
                if (runId == null) {
                    return null;
                }
                NodeState run = addTo(runFor(runId), message);
                headers.find(WireForm.INPUT_MESSAGE_ID).ifPresent(input -> link(input, runId, message.serial()));
                return run;
            }
            case WireForm.RUN_RESUME,
                    WireForm.RUN_SUSPEND,
                    WireForm.RUN_END,
                    WireForm.STEP_START,
                    WireForm.STEP_END -> {
                return runId == null ? null : addTo(runFor(runId), message);
            }
            default -> {
                return null;
            }
        }
    }

    private static void noteCancel(Map<String, List<Cancel>> cancels, String key, Cancel cancel) {
        List<Cancel> known = cancels.computeIfAbsent(key, first -> new ArrayList<>());
        if (!known.contains(cancel)) {
            known.add(cancel);
        }
    }

    /** An input that names no run: what a person says, or an answer that asks for a run of its own. */
    private @Nullable NodeState placeInput(LoggedMessage message) {
        Headers headers = message.headers();
        String id = headers.get(WireForm.MESSAGE_ID);
        if (id == null || headers.kind().equals(WireForm.REGENERATE)) {
            return null;
        }
        if (WireForm.TRUE.equals(headers.get(WireForm.STREAM))) {
            return null;
        }
        if (Role.USER.wireName().equals(headers.get(WireForm.ROLE))) {
            NodeState input = nodes.computeIfAbsent(id, InputState::new);
            return input instanceof InputState ? addTo(input, message) : null;
        }
        headers.find(WireForm.SUPERSEDES).ifPresent(superseded::add);
        forks.computeIfAbsent(id, key -> new ArrayList<>()).add(message);
        Link link = links.get(id);
        return addTo(runFor(link == null ? id : link.runId()), message);
    }

    private NodeState addTo(NodeState node, LoggedMessage message) {
        node.add(message);
        message.headers()
                .find(WireForm.MESSAGE_ID)
                .ifPresent(id -> firstPieces.merge(id, message, LoggedMessage::earlier));
        return node;
    }

    private RunState runFor(String runId) {
        NodeState node = nodes.computeIfAbsent(runId, RunState::new);
        if (node instanceof RunState run) {
            return run;
        }
        // Ids are made at random; somebody has taken a message's id for a run. The run is the one that goes on.
        node.log.values().forEach(message -> message.home = null);
        RunState run = new RunState(runId);
        nodes.put(runId, run);
        return run;
    }

    /** Notes which run has taken up an input; if the input is an answer that has asked for a run, it becomes part of it. */
    private void link(String inputId, String runId, String serial) {
        Link known = links.get(inputId);
        if (known != null && known.serial().compareTo(serial) <= 0) {
            return;
        }
        links.put(inputId, new Link(runId, serial));
        for (LoggedMessage answer : forks.getOrDefault(inputId, List.of())) {
            NodeState before = answer.home;
            RunState after = runFor(runId);
            if (before != null && before != after) {
                before.remove(answer);
                after.add(answer);
                if (before.log.isEmpty()) {
                    nodes.remove(before.key());
                }
            }
        }
    }

    /**
     * Grows with every message that has changed something, so that a reader knows whether to look again.
     *
     * @return the number of changes so far
     */
    public long version() {
        return version;
    }

    /**
     * {@return how much it holds: about as many characters, 500 for each message of the session included} In memory a
     * character takes two to four bytes.
     */
    public long size() {
        return size;
    }

    long structure() {
        return structure;
    }

    /** {@return all nodes in the order of their serials, of all branches} */
    public List<Node> nodes() {
        return tree().nodes().stream().map(this::snapshot).toList();
    }

    /**
     * {@return the node of a key: an input's message id, or a run's id}
     *
     * @param key the node's key
     */
    public Optional<Node> node(String key) {
        return Optional.ofNullable(nodes.get(key)).filter(NodeState::isKnown).map(this::snapshot);
    }

    /**
     * {@return the run of an id}
     *
     * @param runId the run's id
     */
    public Optional<Node.Run> run(String runId) {
        RunState run = runState(runId);
        return run == null || !run.isKnown() ? Optional.empty() : Optional.of(snapshotOf(run));
    }

    /**
     * {@return the node that a message of the conversation belongs to}
     *
     * @param messageId the message's id
     */
    public Optional<Node> nodeOf(String messageId) {
        return Optional.ofNullable(owner(messageId)).filter(NodeState::isKnown).map(this::snapshot);
    }

    /**
     * {@return the runs that answer a message, of all branches, without those that were superseded}
     *
     * @param messageId the message's id
     */
    public List<Node.Run> repliesTo(String messageId) {
        return tree().replies(messageId).stream().map(this::snapshotOf).toList();
    }

    /**
     * {@return the input of an event's id, if it has come}
     *
     * @param eventId the event's id
     */
    public Optional<Trigger> trigger(String eventId) {
        return Optional.ofNullable(triggers.get(eventId)).map(message -> {
            Headers headers = message.headers();
            return new Trigger(
                    eventId,
                    headers.get(WireForm.MESSAGE_ID),
                    headers.kind(),
                    headers.get(WireForm.RUN_ID),
                    headers.get(WireForm.PARENT),
                    headers.get(WireForm.FORK_OF),
                    headers.get(WireForm.REGENERATES),
                    message.clientId(),
                    message.serial());
        });
    }

    /**
     * {@return whether somebody has asked that a run be cancelled}
     *
     * @param runId the run's id
     * @param inputId the id of the message that began it, by which a client cancels that does not know the run yet
     */
    public boolean isCancelRequested(String runId, @Nullable String inputId) {
        return !cancels(runId, inputId).isEmpty();
    }

    /**
     * All that have asked that a run be cancelled, as {@link #isCancelRequested} has it.
     *
     * @param runId the run's id
     * @param inputId the id of the message that began it; null if that is not known
     * @return their requests
     */
    public List<Cancel> cancels(String runId, @Nullable String inputId) {
        List<Cancel> cancels = new ArrayList<>(cancelledRuns.getOrDefault(runId, List.of()));
        if (inputId != null) {
            cancels.addAll(cancelledInputs.getOrDefault(inputId, List.of()));
        }
        return List.copyOf(cancels);
    }

    /** {@return a new view of one branch, with selections of its own; at first it shows the newest} */
    public View newView() {
        return new View(this);
    }

    /**
     * {@return a view that shows what another one shows, as far as it is in this conversation}
     *
     * @param like a view of another conversation of the same session, of which this one may have another part
     */
    public View newView(View like) {
        return new View(this, like);
    }

    /** {@return all that is said, in one line} */
    public Room room() {
        return Room.of(this);
    }

    Tree tree() {
        Tree known = tree;
        if (known == null || known.structure() != structure) {
            known = new Tree(structure, nodes.values(), this::owner, superseded);
            tree = known;
        }
        return known;
    }

    Node snapshot(NodeState node) {
        if (node instanceof RunState run) {
            return snapshotOf(run);
        }
        return ((InputState) node).snapshot();
    }

    Node.Run snapshotOf(RunState run) {
        String forkOf = run.forkOf();
        NodeState forked = forkOf == null ? null : owner(forkOf);
        return run.snapshot(forked == null || forked == run ? null : forked.key(), superseded.contains(run.key()));
    }

    private @Nullable NodeState owner(String messageId) {
        LoggedMessage first = firstPieces.get(messageId);
        return first == null ? null : first.home;
    }

    @Nullable
    RunState runState(String runId) {
        return nodes.get(runId) instanceof RunState run ? run : null;
    }
}
