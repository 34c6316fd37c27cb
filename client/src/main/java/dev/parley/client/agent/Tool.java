package dev.parley.client.agent;

import dev.parley.conversation.ToolCall;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A tool of an agent, as a {@link ToolLoop} calls it. What the model is told about it is the model's affair. */
public final class Tool {
    /** What a tool does. */
    @FunctionalInterface
    public interface Action {
        /**
         * Executes a call, on the thread of the run, which is interrupted if the run is cancelled.
         *
         * @param execution the call with its key
         * @return the result for the model
         * @throws Exception if the call has failed; the model is told the exception's message
         */
        @Nullable
        JsonNode execute(ToolExecution execution) throws Exception;
    }

    private final String name;
    private final @Nullable Action action;
    private final boolean takesKeys;
    private final Predicate<ToolCall> approval;

    private Tool(String name, @Nullable Action action, boolean takesKeys, Predicate<ToolCall> approval) {
        this.name = name;
        this.action = action;
        this.takesKeys = takesKeys;
        this.approval = approval;
    }

    /**
     * {@return a tool that is called at most once for each call of the model, without anybody's approval}
     *
     * @param name the name by which the model calls it
     * @param action what it does
     */
    public static Tool of(String name, Action action) {
        return new Tool(name, action, false, call -> false);
    }

    /**
     * {@return a tool that somebody else executes, such as a person's browser: the run is suspended until the result is there}
     *
     * @param name the name by which the model calls it
     */
    public static Tool elsewhere(String name) {
        return new Tool(name, null, false, call -> false);
    }

    /**
     * {@return the tool that has its effect once for each {@linkplain ToolExecution#key key}, however often it is
     * called with it: if the agent's process ends during a call, the call is made again}
     */
    public Tool takingKeys() {
        return new Tool(name, action, true, approval);
    }

    /** {@return the tool that is called only if a person approves, each time} */
    public Tool needingApproval() {
        return needingApproval(call -> true);
    }

    /**
     * {@return the tool whose calls need a person's approval if this says so, which has to say the same for the same call}
     *
     * @param when whether a call needs approval
     */
    public Tool needingApproval(Predicate<ToolCall> when) {
        return new Tool(name, action, takesKeys, when);
    }

    /** {@return its name} */
    public String name() {
        return name;
    }

    /** {@return whether it takes keys} */
    public boolean takesKeys() {
        return takesKeys;
    }

    boolean needsApproval(ToolCall call) {
        return approval.test(call);
    }

    /** What it does; null if it is executed elsewhere. */
    @Nullable
    Action action() {
        return action;
    }
}
