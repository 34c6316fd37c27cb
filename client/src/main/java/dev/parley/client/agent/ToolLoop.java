package dev.parley.client.agent;

import dev.parley.client.Registration;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Part;
import dev.parley.conversation.Role;
import dev.parley.conversation.ToolCall;
import dev.parley.conversation.UiChunk;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers by turns of a model and the tools that it calls, until the model calls none. How far it is stands in the session and
 * nowhere else: another process can resume a run that was suspended, and {@linkplain AgentSession#adopt(String, RunHandler)
 * adopt} one whose process has ended at any moment.
 *
 * <ul>
 *   <li><b>A call takes effect once.</b> That it begins stands in the session before the tool is called: as the start of a step
 *       named after the call. If that is all there is, whether the tool was called is not known. A tool that
 *       {@linkplain Tool#takingKeys takes keys} is then called again, with the same key. Any other is not: the run is suspended,
 *       and a data part named {@link #OUTCOME_UNKNOWN} beside the call says so, until a person
 *       {@linkplain ClientSession#settle(UnknownOutcome, Settlement) settles} the call, or
 *       {@linkplain AgentSession#settle(UnknownOutcome, Settlement) the agent} does: with its result, with an error, or by saying
 *       that it has had no effect. Only then is the tool called again.
 *   <li><b>An approval is for what was shown.</b> A call that needs one suspends the run. The request is bound to the tool and
 *       the exact arguments; if they are others when the run goes on, the tool is not called, and the model is told. If a person
 *       has approved other arguments than it was asked for, the tool is called with those.
 *   <li><b>A cancel stops it anywhere.</b> While a tool runs, its thread is interrupted at once.
 *   <li><b>People can steer it.</b> What they say meanwhile is in the prompt of the next round; if the model has just finished,
 *       there is one more.
 * </ul>
 *
 * <p>The calls of a round are made one after the other. Results are in the session before the next round begins. A round that
 * was not finished is done again, and what the model has said in it is replaced.
 *
 * <p>A loop can be used for any number of runs at a time.
 */
public final class ToolLoop implements RunHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ToolLoop.class);

    /** How many rounds a run has if nothing else is said. */
    public static final int MAX_ROUNDS = 100;

    /**
     * The name of data that tells that the outcome of a call is not known: an object with the {@code toolCallId}, the
     * {@code toolName} and the {@code key}.
     */
    public static final String OUTCOME_UNKNOWN = "tool-outcome-unknown";

    private static final String ROUND = "round-";
    private static final String APPROVAL = "approval-";
    private static final String OUTCOME = "outcome-";

    /** Equal values give equal texts. */
    private static final JsonMapper SORTED =
            JsonMapper.builder().enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED).build();

    /** A model. */
    @FunctionalInterface
    public interface Model {
        /**
         * Sends the {@linkplain ModelRound#prompt prompt} to the model, writes what it says and the tools that it calls
         * into the {@linkplain ModelRound#output output}, and returns when it has finished. It has to stop the model
         * when the run is cancelled.
         *
         * @param round the prompt and the output
         * @throws Exception if the model has failed; so has the run then
         */
        void answer(ModelRound round) throws Exception;
    }

    /** A call, and the message in which it was made. */
    private record Made(String messageId, ToolCall call) {
        String id() {
            return call.toolCallId();
        }
    }

    private final Model model;
    private final Map<String, Tool> tools;
    private final int maxRounds;

    private ToolLoop(Model model, Map<String, Tool> tools, int maxRounds) {
        this.model = model;
        this.tools = tools;
        this.maxRounds = maxRounds;
    }

    /**
     * {@return a loop of a model and these tools}
     *
     * @param model the model
     * @param tools the tools that it may call
     * @throws IllegalArgumentException if two tools have the same name
     */
    public static ToolLoop of(Model model, Collection<Tool> tools) {
        Map<String, Tool> named = new LinkedHashMap<>();
        for (Tool tool : tools) {
            if (named.put(tool.name(), tool) != null) {
                throw new IllegalArgumentException("There are two tools of the name " + tool.name() + ".");
            }
        }
        return new ToolLoop(model, named, MAX_ROUNDS);
    }

    /**
     * {@return the same with at most this many rounds with the model in a run, in all processes together; a run that
     * needs more fails}
     *
     * @param rounds at least 1
     */
    public ToolLoop withMaxRounds(int rounds) {
        if (rounds < 1) {
            throw new IllegalArgumentException("A run has at least one round.");
        }
        return new ToolLoop(model, tools, rounds);
    }

    @Override
    public void handle(Run run) throws Exception {
        boolean answered = isAnswered(run.node());
        while (settle(run)) {
            if (answered && !run.isSteered()) {
                return;
            }
            answered = round(run);
        }
        run.suspend();
    }

    // Rounds

    /** Whether the model has finished, and called no tool. */
    private static boolean isAnswered(Node.Run run) {
        Node.Step last = lastRound(run).orElse(null);
        if (last == null || last.status() != Node.StepStatus.COMPLETE) {
            return false;
        }
        List<Message> said = run.messages().stream().filter(ToolLoop::isAnswer).toList();
        return !said.isEmpty() && !hasCalls(said.get(said.size() - 1));
    }

    private static boolean isAnswer(Message message) {
        return message.role() == Role.ASSISTANT
                && message.parts().stream()
                        .anyMatch(part -> !(part instanceof Part.StepStart) && !(part instanceof Part.Data));
    }

    private static boolean hasCalls(Message message) {
        return message.toolCalls().stream().anyMatch(ToolLoop::isOurs);
    }

    private static boolean isOurs(ToolCall call) {
        return !Boolean.TRUE.equals(call.providerExecuted());
    }

    private static Optional<Node.Step> lastRound(Node.Run run) {
        return run.steps().stream().filter(step -> step.id().startsWith(ROUND)).reduce((earlier, later) -> later);
    }

    /** Returns whether the model called no tool. */
    private boolean round(Run run) throws Exception {
        Node.Run before = run.node();
        long rounds = before.steps().stream()
                .filter(step -> step.id().startsWith(ROUND))
                .count();
        String unfinished = lastRound(before)
                .filter(step -> step.status() != Node.StepStatus.COMPLETE)
                .map(Node.Step::id)
                .orElse(null);
        if (unfinished == null && rounds >= maxRounds) {
            throw new IllegalStateException("The model still calls tools after " + maxRounds + " rounds.");
        }
        // What happens in between ends the run, and with it the step.
        Step step = run.step(unfinished == null ? ROUND + rounds : unfinished);
        Output output = step.output();
        ModelRound round =
                new ModelRound(run, run.prompt(), output, made(run.node()).keySet());
        // It may have been delivered with what the prompt has waited for.
        run.cancelToken().throwIfCancelled();
        model.answer(round);
        output.close();
        step.close();
        run.cancelToken().throwIfCancelled();
        return run.node().messages().stream()
                .noneMatch(message -> message.id().equals(output.messageId()) && hasCalls(message));
    }

    // Calls

    /** The calls of a run by their ids: the last ones, if something was published under an id again. */
    private static Map<String, Made> made(Node.Run run) {
        Map<String, Made> made = new LinkedHashMap<>();
        for (Message message : run.messages()) {
            for (ToolCall call : message.toolCalls()) {
                if (isOurs(call)) {
                    made.put(call.toolCallId(), new Made(message.id(), call));
                }
            }
        }
        return made;
    }

    /** Does all that can be done about calls without a result. Returns whether there are none left. */
    private boolean settle(Run run) throws Exception {
        boolean settled = true;
        for (Made made : made(run.node()).values()) {
            if (!made.call().state().isFinal()) {
                settled &= settle(run, made);
            }
        }
        return settled;
    }

    private boolean settle(Run run, Made made) throws Exception {
        ToolCall call = made.call();
        Tool tool = tools.get(call.toolName());
        if (tool == null) {
            return fail(run, made, "There is no tool of the name " + call.toolName() + ".");
        }
        return switch (call.state()) {
            case INPUT_STREAMING -> fail(run, made, "The arguments are not complete.");
            case INPUT_AVAILABLE -> {
                if (tool.needsApproval(call)) {
                    yield requestApproval(run, made);
                }
                yield execute(run, tool, made);
            }
            case APPROVAL_REQUESTED -> false;
            case APPROVAL_RESPONDED -> {
                String id = call.approval() == null ? "" : call.approval().id();
                if (!tool.needsApproval(call) || isFor(id, run, call)) {
                    yield execute(run, tool, made);
                }
                if (id.isEmpty()) {
                    // Somebody has approved what nobody was asked for.
                    yield requestApproval(run, made);
                }
                yield fail(run, made, "The arguments are not those that were approved.");
            }
            case OUTPUT_AVAILABLE, OUTPUT_ERROR, OUTPUT_DENIED -> true;
        };
    }

    private static boolean requestApproval(Run run, Made made) {
        String id = Ids.next() + '.' + binding(run, made.call());
        try (Step step = run.step(APPROVAL + made.id());
                Output output = run.amend(step, made.messageId())) {
            output.write(UiChunk.approvalRequest(id, made.id()));
        }
        return false;
    }

    private static boolean isFor(String approvalId, Run run, ToolCall call) {
        return approvalId.endsWith('.' + binding(run, call));
    }

    /** What an approval is for. */
    private static String binding(Run run, ToolCall call) {
        JsonNode input = call.input();
        String arguments = input == null ? "" : SORTED.writeValueAsString(input);
        return ToolKey.digest(List.of(run.id(), call.toolCallId(), call.toolName(), arguments));
    }

    private static boolean fail(Run run, Made made, String why) {
        try (Step step = run.step(UnknownOutcomes.stepOf(made.id()));
                Output output = run.amend(step, made.messageId())) {
            output.toolError(made.id(), why);
        }
        return true;
    }

    /** Returns whether the call has a result or has failed, as opposed to a result that others have to give. */
    private static boolean execute(Run run, Tool tool, Made made) throws Exception {
        Tool.Action action = tool.action();
        if (action == null) {
            return false;
        }
        String stepId = UnknownOutcomes.stepOf(made.id());
        ToolKey key = new ToolKey(run.session().name(), run.id(), made.id());
        Node.Run before = run.node();
        int attempts = UnknownOutcomes.attempts(before, stepId);
        ToolCall left = run.left(made.id());
        if (attempts > 0 && left != null && left.state().isFinal()) {
            // It had its result when the process ended that was to say that the step is done.
            write(run, run.step(stepId), made, left);
            return true;
        }
        if (attempts > 0 && !tool.takesKeys() && !run.isNotDone(key, attempts)) {
            failIfOpen(run, stepId, before);
            note(run, made, key, before);
            return false;
        }
        Step step = run.step(stepId);
        Node.Run begun = run.node();
        if (UnknownOutcomes.attempts(begun, stepId) != attempts + 1 && !tool.takesKeys()) {
            // Two processes have begun it, and both see that; or the one that sees only itself makes the call.
            step.fail();
            note(run, made, key, begun);
            return false;
        }
        if (attempts > 0 && isFinal(begun, made.id())) {
            // Somebody has answered it before it was begun again.
            step.close();
            return true;
        }
        write(run, step, made, call(action, new ToolExecution(key, made.call(), run)));
        return true;
    }

    private static boolean isFinal(Node.Run run, String toolCallId) {
        Made made = made(run).get(toolCallId);
        return made != null && made.call().state().isFinal();
    }

    private static void failIfOpen(Run run, String stepId, Node.Run node) {
        boolean isOpen = node.steps().stream()
                .anyMatch(step -> step.id().equals(stepId) && step.status() == Node.StepStatus.ACTIVE);
        if (isOpen) {
            run.step(stepId).fail();
        }
    }

    /** Calls the tool, and gives the call as it then is. */
    private static ToolCall call(Tool.Action action, ToolExecution execution) throws InterruptedException {
        CancelToken token = execution.cancelToken();
        token.throwIfCancelled();
        ToolCall call = execution.call();
        try {
            return call.withOutput(interruptibly(token, action, execution), null);
        } catch (InterruptedException e) {
            token.throwIfCancelled();
            throw e;
        } catch (Exception e) {
            token.throwIfCancelled();
            LOG.info("The call {} of {} has failed.", call.toolCallId(), call.toolName(), e);
            return call.withError(Objects.requireNonNullElse(e.getMessage(), e.toString()));
        }
    }

    private static @Nullable JsonNode interruptibly(CancelToken token, Tool.Action action, ToolExecution execution)
            throws Exception {
        Interruption interruption = new Interruption(token);
        try {
            return action.execute(execution);
        } finally {
            interruption.end();
        }
    }

    /** Writes what has become of a call, and ends its step. */
    private static void write(Run run, Step step, Made made, ToolCall done) {
        try (step;
                Output output = run.amend(step, made.messageId())) {
            String error = done.errorText();
            if (error != null) {
                output.toolError(made.id(), error);
            } else {
                output.toolOutput(made.id(), done.output());
            }
        }
    }

    /** Says that the outcome of a call is not known. */
    private static void note(Run run, Made made, ToolKey key, Node.Run node) {
        if (UnknownOutcomes.isNoted(node, made.id())) {
            return;
        }
        ObjectNode data = JsonMapper.shared().createObjectNode();
        data.put("toolCallId", made.id())
                .put("toolName", made.call().toolName())
                .put("key", key.value());
        try (Step step = run.step(OUTCOME + made.id());
                Output output = run.amend(step, made.messageId())) {
            output.data(new Part.Data(OUTCOME_UNKNOWN, made.id(), data));
        }
    }

    /** Interrupts this thread on a cancel, until its end. */
    private static final class Interruption {
        private final Registration hook;

        @GuardedBy("this")
        private @Nullable Thread thread = Thread.currentThread();

        @GuardedBy("this")
        private boolean interrupted;

        Interruption(CancelToken token) {
            hook = token.onCancel(this::interrupt);
        }

        private synchronized void interrupt() {
            Thread working = thread;
            if (working != null) {
                interrupted = true;
                working.interrupt();
            }
        }

        void end() {
            hook.close();
            synchronized (this) {
                thread = null;
                if (interrupted) {
                    var unused = Thread.interrupted();
                }
            }
        }
    }
}
