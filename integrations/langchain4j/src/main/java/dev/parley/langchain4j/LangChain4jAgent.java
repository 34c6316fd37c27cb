package dev.parley.langchain4j;

import dev.langchain4j.agent.tool.ToolMemoryId;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.agent.tool.ToolSpecifications;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.service.tool.DefaultToolExecutor;
import dev.langchain4j.service.tool.ToolExecutor;
import dev.parley.client.agent.ModelRound;
import dev.parley.client.agent.Run;
import dev.parley.client.agent.RunHandler;
import dev.parley.client.agent.Tool;
import dev.parley.client.agent.ToolKey;
import dev.parley.client.agent.ToolLoop;
import dev.parley.conversation.Prompt;
import dev.parley.conversation.ToolCall;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * An agent that answers with a {@link StreamingChatModel} and tools of LangChain4j: give it to
 * {@link dev.parley.client.agent.AgentSession#serve(RunHandler) AgentSession.serve}, {@code run} or {@code adopt}.
 *
 * <p>It makes the turns of model and tools itself, since those of {@code AiServices} cannot be left between two calls; see
 * {@link ToolLoop}. The prompt of each round is made of the session by {@link ChatMessages}. What the model says, thinks and
 * calls is in the session as it comes.
 *
 * <p>A cancel closes the model's stream if the model can do that, and otherwise lets it go on with nobody listening.
 *
 * <p>An agent can be used for any number of runs at a time, if its model and tools can.
 */
public final class LangChain4jAgent implements RunHandler {
    private final StreamingChatModel model;
    private final @Nullable String systemMessage;
    private final List<ToolSpecification> specifications;
    private final Function<ModelRound, Prompt> prompts;
    private final UnaryOperator<ChatRequest> customiser;
    private final ToolLoop loop;

    private LangChain4jAgent(Builder builder) {
        this.model = builder.model;
        this.systemMessage = builder.systemMessage;
        this.specifications = List.copyOf(builder.specifications.values());
        this.prompts = builder.prompts;
        this.customiser = builder.customiser;
        this.loop = ToolLoop.of(this::answer, builder.tools.values()).withMaxRounds(builder.maxRounds);
    }

    /**
     * {@return an agent that answers with this model}
     *
     * @param model the model
     */
    public static Builder builder(StreamingChatModel model) {
        return new Builder(model);
    }

    @Override
    public void handle(Run run) throws Exception {
        loop.handle(run);
    }

    private void answer(ModelRound round) throws InterruptedException {
        ChatRequest request = customiser.apply(ChatRequest.builder()
                .messages(ChatMessages.of(systemMessage, prompts.apply(round)))
                .parameters(ChatRequestParameters.builder()
                        .toolSpecifications(specifications)
                        .build())
                .build());
        new StreamedAnswer(round).await(model, request);
    }

    /** What an agent is made of. */
    public static final class Builder {
        private final StreamingChatModel model;
        private final Map<String, ToolSpecification> specifications = new LinkedHashMap<>();
        private final Map<String, Tool> tools = new LinkedHashMap<>();
        private @Nullable String systemMessage;
        private Function<ModelRound, Prompt> prompts = ModelRound::prompt;
        private UnaryOperator<ChatRequest> customiser = UnaryOperator.identity();
        private int maxRounds = ToolLoop.MAX_ROUNDS;

        private Builder(StreamingChatModel model) {
            this.model = model;
        }

        /**
         * What the model is told before everything else; it does not stand in the session.
         *
         * @param text the message
         * @return this builder
         */
        public Builder systemMessage(String text) {
            systemMessage = text;
            return this;
        }

        /**
         * Adds the methods of these objects that are annotated with {@link dev.langchain4j.agent.tool.Tool}. One that has a
         * parameter of type {@link ToolKey}, annotated with {@link dev.langchain4j.agent.tool.ToolMemoryId}, declares that it
         * takes keys: that it has its effect once for each key. It is called again after a crash, and the others are not.
         *
         * @param objects have annotated methods
         * @return this builder
         * @throws IllegalArgumentException if an object has no such method, if a key is not annotated, or if there are
         *     two tools of one name
         */
        public Builder tools(Object... objects) {
            for (Object object : objects) {
                List<Method> methods = methods(object);
                if (methods.isEmpty()) {
                    throw new IllegalArgumentException(
                            object.getClass() + " has no method that is annotated with @Tool.");
                }
                for (Method method : methods) {
                    ToolExecutor executor = DefaultToolExecutor.builder()
                            .object(object)
                            .originalMethod(method)
                            .methodToInvoke(method)
                            .propagateToolExecutionExceptions(true)
                            .build();
                    tool(ToolSpecifications.toolSpecificationFrom(method), executor, takesKey(method));
                }
            }
            return this;
        }

        /** The annotated methods of an object, without those that others override. */
        private static List<Method> methods(Object object) {
            Map<String, Method> found = new LinkedHashMap<>();
            for (Class<?> type = object.getClass(); type != null; type = type.getSuperclass()) {
                for (Method method : type.getDeclaredMethods()) {
                    if (method.isAnnotationPresent(dev.langchain4j.agent.tool.Tool.class) && !method.isBridge()) {
                        found.putIfAbsent(method.getName() + Arrays.toString(method.getParameterTypes()), method);
                    }
                }
            }
            return List.copyOf(found.values());
        }

        private static boolean takesKey(Method method) {
            boolean takesKey = false;
            for (Parameter parameter : method.getParameters()) {
                if (parameter.getType() == ToolKey.class) {
                    if (!parameter.isAnnotationPresent(ToolMemoryId.class)) {
                        throw new IllegalArgumentException(
                                "The key of " + method + " has to be annotated with @ToolMemoryId.");
                    }
                    takesKey = true;
                }
            }
            return takesKey;
        }

        /**
         * Adds a tool. It finds the call's {@link ToolKey} in the place of the memory id.
         *
         * @param specification what the model is told about it
         * @param executor executes its calls
         * @param takesKeys whether the tool has its effect once for each key
         * @return this builder
         * @throws IllegalArgumentException if there is a tool of the same name
         */
        public Builder tool(ToolSpecification specification, ToolExecutor executor, boolean takesKeys) {
            Tool tool = Tool.of(specification.name(), new ExecutorAction(executor));
            return add(specification, takesKeys ? tool.takingKeys() : tool);
        }

        /**
         * Adds a tool that somebody else executes, such as a person's browser: a call suspends the run until the result is
         * there.
         *
         * @param specification what the model is told about it
         * @return this builder
         * @throws IllegalArgumentException if there is a tool of the same name
         */
        public Builder toolElsewhere(ToolSpecification specification) {
            return add(specification, Tool.elsewhere(specification.name()));
        }

        private Builder add(ToolSpecification specification, Tool tool) {
            if (tools.put(tool.name(), tool) != null) {
                throw new IllegalArgumentException("There are two tools of the name " + tool.name() + ".");
            }
            specifications.put(tool.name(), specification);
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
            Tool tool = tools.get(name);
            if (tool == null) {
                throw new IllegalArgumentException("There is no tool of the name " + name + ".");
            }
            tools.put(name, tool.needingApproval(when));
            return this;
        }

        /**
         * Lets {@code make} choose what the model is told of the conversation in each round; {@link ModelRound#prompt}, the branch
         * that ends in the run, if nothing is said. An agent among several people may want all that was said in the
         * {@linkplain Run#read room}, and by whom.
         *
         * @param make gives the prompt of a round. It has to have what was said in the run
         * @return this builder
         */
        public Builder prompts(Function<ModelRound, Prompt> make) {
            prompts = make;
            return this;
        }

        /**
         * Lets {@code change} complete each request, such as with a temperature or the name of a model.
         *
         * @param change gives the request that the model is sent
         * @return this builder
         */
        public Builder customiseRequests(UnaryOperator<ChatRequest> change) {
            customiser = change;
            return this;
        }

        /**
         * How many rounds with the model a run may have; {@value ToolLoop#MAX_ROUNDS} if nothing is said.
         *
         * @param rounds at least 1
         * @return this builder
         */
        public Builder maxRounds(int rounds) {
            maxRounds = rounds;
            return this;
        }

        /** {@return the agent} */
        public LangChain4jAgent build() {
            return new LangChain4jAgent(this);
        }
    }
}
