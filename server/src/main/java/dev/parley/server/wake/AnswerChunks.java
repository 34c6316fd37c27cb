package dev.parley.server.wake;

import dev.parley.conversation.UiChunk;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * What an agent says with the chunks of TanStack AI, in the older form and in that of AG-UI, as chunks of a UI message stream. What has
 * no place in a conversation is left out.
 */
final class AnswerChunks {
    /** The greatest number of calls of tools in one answer. */
    static final int MAX_CALLS = 256;

    /** The line that ends an answer of some agents. */
    private static final String DONE = "[DONE]";

    private static final String DELTA = "delta";
    private static final String CONTENT = "content";
    private static final String TOOL_CALL_ID = "toolCallId";
    private static final String FINISH_REASON = "finishReason";
    private static final String TOOL_CALLS = "tool_calls";

    private static final class Call {
        final String name;
        final StringBuilder arguments = new StringBuilder();
        boolean whole;
        boolean answered;
        boolean asked;

        Call(String name) {
            this.name = name;
        }
    }

    private final List<UiChunk> said = new ArrayList<>();
    private final Map<String, Call> calls = new LinkedHashMap<>();
    private int parts;

    /** The text or thought that grows, and what begins the types of its chunks; null if none does. */
    private @Nullable String growing;

    private String kind = "";

    /** How much of what grows was said. Some agents say it anew each time. */
    private int grown;

    /** The first half of a character of which the other half is to come. */
    private String half = "";

    private @Nullable String reason;
    private @Nullable String failure;
    private boolean over;
    private int skipped;

    /** Takes a line. What follows from it is among {@link #take}. */
    void read(String line) {
        if (line.equals(DONE)) {
            over = true;
            return;
        }
        try {
            JsonNode chunk = JsonMapper.shared().readTree(line);
            read(chunk.path("type").asString(""), chunk);
        } catch (JacksonException e) {
            skipped++;
        }
    }

    /** What was said since this was called last. */
    List<UiChunk> take() {
        List<UiChunk> chunks = List.copyOf(said);
        said.clear();
        return chunks;
    }

    /** Whether the agent has said that its answer is at its end. */
    boolean isOver() {
        return over;
    }

    /** Why the answer has failed, as the agent has said; null if it has not. */
    @Nullable
    String failure() {
        return failure;
    }

    /** How many lines were no chunks, or none that could be understood. */
    int skipped() {
        return skipped;
    }

    /** Whether the answer waits for somebody: calls of tools that others have to answer or approve. */
    boolean waits() {
        boolean isForTools = TOOL_CALLS.equals(reason);
        return calls.values().stream().anyMatch(call -> !call.answered && (call.asked || isForTools));
    }

    /** The last chunks, if nothing more comes. */
    List<UiChunk> end() {
        endGrowing();
        List.copyOf(calls.keySet()).forEach(this::complete);
        String why = reason == null ? "stop" : reason.replace('_', '-');
        said.add(UiChunk.of("finish").with(FINISH_REASON, why));
        return take();
    }

    private void read(String type, JsonNode chunk) {
        switch (type) {
            case "content" -> grow("text", chunk);
            case "thinking" -> grow("reasoning", chunk);
            case "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_CHUNK" -> grow("text", chunk);
            case "STEP_FINISHED", "THINKING_TEXT_MESSAGE_CONTENT", "REASONING_MESSAGE_CONTENT" ->
                grow("reasoning", chunk);
            case "TEXT_MESSAGE_START", "TEXT_MESSAGE_END", "REASONING_MESSAGE_END" -> endGrowing();
            case "tool_call" -> {
                JsonNode function = chunk.path("toolCall").path("function");
                arguments(
                        text(chunk.path("toolCall"), "id"),
                        text(function, "name"),
                        function.path("arguments").asString(""),
                        true);
            }
            case "TOOL_CALL_START" -> arguments(text(chunk, TOOL_CALL_ID), name(chunk, "toolCallName"), "", false);
            case "TOOL_CALL_ARGS" ->
                arguments(text(chunk, TOOL_CALL_ID), null, chunk.path(DELTA).asString(""), false);
            case "TOOL_CALL_END" -> {
                String id = text(chunk, TOOL_CALL_ID);
                input(id, name(chunk, "toolCallName"), chunk.get("input"));
                if (chunk.hasNonNull("result")) {
                    result(id, chunk.get("result"));
                }
            }
            case "tool-input-available" ->
                input(text(chunk, TOOL_CALL_ID), name(chunk, "toolName"), chunk.get("input"));
            case "approval-requested" -> approval(chunk);
            case "tool_result", "TOOL_CALL_RESULT" -> result(text(chunk, TOOL_CALL_ID), chunk.get(CONTENT));
            case "CUSTOM" -> custom(chunk);
            case "done", "RUN_FINISHED" -> finish(chunk.path(FINISH_REASON).asString("stop"));
            case "stop", "message-end" -> over = true;
            case "error", "RUN_ERROR" -> fail(chunk);
            case "RUN_STARTED", "STEP_STARTED", "MESSAGES_SNAPSHOT", "STATE_SNAPSHOT", "STATE_DELTA" -> {}
            default -> skipped++;
        }
    }

    private void custom(JsonNode chunk) {
        JsonNode value = chunk.hasNonNull("value") ? chunk.get("value") : chunk.path("data");
        switch (chunk.path("name").asString("")) {
            case "approval-requested" -> approval(value);
            case "tool-input-available" ->
                input(text(value, TOOL_CALL_ID), name(value, "toolName"), value.get("input"));
            default -> skipped++;
        }
    }

    private static @Nullable String text(JsonNode from, String name) {
        JsonNode value = from.path(name);
        return value.isString() && !value.stringValue().isEmpty() ? value.stringValue() : null;
    }

    private static @Nullable String name(JsonNode from, String first) {
        String name = text(from, first);
        return name == null ? text(from, "toolName") : name;
    }

    private void grow(String how, JsonNode chunk) {
        String id = growing;
        if (id == null || !kind.equals(how)) {
            endGrowing();
            id = how + "-" + parts++;
            said.add(UiChunk.of(how + "-start").with("id", id));
            growing = id;
            kind = how;
        }
        String delta = text(chunk, DELTA);
        if (delta == null) {
            String all = chunk.path(CONTENT).asString("");
            delta = all.length() > grown ? all.substring(grown) : "";
        }
        grown += delta.length();
        String whole = half + delta;
        half = !whole.isEmpty() && Character.isHighSurrogate(whole.charAt(whole.length() - 1))
                ? whole.substring(whole.length() - 1)
                : "";
        whole = whole.substring(0, whole.length() - half.length());
        if (!whole.isEmpty()) {
            said.add(UiChunk.of(how + "-delta").with("id", id).with(DELTA, whole));
        }
    }

    private void endGrowing() {
        if (growing != null) {
            said.add(UiChunk.of(kind + "-end").with("id", growing));
            growing = null;
            grown = 0;
            half = "";
        }
    }

    private @Nullable Call call(@Nullable String id, @Nullable String name) {
        Call known = id == null ? null : calls.get(id);
        if (known != null || id == null || name == null || calls.size() == MAX_CALLS) {
            skipped += known == null ? 1 : 0;
            return known;
        }
        endGrowing();
        Call call = new Call(name);
        calls.put(id, call);
        said.add(UiChunk.of("tool-input-start").with(TOOL_CALL_ID, id).with("toolName", name));
        return call;
    }

    /** More of what a tool is called with, or all of it so far if {@code mayRepeat}. */
    private void arguments(@Nullable String id, @Nullable String name, String text, boolean mayRepeat) {
        Call call = call(id, name);
        if (call == null || id == null || call.whole) {
            return;
        }
        int length = call.arguments.length();
        boolean repeats = mayRepeat && length > 0 && text.startsWith(call.arguments.toString());
        String delta = repeats ? text.substring(length) : text;
        if (!delta.isEmpty()) {
            endGrowing();
            call.arguments.append(delta);
            said.add(UiChunk.of("tool-input-delta").with(TOOL_CALL_ID, id).with("inputTextDelta", delta));
        }
    }

    private void input(@Nullable String id, @Nullable String name, @Nullable JsonNode input) {
        Call call = call(id, name);
        if (call != null && id != null && !call.whole) {
            if (call.arguments.isEmpty() && input != null && !input.isNull()) {
                arguments(id, name, input.toString(), false);
            }
            complete(id);
        }
    }

    /** Nothing more is said about what a tool is called with. */
    private void complete(String id) {
        Call call = calls.get(id);
        if (call != null && !call.whole) {
            call.whole = true;
            JsonNode input = call.arguments.isEmpty() ? JsonNodeFactory.instance.objectNode() : null;
            said.add(UiChunk.toolInput(id, call.name, input));
        }
    }

    private void approval(JsonNode chunk) {
        String id = text(chunk, TOOL_CALL_ID);
        String approvalId = text(chunk.path("approval"), "id");
        input(id, name(chunk, "toolName"), chunk.get("input"));
        Call call = id == null ? null : calls.get(id);
        if (call == null || id == null || approvalId == null) {
            skipped++;
        } else if (!call.asked) {
            call.asked = true;
            said.add(UiChunk.approvalRequest(approvalId, id));
        }
    }

    /** The result of a call, which may be one of an earlier answer. */
    private void result(@Nullable String id, @Nullable JsonNode content) {
        if (id == null) {
            skipped++;
            return;
        }
        endGrowing();
        complete(id);
        Call call = calls.get(id);
        if (call != null) {
            call.answered = true;
        }
        said.add(UiChunk.toolOutput(id, json(content)));
    }

    /** Results are often JSON in a text. */
    private static @Nullable JsonNode json(@Nullable JsonNode content) {
        if (content == null || !content.isString()) {
            return content;
        }
        try {
            return JsonMapper.shared().readTree(content.stringValue());
        } catch (JacksonException e) {
            return content;
        }
    }

    private void finish(String why) {
        endGrowing();
        reason = why;
        // The agent may call its own tools and go on.
        over = !why.equals(TOOL_CALLS);
    }

    private void fail(JsonNode chunk) {
        JsonNode error = chunk.path("error");
        String message =
                error.isString() ? error.stringValue() : error.path("message").asString("");
        failure = message.isEmpty() ? chunk.path("message").asString("The agent has failed.") : message;
        over = true;
    }
}
