package dev.parley.conversation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.NullNode;

/**
 * A run as a UI message stream of Vercel's AI SDK, as far as it has got: whoever follows a run asks for what has come since
 * he last asked. One run is one UI message, also if it consists of several messages. The stream ends when the run ends or is
 * suspended; of a run that goes on afterwards there is a new stream, from its beginning.
 *
 * <p>When a step is attempted again, what its first attempt has said is void: the stream begins anew, with another message
 * id, by which a page knows. It belongs to the conversation's thread.
 */
public final class RunChunks {
    /** How much of a message that grows has been told. */
    private static final class Told {
        boolean seen;
        boolean begun;
        int chars;
        boolean ended;
    }

    private final String runId;
    private final UiVersion version;
    private final Map<String, Told> told = new HashMap<>();
    private final Set<String> steersTold = new HashSet<>();
    /** The messages that were told when the run was looked at last, and may still grow. */
    private List<LoggedMessage> open = List.of();

    private long revision = -1;
    private @Nullable String uiId;
    private boolean started;
    private boolean inRound;
    private boolean done;
    private @Nullable UiChunk finish;
    private @Nullable String failure;

    /**
     * Makes one that has told nothing yet.
     *
     * @param runId the run's id; the run need not have begun
     * @param version the version of the SDK of the page that reads the stream
     */
    public RunChunks(String runId, UiVersion version) {
        this.runId = runId;
        this.version = version;
    }

    /** {@return whether all has been told: the run has ended or waits for somebody} */
    public boolean isDone() {
        return done;
    }

    /**
     * {@return what has come since the last call}
     *
     * @param conversation the conversation
     */
    public List<UiChunk> next(Conversation conversation) {
        RunState run = conversation.runState(runId);
        if (run == null || done) {
            return List.of();
        }
        List<UiChunk> chunks = new ArrayList<>();
        if (run.revision() == revision) {
            open.forEach(message -> tell(message, run, chunks));
        } else {
            revision = run.revision();
            open = tellAll(run, chunks);
        }
        if (run.status() != RunStatus.ACTIVE) {
            end(run, chunks);
        }
        chunks.removeIf(chunk -> !version.knows(chunk.type()));
        return chunks;
    }

    /** Tells what is not told yet, and gives what may still grow. */
    private List<LoggedMessage> tellAll(RunState run, List<UiChunk> chunks) {
        List<LoggedMessage> content =
                run.log.values().stream().filter(run::isContent).toList();
        Set<String> serials = new HashSet<>();
        content.forEach(message -> serials.add(message.serial()));
        if (!serials.containsAll(told.keySet()) && !restart(content)) {
            return List.of();
        }
        content.forEach(message -> tell(message, run, chunks));
        return content.stream().filter(message -> !state(message).ended).toList();
    }

    private Told state(LoggedMessage message) {
        return told.computeIfAbsent(message.serial(), serial -> new Told());
    }

    /** Begins anew as soon as the later attempt has said something. */
    private boolean restart(List<LoggedMessage> content) {
        for (LoggedMessage message : content) {
            String id = message.headers().get(WireForm.MESSAGE_ID);
            if (!told.containsKey(message.serial()) && WireForm.OUTPUT.equals(message.name()) && id != null) {
                told.clear();
                steersTold.clear();
                started = false;
                inRound = false;
                finish = null;
                failure = null;
                uiId = message.headers().kind().equals("start")
                        ? message.headers().codec().getOrDefault("messageId", id)
                        : id;
                return true;
            }
        }
        return false;
    }

    private void tell(LoggedMessage message, RunState run, List<UiChunk> chunks) {
        Told state = state(message);
        if (state.ended) {
            return;
        }
        String kind = message.headers().kind();
        if (WireForm.INPUT.equals(message.name())) {
            state.ended = true;
            tellInput(kind, message, run, chunks);
            return;
        }
        if (!state.seen) {
            state.seen = true;
            tellSteers(message, run, chunks);
        }
        switch (kind) {
            case WireForm.TEXT, WireForm.REASONING, WireForm.TOOL_INPUT -> {
                if (!kind.equals(WireForm.TOOL_INPUT) && !message.headers().streams()) {
                    state.ended = true;
                    return;
                }
                begin(message, chunks);
                if (!inRound) {
                    inRound = true;
                    chunks.add(UiChunk.of("start-step"));
                }
                if (message.headers().streams()) {
                    tellGrowing(kind, message, state, chunks);
                } else {
                    state.ended = true;
                    tellToolCall(message, chunks);
                }
            }
            default -> {
                state.ended = true;
                tellDiscrete(kind, message, run, chunks);
            }
        }
    }

    private void begin(LoggedMessage message, List<UiChunk> chunks) {
        if (!started) {
            started = true;
            String id = uiId == null ? message.headers().get(WireForm.MESSAGE_ID) : uiId;
            chunks.add(UiChunk.of("start").with("messageId", id));
        }
    }

    private void tellGrowing(String kind, LoggedMessage message, Told state, List<UiChunk> chunks) {
        Headers headers = message.headers();
        OutputForm form = OutputForm.of(kind);
        if (form == null) {
            return;
        }
        boolean isTool = kind.equals(WireForm.TOOL_INPUT);
        String name = isTool ? "toolCallId" : "id";
        String id = headers.codec().getOrDefault(name, headers.transport().getOrDefault(WireForm.STREAM_ID, ""));
        if (!state.begun) {
            state.begun = true;
            chunks.add(form.read(kind + "-start", headers).with(name, id));
        }
        String more = message.textAfter(state.chars);
        if (!more.isEmpty()) {
            chunks.add(UiChunk.of(kind + "-delta").with(name, id).with(isTool ? "inputTextDelta" : "delta", more));
            state.chars += more.length();
        }
        if (message.progress() == Part.Progress.STREAMING) {
            return;
        }
        state.ended = true;
        if (!isTool) {
            chunks.add(form.read(kind + "-end", headers).with(name, id));
        } else if (message.progress() == Part.Progress.DONE) {
            chunks.add(form.read("tool-input-available", headers)
                    .with(name, id)
                    .with("input", orNull(ContentFold.jsonOrText(message.text()))));
        }
    }

    private static JsonNode orNull(@Nullable JsonNode input) {
        return input == null ? NullNode.getInstance() : input;
    }

    private void tellDiscrete(String kind, LoggedMessage message, RunState run, List<UiChunk> chunks) {
        OutputForm form = OutputForm.of(kind);
        if (form == null || message.deleted()) {
            return;
        }
        UiChunk chunk = form.read(kind, message);
        JsonNode metadata = chunk.get("messageMetadata");
        switch (kind) {
            case "start" -> {
                if (started) {
                    tellMetadata(metadata, chunks);
                } else {
                    started = true;
                    chunks.add(uiId == null ? chunk : chunk.with("messageId", uiId));
                }
            }
            case "start-step" -> {
                begin(message, chunks);
                inRound = true;
                chunks.add(chunk);
            }
            case "finish-step" -> {
                inRound = false;
                chunks.add(chunk);
            }
            // The run says how all of it ends; one answer of a model is not yet its end.
            case "finish" -> {
                inRound = false;
                finish = chunk;
                tellMetadata(metadata, chunks);
            }
            case "error" -> failure = message.text();
            case "abort" -> inRound = false;
            case WireForm.TOOL_APPROVAL_REQUEST -> {
                begin(message, chunks);
                // Version 6 has no chunk for the answer: nobody is to be asked again.
                ToolCall.Approval approval = approval(chunk.text("toolCallId"), run);
                if (version != UiVersion.V6 || approval == null || !Boolean.TRUE.equals(approval.approved())) {
                    chunks.add(chunk);
                }
            }
            default -> {
                begin(message, chunks);
                chunks.add(chunk);
            }
        }
    }

    private static void tellMetadata(@Nullable JsonNode metadata, List<UiChunk> chunks) {
        if (metadata != null) {
            chunks.add(UiChunk.of("message-metadata").with("messageMetadata", metadata));
        }
    }

    private static void tellToolCall(LoggedMessage message, List<UiChunk> chunks) {
        OutputForm form = OutputForm.of(WireForm.TOOL_INPUT);
        if (form != null) {
            chunks.add(form.read("tool-input-start", message.headers()));
            chunks.add(form.read("tool-input-available", message.headers()).with("input", orNull(message.data())));
        }
    }

    private void tellInput(String kind, LoggedMessage message, RunState run, List<UiChunk> chunks) {
        String toolCallId = message.headers().codec().getOrDefault("toolCallId", "");
        if (message.headers().get(WireForm.RUN_ID) == null) {
            tellSeed(message, run, chunks);
        }
        JsonNode data = message.data();
        switch (kind) {
            case WireForm.TOOL_RESULT -> {
                begin(message, chunks);
                chunks.add(UiChunk.toolOutput(toolCallId, data == null ? null : data.get("output")));
            }
            case WireForm.TOOL_RESULT_ERROR -> {
                begin(message, chunks);
                String why = data == null ? "" : data.path("message").asString("");
                chunks.add(UiChunk.of("tool-output-error")
                        .with("toolCallId", toolCallId)
                        .with("errorText", why));
            }
            case WireForm.TOOL_APPROVAL_RESPONSE -> {
                begin(message, chunks);
                chunks.addAll(decision(toolCallId, message.headers(), run));
            }
            default -> {}
        }
    }

    private List<UiChunk> decision(String toolCallId, Headers headers, RunState run) {
        boolean approved = WireForm.TRUE.equals(headers.codec("approved"));
        UiChunk denied = UiChunk.of("tool-output-denied").with("toolCallId", toolCallId);
        if (version == UiVersion.V6) {
            return approved ? List.of() : List.of(denied);
        }
        ToolCall.Approval approval = approval(toolCallId, run);
        String approvalId = approval == null ? "" : approval.id();
        UiChunk response = UiChunk.of("tool-approval-response")
                .with("approvalId", approvalId)
                .with("approved", approved)
                .with("reason", headers.codec("reason"));
        return approved ? List.of(response) : List.of(response, denied);
    }

    private static ToolCall.@Nullable Approval approval(@Nullable String toolCallId, RunState run) {
        for (Message message : run.messages()) {
            for (ToolCall call : message.toolCalls()) {
                if (call.toolCallId().equals(toolCallId)) {
                    return call.approval();
                }
            }
        }
        return null;
    }

    /** What was copied from the run that this one has replaced. */
    private void tellSeed(LoggedMessage message, RunState run, List<UiChunk> chunks) {
        for (Message copied : run.messages()) {
            if (copied.clientId() == null && copied.role() == Role.ASSISTANT) {
                if (!started) {
                    started = true;
                    chunks.add(UiChunk.of("start").with("messageId", copied.uiId()));
                }
                UiMessages.chunks(copied).forEach(chunks::add);
            }
        }
        begin(message, chunks);
    }

    /** The messages with which people have steered the run, where the agent has taken account of them. */
    private void tellSteers(LoggedMessage message, RunState run, List<UiChunk> chunks) {
        JsonNode ids = ContentFold.json(message.headers().get(WireForm.STEERS));
        if (ids == null || version == UiVersion.V6) {
            return;
        }
        for (JsonNode id : ids.values()) {
            if (!id.isString() || !steersTold.add(id.stringValue())) {
                continue;
            }
            for (Message steer : run.messages()) {
                if (steer.id().equals(id.stringValue())) {
                    begin(message, chunks);
                    chunks.add(UiChunk.of("steering-message")
                            .with("id", steer.uiId())
                            .with("parts", UiMessages.write(steer).get("parts")));
                }
            }
        }
    }

    private void end(RunState run, List<UiChunk> chunks) {
        done = true;
        Node.RunError error = run.error();
        String why = error == null ? failure : error.message();
        if (why != null) {
            chunks.add(UiChunk.of("error").with("errorText", why));
        }
        if (run.status() == RunStatus.CANCELLED) {
            chunks.add(UiChunk.of("abort"));
            return;
        }
        String said = finish == null ? null : finish.text("finishReason");
        String usual = run.status() == RunStatus.SUSPENDED ? "tool-calls" : "stop";
        String reason = why != null ? "error" : said == null ? usual : said;
        chunks.add(UiChunk.of("finish").with("finishReason", reason));
    }
}
