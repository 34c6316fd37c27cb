package dev.parley.client.agent;

import dev.parley.client.Registration;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Prompt;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What people say to an agent that is at work in a run, and how much of that the agent has taken account of. */
final class Steering {
    private static final Logger LOG = LoggerFactory.getLogger(Steering.class);

    /** How much of what people have said while one of them had the control is in a prompt; the newest. */
    private static final int MAX_SAID = 100;

    private @Nullable String heardSince;

    private final List<Runnable> hooks = new CopyOnWriteArrayList<>();

    /** The steers that were in the last prompt, and are said to be answered by the next output. */
    @GuardedBy("this")
    private List<String> included = List.of();

    /** The prompt also has what people have said since this message to nobody else. */
    synchronized void hear(String serial) {
        heardSince = serial;
    }

    /**
     * The prompt of a run; its steers are from now on those that the next output answers.
     *
     * @param isUnanswered whether no run has taken up an input, by the id of its message
     */
    synchronized Prompt prompt(
            Conversation conversation, Conversation.Trigger trigger, String runId, Predicate<String> isUnanswered) {
        Prompt prompt = Prompt.of(conversation, trigger, runId);
        Node.Run run = conversation.run(runId).orElse(null);
        List<String> steers = run == null
                ? List.of()
                : Prompt.unansweredSteers(run).stream().map(Message::id).toList();
        List<Message> said = said(conversation, isUnanswered);
        if (said.isEmpty()) {
            include(steers);
            return prompt;
        }
        List<String> all = new ArrayList<>(steers);
        said.stream()
                .map(Message::id)
                .filter(id -> run == null || !run.answeredSteers().contains(id))
                .forEach(all::add);
        include(List.copyOf(all));
        return new Prompt(inOrder(prompt.messages(), said));
    }

    /** What people have said, each its own message, that no run was begun for. */
    private List<Message> said(Conversation conversation, Predicate<String> isUnanswered) {
        String since = heardSince;
        if (since == null) {
            return List.of();
        }
        List<Message> said = conversation.nodes().stream()
                .filter(node -> node instanceof Node.Input
                        && node.serial().compareTo(since) > 0
                        && isUnanswered.test(node.key()))
                .flatMap(node -> node.messages().stream())
                .toList();
        return said.subList(Math.max(0, said.size() - MAX_SAID), said.size());
    }

    /** Puts each message before the first one that is newer. */
    private static List<Message> inOrder(List<Message> prompt, List<Message> said) {
        Set<String> known = new HashSet<>();
        prompt.forEach(message -> known.add(message.id()));
        List<Message> all = new ArrayList<>(prompt);
        for (Message message : said) {
            if (!known.contains(message.id())) {
                int at = all.size();
                while (at > 0 && all.get(at - 1).serial().compareTo(message.serial()) > 0) {
                    at--;
                }
                all.add(at, message);
            }
        }
        return all;
    }

    /** Whether there are steers that were in no prompt yet. */
    boolean isNew(Node.Run run) {
        Set<String> known = new HashSet<>(included());
        return Prompt.unansweredSteers(run).stream().anyMatch(message -> !known.contains(message.id()));
    }

    /** Guarded by itself, since it is read while the conversation is locked. */
    synchronized List<String> included() {
        return included;
    }

    private synchronized void include(List<String> steers) {
        included = steers;
    }

    Registration onSteer(Runnable hook) {
        hooks.add(hook);
        return () -> hooks.remove(hook);
    }

    /** There is a new one. */
    void steered() {
        for (Runnable hook : hooks) {
            try {
                hook.run();
            } catch (RuntimeException e) {
                LOG.warn("A hook of a steer has failed.", e);
            }
        }
    }
}
