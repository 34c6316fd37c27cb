package dev.parley.client.agent;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What is said about a call of a tool of which it was not known whether it has had an effect. */
public sealed interface Settlement {
    /**
     * The call has had its effect, and this is its result.
     *
     * @param output the result for the model; null if there is none
     */
    record Result(@Nullable JsonNode output) implements Settlement {}

    /**
     * The call has failed, or nobody can find out what has become of it; the tool is not called again for it.
     *
     * @param message what went wrong, for the model
     */
    record Failure(String message) implements Settlement {}

    /**
     * The call has had no effect, and will not have one any more: the tool is called again, with the same key. Whoever says so has
     * made sure of it; a process that is still at work in the call would have its effect beside the other.
     */
    record NotDone() implements Settlement {}
}
