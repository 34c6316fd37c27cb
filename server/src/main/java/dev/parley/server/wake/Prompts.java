package dev.parley.server.wake;

import dev.parley.conversation.Conversation;
import dev.parley.conversation.Conversation.Trigger;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.Prompt;
import dev.parley.conversation.Role;
import dev.parley.conversation.RunContext;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.ToolCall;
import dev.parley.conversation.WireForm;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.log.PositionRange;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.server.channel.SessionMessages;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What agents that are called have to answer, as messages of a model: what was said in the branch of the conversation that the input is
 * in. Thread-safe; reads block on the disk.
 */
final class Prompts {
    /** The greatest number of messages that an agent is called with; of more, the newest. */
    static final int MAX_MESSAGES = 200;

    /** The greatest size of these messages; the newest is among them whatever its size. */
    static final int MAX_BYTES = 1 << 20;

    /** The greatest number of messages of a session of which a conversation is made. */
    static final int MAX_READ = 1_000;

    /** The number of conversations that are in memory at a time. */
    static final int MAX_AT_A_TIME = 8;

    private final Sessions sessions;
    private final int pageBytes;
    private final Semaphore turns = new Semaphore(MAX_AT_A_TIME);

    /**
     * Of these sessions.
     *
     * @param pageBytes the greatest size of the messages of which a conversation is made, roughly
     */
    Prompts(Sessions sessions, int pageBytes) {
        this.sessions = sessions;
        this.pageBytes = pageBytes;
    }

    /**
     * Something to answer.
     *
     * @param input what is to be answered; null if a request of the run was answered
     * @param resumed the run that is to go on; null for a new one
     */
    record Task(@Nullable Trigger input, @Nullable String resumed) {}

    /**
     * A run, and what an agent is told for it.
     *
     * @param frame what its beginning and its end say
     * @param context what everything in it says
     * @param messages the conversation
     */
    record Order(RunContext frame, RunContext context, ArrayNode messages) {}

    /**
     * What a wake asks for: to answer the newest input that begins a run, whose conversation has the others, and to go on with each run
     * that waits for nothing more, once. Null if an input is not there.
     */
    @Nullable
    Collection<Task> tasks(SessionState session, Wake wake) {
        Map<String, SessionRequest> requests = new HashMap<>();
        for (Wake.Input input : wake.order().inputs()) {
            SessionRequest request = sessions.requests().find(session, input.eventId());
            if (request != null) {
                requests.put(input.eventId(), request);
            }
        }
        return read(session, conversation -> {
            Map<String, Task> tasks = new LinkedHashMap<>();
            for (Wake.Input input : wake.order().inputs()) {
                Trigger trigger = conversation.trigger(input.eventId()).orElse(null);
                SessionRequest request = requests.get(input.eventId());
                if (trigger == null && request == null) {
                    return null;
                }
                String run = trigger == null
                        ? Objects.requireNonNull(request).terms().runId()
                        : trigger.runId();
                if (run != null ? isReady(conversation, run) : trigger != null) {
                    tasks.merge(
                            Objects.requireNonNullElse(run, ""),
                            new Task(trigger, run),
                            // An input says more than that something was answered.
                            (earlier, later) -> later.input() == null ? earlier : later);
                }
            }
            return List.copyOf(tasks.values());
        });
    }

    /** Whether a run waits, but for nothing that somebody has to answer. */
    private static boolean isReady(Conversation conversation, String runId) {
        Node.Run run = conversation.run(runId).orElse(null);
        return run != null
                && run.status() == RunStatus.SUSPENDED
                && run.messages().stream()
                        .flatMap(message -> message.toolCalls().stream())
                        .allMatch(call -> call.state().isFinal() || call.state() == ToolCall.State.APPROVAL_RESPONDED);
    }

    /** What an agent is told for a task; null if the run is not there any more. */
    @Nullable
    Order order(SessionState session, Wake wake, Task task) {
        return read(session, conversation -> {
            String runId = Objects.requireNonNullElse(task.resumed(), wake.id());
            Node.Run run = conversation.run(runId).orElse(null);
            Trigger input = task.input();
            if (task.resumed() != null && run == null) {
                return null;
            }
            Trigger trigger = input == null ? ofRun(Objects.requireNonNull(run)) : input;
            boolean isMessage = trigger.kind().equals(WireForm.USER_MESSAGE);
            boolean isFork =
                    task.resumed() == null && !isMessage && !trigger.kind().equals(WireForm.REGENERATE);
            String after = task.resumed() == null && !isMessage ? trigger.parent() : trigger.messageId();
            RunContext frame = context(trigger, runId, wake, after);
            return new Order(
                    frame,
                    isFork ? context(trigger, runId, wake, trigger.messageId()) : frame,
                    bounded(Prompt.of(conversation, trigger, runId).messages()));
        });
    }

    private static Trigger ofRun(Node.Run run) {
        return new Trigger(
                "",
                run.parent(),
                run.regenerates() == null ? WireForm.USER_MESSAGE : WireForm.REGENERATE,
                run.key(),
                run.parent(),
                null,
                run.regenerates(),
                run.ownerId().isEmpty() ? null : run.ownerId(),
                run.serial());
    }

    private static RunContext context(Trigger trigger, String runId, Wake wake, @Nullable String parent) {
        String client = trigger.clientId();
        return new RunContext(
                runId,
                client == null ? "" : client,
                wake.id(),
                client,
                trigger.messageId(),
                parent,
                trigger.forkOf(),
                trigger.regenerates());
    }

    /** Lets {@code use} look at the newest part of a session. */
    private <T> @Nullable T read(SessionState session, Function<Conversation, @Nullable T> use) {
        turns.acquireUninterruptibly();
        try {
            var conversation = new Conversation();
            var all = new PositionRange(0, Long.MAX_VALUE - 1, true);
            for (MessageEntry message : sessions.messages().list(session, all, MAX_READ, pageBytes)) {
                conversation.apply(SessionMessages.of(message));
            }
            return use.apply(conversation);
        } finally {
            turns.release();
        }
    }

    /** The newest of the messages, with the calls of tools and what has become of them. */
    static ArrayNode bounded(List<Message> prompt) {
        Deque<ObjectNode> newest = new ArrayDeque<>();
        long bytes = 0;
        for (int i = prompt.size() - 1; i >= 0; i--) {
            List<ObjectNode> written = written(prompt.get(i));
            for (ObjectNode message : written) {
                bytes += message.toString().getBytes(StandardCharsets.UTF_8).length;
            }
            boolean isFull = newest.size() + written.size() > MAX_MESSAGES || bytes > MAX_BYTES;
            if (isFull && !newest.isEmpty()) {
                break;
            }
            written.reversed().forEach(newest::addFirst);
        }
        ArrayNode messages = JsonMapper.shared().createArrayNode();
        newest.forEach(messages::add);
        return messages;
    }

    private static List<ObjectNode> written(Message message) {
        ObjectNode said = message(message.role().wireName(), message.text());
        List<ObjectNode> written = new ArrayList<>(List.of(said));
        List<ToolCall> calls = message.role() == Role.ASSISTANT ? message.toolCalls() : List.of();
        if (!calls.isEmpty()) {
            ArrayNode shown = said.putArray("toolCalls");
            for (ToolCall call : calls) {
                shown.addObject()
                        .put("id", call.toolCallId())
                        .put("type", "function")
                        .putObject("function")
                        .put("name", call.toolName())
                        .put("arguments", json(call.effectiveInput(), "{}"));
                String outcome = outcome(call);
                if (outcome != null) {
                    written.add(message("tool", outcome).put("toolCallId", call.toolCallId()));
                }
            }
        }
        return written;
    }

    private static ObjectNode message(String role, String content) {
        return JsonMapper.shared().createObjectNode().put("role", role).put("content", content);
    }

    private static String json(@Nullable JsonNode value, String unless) {
        return value == null ? unless : value.toString();
    }

    /** What has become of a call, in the words that TanStack AI has for it; null if it waits. */
    private static @Nullable String outcome(ToolCall call) {
        JsonNode output = call.output();
        return switch (call.state()) {
            case OUTPUT_AVAILABLE -> output != null && output.isString() ? output.stringValue() : json(output, "null");
            case OUTPUT_ERROR -> error(call.errorText());
            case APPROVAL_RESPONDED -> decision(true, call);
            case OUTPUT_DENIED -> decision(false, call);
            case INPUT_STREAMING, INPUT_AVAILABLE, APPROVAL_REQUESTED -> null;
        };
    }

    private static String error(@Nullable String text) {
        return JsonMapper.shared()
                .createObjectNode()
                .put("error", Objects.requireNonNullElse(text, ""))
                .toString();
    }

    private static String decision(boolean approved, ToolCall call) {
        ObjectNode decision = JsonMapper.shared().createObjectNode().put("approved", approved);
        if (approved) {
            // The call is still to be made.
            decision.put("pendingExecution", true);
        }
        decision.put("message", approved ? "User approved this action" : "User denied this action");
        ToolCall.Approval approval = call.approval();
        if (approval != null && approval.reason() != null) {
            decision.put("reason", approval.reason());
        }
        return decision.toString();
    }
}
