package dev.parley.springai;

import dev.parley.client.agent.ModelRound;
import dev.parley.client.agent.Run;
import dev.parley.client.agent.RunHandler;
import dev.parley.client.agent.Tool;
import dev.parley.client.agent.ToolKey;
import dev.parley.client.agent.ToolLoop;
import dev.parley.conversation.ToolCall;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ToolContext;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import org.springframework.ai.support.ToolCallbacks;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.ToolCallbackProvider;
import org.springframework.ai.tool.definition.ToolDefinition;

/**
 * An agent that answers with a {@link ChatModel} and tools of Spring AI: give it to
 * {@link dev.parley.client.agent.AgentSession#serve(RunHandler) AgentSession.serve}, {@code run} or {@code adopt}.
 *
 * <p>It makes the turns of model and tools itself, since those of {@code ChatClient} cannot be left between two calls; see
 * {@link ToolLoop}. The prompt of each round is made of the session by {@link ChatMessages}, with the options of the model. What
 * the model says, thinks and calls is in the session as it comes.
 *
 * <p>The model is told the result of every tool, also of those that Spring AI would return directly.
 *
 * <p>A cancel cancels the subscription to the model's stream.
 *
 * <p>An agent can be used for any number of runs at a time, if its model and tools can.
 */
public final class SpringAiAgent implements RunHandler {
    /** Under this name tools find the {@link ToolKey} of their call in the {@link ToolContext}. */
    public static final String TOOL_KEY = "dev.parley/tool-key";

    private final ChatModel model;
    private final @Nullable String systemMessage;
    private final List<ToolCallback> callbacks;
    private final UnaryOperator<Prompt> customiser;
    private final ToolLoop loop;

    private SpringAiAgent(Builder builder) {
        this.model = builder.model;
        this.systemMessage = builder.systemMessage;
        this.callbacks = List.copyOf(builder.callbacks.values());
        this.customiser = builder.customiser;
        this.loop = ToolLoop.of(this::answer, builder.tools()).withMaxRounds(builder.maxRounds);
    }

    /**
     * {@return a builder of an agent that answers with this model}
     *
     * @param model the model
     */
    public static Builder builder(ChatModel model) {
        return new Builder(model);
    }

    /**
     * {@return the key of the call that a tool executes, for tools that have their effect once for each key}
     *
     * @param context what the tool was given
     * @throws IllegalArgumentException if the tool was not called by an agent of this class
     */
    public static ToolKey toolKey(ToolContext context) {
        if (context.getContext().get(TOOL_KEY) instanceof ToolKey key) {
            return key;
        }
        throw new IllegalArgumentException("The context has no key: this call was not made by an agent of Parley.");
    }

    @Override
    public void handle(Run run) throws Exception {
        loop.handle(run);
    }

    private void answer(ModelRound round) throws InterruptedException {
        Prompt prompt = new Prompt(ChatMessages.of(systemMessage, round.prompt()), options());
        new StreamedAnswer(round).await(model, customiser.apply(prompt));
    }

    /** The model's own options, since it does not complete those of a prompt, with the tools of this agent and no others. */
    private ChatOptions options() {
        ChatOptions known = model.getOptions();
        ToolCallingChatOptions.Builder<?> options = known instanceof ToolCallingChatOptions calling
                ? calling.mutate()
                : ToolCallingChatOptions.builder().combineWith(known.mutate());
        return options.toolCallbacks(callbacks).build();
    }

    /** What an agent is made of. */
    public static final class Builder {
        private record Declared(
                @Nullable ToolCallback here,
                boolean takesKeys,
                @Nullable Predicate<ToolCall> approval) {}

        private final ChatModel model;
        private final Map<String, ToolCallback> callbacks = new LinkedHashMap<>();
        private final Map<String, Declared> declared = new LinkedHashMap<>();
        private final Map<String, Object> toolContext = new HashMap<>();
        private @Nullable String systemMessage;
        private UnaryOperator<Prompt> customiser = UnaryOperator.identity();
        private int maxRounds = ToolLoop.MAX_ROUNDS;

        private Builder(ChatModel model) {
            this.model = model;
        }

        /**
         * What the model is told before everything else; it does not stand in the session.
         *
         * @param text the message; null for none
         * @return this builder
         */
        public Builder systemMessage(@Nullable String text) {
            systemMessage = text;
            return this;
        }

        /**
         * Adds the methods of these objects that are annotated with {@link org.springframework.ai.tool.annotation.Tool}.
         *
         * @param objects have such methods
         * @return this builder
         * @throws IllegalArgumentException if an object has no such method, or if there are two tools of one name
         */
        public Builder tools(Object... objects) {
            for (Object object : objects) {
                toolCallbacks(ToolCallbacks.from(object));
            }
            return this;
        }

        /**
         * Adds tools.
         *
         * @param tools the tools
         * @return this builder
         * @throws IllegalArgumentException if there are two tools of one name
         */
        public Builder toolCallbacks(ToolCallback... tools) {
            for (ToolCallback tool : tools) {
                add(tool, new Declared(tool, false, null));
            }
            return this;
        }

        /**
         * Adds the tools that this provider has now, such as those of an MCP server.
         *
         * @param provider has the tools
         * @return this builder
         * @throws IllegalArgumentException if there are two tools of one name
         */
        public Builder toolCallbacks(ToolCallbackProvider provider) {
            return toolCallbacks(provider.getToolCallbacks());
        }

        /**
         * Adds a tool that somebody else executes, such as a person's browser: a call suspends the run until the result is
         * there.
         *
         * @param definition what the model is told about the tool
         * @return this builder
         * @throws IllegalArgumentException if there is a tool of the same name
         */
        public Builder toolElsewhere(ToolDefinition definition) {
            return add(new Elsewhere(definition), new Declared(null, false, null));
        }

        private Builder add(ToolCallback callback, Declared tool) {
            String name = callback.getToolDefinition().name();
            if (callbacks.putIfAbsent(name, callback) != null) {
                throw new IllegalArgumentException("There are two tools of the name " + name + ".");
            }
            declared.put(name, tool);
            return this;
        }

        private Declared known(String name) {
            Declared tool = declared.get(name);
            if (tool == null) {
                throw new IllegalArgumentException("There is no tool of the name " + name + ".");
            }
            return tool;
        }

        /**
         * Declares that these tools, which have been added before, have their effect once for each {@link ToolKey}, which they
         * get by {@link SpringAiAgent#toolKey}. They are called again after a crash, and the others are not.
         *
         * @param names the names of the tools
         * @return this builder
         * @throws IllegalArgumentException if there is no tool of such a name
         */
        public Builder takingKeys(String... names) {
            for (String name : names) {
                Declared tool = known(name);
                declared.put(name, new Declared(tool.here(), true, tool.approval()));
            }
            return this;
        }

        /**
         * Lets these tools, which have been added before, be called only if a person approves.
         *
         * @param names the names of the tools
         * @return this builder
         * @throws IllegalArgumentException if there is no tool of such a name
         */
        public Builder needingApproval(String... names) {
            for (String name : names) {
                needingApproval(name, call -> true);
            }
            return this;
        }

        /**
         * Lets the calls of a tool, which has been added before, be made only if a person approves, if {@code when} says so.
         *
         * @param name the name of the tool
         * @param when has to say the same for the same call
         * @return this builder
         * @throws IllegalArgumentException if there is no tool of this name
         */
        public Builder needingApproval(String name, Predicate<ToolCall> when) {
            Declared tool = known(name);
            declared.put(name, new Declared(tool.here(), tool.takesKeys(), when));
            return this;
        }

        /**
         * What tools find in their {@link ToolContext}, beside the key.
         *
         * @param context values by their names
         * @return this builder
         */
        public Builder toolContext(Map<String, Object> context) {
            toolContext.putAll(context);
            return this;
        }

        /**
         * Lets {@code change} complete each prompt, such as with other options.
         *
         * @param change gives the prompt that the model is sent
         * @return this builder
         */
        public Builder customisePrompts(UnaryOperator<Prompt> change) {
            customiser = change;
            return this;
        }

        /**
         * How many rounds with the model a run may have; {@value ToolLoop#MAX_ROUNDS} if nothing is said.
         *
         * @param rounds at least one
         * @return this builder
         */
        public Builder maxRounds(int rounds) {
            maxRounds = rounds;
            return this;
        }

        private List<Tool> tools() {
            Map<String, Object> context = Map.copyOf(toolContext);
            return declared.entrySet().stream()
                    .map(entry -> tool(entry.getKey(), entry.getValue(), context))
                    .toList();
        }

        private static Tool tool(String name, Declared declared, Map<String, Object> context) {
            ToolCallback here = declared.here();
            Tool tool = here == null ? Tool.elsewhere(name) : Tool.of(name, new CallbackAction(here, context));
            Predicate<ToolCall> approval = declared.approval();
            tool = declared.takesKeys() ? tool.takingKeys() : tool;
            return approval == null ? tool : tool.needingApproval(approval);
        }

        /** {@return the agent} */
        public SpringAiAgent build() {
            return new SpringAiAgent(this);
        }
    }

    /** What the model is told about a tool that is not here. */
    private record Elsewhere(ToolDefinition definition) implements ToolCallback {
        @Override
        public ToolDefinition getToolDefinition() {
            return definition;
        }

        @Override
        public String call(String toolInput) {
            throw new UnsupportedOperationException("The tool " + definition.name() + " is executed elsewhere.");
        }
    }
}
