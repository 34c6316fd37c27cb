package dev.parley.conversation;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A chunk of a UI message stream of Vercel's AI SDK: what an agent says piece by piece.
 *
 * @param json the chunk as it is written; nobody changes it any more
 */
public record UiChunk(ObjectNode json) {
    private static final String TYPE = "type";

    /**
     * Checks that there is a type.
     *
     * @throws IllegalArgumentException if there is none
     */
    public UiChunk {
        if (!json.path(TYPE).isString()) {
            throw new IllegalArgumentException("a chunk has a type");
        }
    }

    /** A chunk of a type that says nothing more. */
    public static UiChunk of(String type) {
        return new UiChunk(JsonMapper.shared().createObjectNode().put(TYPE, type));
    }

    /** Begins a text. */
    public static UiChunk textStart(String id) {
        return of("text-start").with("id", id);
    }

    /** Goes on with a text. */
    public static UiChunk textDelta(String id, String delta) {
        return of("text-delta").with("id", id).with("delta", delta);
    }

    /** Ends a text. */
    public static UiChunk textEnd(String id) {
        return of("text-end").with("id", id);
    }

    /** A call of a tool whose input is there. */
    public static UiChunk toolInput(String toolCallId, String toolName, @Nullable JsonNode input) {
        return of("tool-input-available")
                .with("toolCallId", toolCallId)
                .with("toolName", toolName)
                .with("input", input);
    }

    /** The result of a tool call. */
    public static UiChunk toolOutput(String toolCallId, @Nullable JsonNode output) {
        return of("tool-output-available").with("toolCallId", toolCallId).with("output", output);
    }

    /** A question whether a tool call may be executed. */
    public static UiChunk approvalRequest(String approvalId, String toolCallId) {
        return of("tool-approval-request").with("approvalId", approvalId).with("toolCallId", toolCallId);
    }

    /** The chunk with one more field, or the same if there is no value. */
    public UiChunk with(String field, @Nullable JsonNode value) {
        if (value == null) {
            return this;
        }
        ObjectNode more = JsonMapper.shared().createObjectNode();
        more.setAll(json);
        more.set(field, value);
        return new UiChunk(more);
    }

    /** The chunk with one more field, or the same if there is no value. */
    public UiChunk with(String field, @Nullable String value) {
        return value == null ? this : with(field, JsonNodeFactory.instance.stringNode(value));
    }

    /** The chunk with one more field, or the same if there is no value. */
    public UiChunk with(String field, @Nullable Boolean value) {
        return value == null ? this : with(field, JsonNodeFactory.instance.booleanNode(value));
    }

    /** The chunk's type. */
    public String type() {
        return json.path(TYPE).stringValue();
    }

    /** A field that is text, null if there is none. */
    public @Nullable String text(String field) {
        JsonNode value = json.path(field);
        return value.isString() ? value.stringValue() : null;
    }

    /** A field, null if there is none. */
    public @Nullable JsonNode get(String field) {
        return json.has(field) ? json.get(field) : null;
    }
}
