package dev.parley.client.agent;

import dev.parley.client.Registration;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Prompt;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What people say to an agent that is at work in a run, and how much of that the agent has taken account of. */
final class Steering {
    private static final Logger LOG = LoggerFactory.getLogger(Steering.class);

    private final List<Runnable> hooks = new CopyOnWriteArrayList<>();

    /** The steers that were in the last prompt, and are said to be answered by the next output. */
    @GuardedBy("this")
    private List<String> included = List.of();

    /** The prompt of a run; its steers are from now on those that the next output answers. */
    Prompt prompt(Conversation conversation, Conversation.Trigger trigger, String runId) {
        Prompt prompt = Prompt.of(conversation, trigger, runId);
        include(conversation
                .run(runId)
                .map(run ->
                        Prompt.unansweredSteers(run).stream().map(Message::id).toList())
                .orElse(List.of()));
        return prompt;
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
