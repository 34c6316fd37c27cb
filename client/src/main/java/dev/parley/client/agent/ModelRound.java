package dev.parley.client.agent;

import dev.parley.conversation.Prompt;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** A round of a run with its model: a request, and what the model answers. */
public final class ModelRound {
    static final String NO_OBJECT = "The arguments are not a JSON object.";

    private static final Logger LOG = LoggerFactory.getLogger(ModelRound.class);

    private final Run run;
    private final Prompt prompt;
    private final Output output;

    @GuardedBy("this")
    private final Set<String> callIds;

    ModelRound(Run run, Prompt prompt, Output output, Set<String> callIds) {
        this.run = run;
        this.prompt = prompt;
        this.output = output;
        this.callIds = new HashSet<>(callIds);
    }

    /** {@return the run} */
    public Run run() {
        return run;
    }

    /** {@return what the model is to answer} */
    public Prompt prompt() {
        return prompt;
    }

    /** {@return where what the model says is written} The loop closes it. */
    public Output output() {
        return output;
    }

    /**
     * {@return the id for a call that the model makes: its own, or another if it has none or was used in this run
     * before, as some models do} Ask once for each call.
     *
     * @param modelsId the id that the model gives, or null
     */
    public synchronized String callId(@Nullable String modelsId) {
        String id = modelsId == null || modelsId.isBlank() || callIds.contains(modelsId) ? Ids.next() : modelsId;
        callIds.add(id);
        return id;
    }

    /**
     * Writes a call with its arguments as the model has given them. If they are no JSON object, the call has failed with that,
     * and the model is told so in the next round.
     *
     * @param callId what {@link #callId} has given
     * @param toolName the name of the tool; null if the model has given none
     * @param arguments the arguments; null, blank or JSON's null if there are none
     */
    public void toolCall(String callId, @Nullable String toolName, @Nullable String arguments) {
        String name = Objects.requireNonNullElse(toolName, "");
        JsonNode input = read(callId, arguments);
        output.toolCall(callId, name, input);
        if (!input.isObject()) {
            output.toolError(callId, NO_OBJECT);
        }
    }

    private static JsonNode read(String callId, @Nullable String arguments) {
        if (arguments == null || arguments.isBlank()) {
            return JsonNodeFactory.instance.objectNode();
        }
        try {
            JsonNode input = JsonMapper.shared().readTree(arguments);
            return input.isNull() ? JsonNodeFactory.instance.objectNode() : input;
        } catch (JacksonException e) {
            LOG.debug("The arguments of the call {} are no JSON.", callId, e);
            return JsonNodeFactory.instance.stringNode(arguments);
        }
    }
}
