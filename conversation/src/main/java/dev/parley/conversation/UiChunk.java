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

    /**
     * {@return a chunk of a type that says nothing more}
     *
     * @param type the type
     */
    public static UiChunk of(String type) {
        return new UiChunk(JsonMapper.shared().createObjectNode().put(TYPE, type));
    }

    /**
     * Begins a text.
     *
     * @param id the id of the text in its message
     * @return the chunk
     */
    public static UiChunk textStart(String id) {
        return of("text-start").with("id", id);
    }

    /**
     * Goes on with a text.
     *
     * @param id the id of the text in its message
     * @param delta what is added
     * @return the chunk
     */
    public static UiChunk textDelta(String id, String delta) {
        return of("text-delta").with("id", id).with("delta", delta);
    }

    /**
     * Ends a text.
     *
     * @param id the id of the text in its message
     * @return the chunk
     */
    public static UiChunk textEnd(String id) {
        return of("text-end").with("id", id);
    }

    /**
     * {@return a call of a tool whose input is there}
     *
     * @param toolCallId the call's id
     * @param toolName the tool's name
     * @param input the input; null if there is none
     */
    public static UiChunk toolInput(String toolCallId, String toolName, @Nullable JsonNode input) {
        return of("tool-input-available")
                .with("toolCallId", toolCallId)
                .with("toolName", toolName)
                .with("input", input);
    }

    /**
     * {@return the result of a tool call}
     *
     * @param toolCallId the call's id
     * @param output the result; null if there is none
     */
    public static UiChunk toolOutput(String toolCallId, @Nullable JsonNode output) {
        return of("tool-output-available").with("toolCallId", toolCallId).with("output", output);
    }

    /**
     * {@return a question whether a tool call may be executed}
     *
     * @param approvalId the request's id
     * @param toolCallId the call's id
     */
    public static UiChunk approvalRequest(String approvalId, String toolCallId) {
        return of(WireForm.TOOL_APPROVAL_REQUEST).with("approvalId", approvalId).with("toolCallId", toolCallId);
    }

    /**
     * {@return the chunk with one more field, or the same if there is no value}
     *
     * @param field the field's name
     * @param value its value; null if there is none
     */
    public UiChunk with(String field, @Nullable JsonNode value) {
        if (value == null) {
            return this;
        }
        ObjectNode more = JsonMapper.shared().createObjectNode();
        more.setAll(json);
        more.set(field, value);
        return new UiChunk(more);
    }

    /**
     * {@return the chunk with one more field, or the same if there is no value}
     *
     * @param field the field's name
     * @param value its value; null if there is none
     */
    public UiChunk with(String field, @Nullable String value) {
        return value == null ? this : with(field, JsonNodeFactory.instance.stringNode(value));
    }

    /**
     * {@return the chunk with one more field, or the same if there is no value}
     *
     * @param field the field's name
     * @param value its value; null if there is none
     */
    public UiChunk with(String field, @Nullable Boolean value) {
        return value == null ? this : with(field, JsonNodeFactory.instance.booleanNode(value));
    }

    /** {@return the chunk's type} */
    public String type() {
        return json.path(TYPE).stringValue();
    }

    /**
     * {@return a field that is text, null if there is none}
     *
     * @param field the field's name
     */
    public @Nullable String text(String field) {
        JsonNode value = json.path(field);
        return value.isString() ? value.stringValue() : null;
    }

    /**
     * {@return a field, null if there is none}
     *
     * @param field the field's name
     */
    public @Nullable JsonNode get(String field) {
        return json.has(field) ? json.get(field) : null;
    }
}
