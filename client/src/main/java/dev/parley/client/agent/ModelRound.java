package dev.parley.client.agent;

import dev.parley.conversation.Prompt;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A round of a run with its model: a request, and what the model answers. */
public final class ModelRound {
    private final Run run;
    private final Prompt prompt;
    private final Output output;
    private final Set<String> callIds;

    ModelRound(Run run, Prompt prompt, Output output, Set<String> callIds) {
        this.run = run;
        this.prompt = prompt;
        this.output = output;
        this.callIds = new HashSet<>(callIds);
    }

    /** The run. */
    public Run run() {
        return run;
    }

    /** What the model is to answer. */
    public Prompt prompt() {
        return prompt;
    }

    /** Where what the model says is written. The loop closes it. */
    public Output output() {
        return output;
    }

    /**
     * The id for a call that the model makes: its own, or another if it has none or was used in this run before, as some
     * models do. Ask once for each call.
     */
    public synchronized String callId(@Nullable String modelsId) {
        String id = modelsId == null || modelsId.isBlank() || callIds.contains(modelsId) ? Ids.next() : modelsId;
        callIds.add(id);
        return id;
    }
}
