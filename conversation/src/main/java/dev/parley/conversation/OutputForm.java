package dev.parley.conversation;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * How the chunks of a kind are written into messages of the session: which fields become codec headers, and what is the data.
 *
 * @param headers the fields that become headers
 * @param whole the field that is all of the data, null if there is none
 * @param members the fields that are members of the data, if that is an object
 */
record OutputForm(List<String> headers, @Nullable String whole, List<String> members) {
    private static final Set<String> BOOLEANS = Set.of("dynamic", "providerExecuted", "preliminary", "transient");
    private static final Set<String> JSON = Set.of("providerMetadata", "messageMetadata");

    /** Fields that a chunk always has, if need be empty. */
    private static final Set<String> REQUIRED = Set.of("toolCallId", "toolName", "mediaType", "sourceId", "approvalId");

    private static final OutputForm SAID = new OutputForm(List.of("id", "providerMetadata"), null, List.of());
    private static final OutputForm TOOL_INPUT = new OutputForm(
            List.of("toolCallId", "toolName", "dynamic", "title", "providerExecuted", "providerMetadata"),
            null,
            List.of());
    private static final OutputForm NOTHING = new OutputForm(List.of(), null, List.of());
    private static final OutputForm DATA = new OutputForm(List.of("id", "transient"), "data", List.of());

    private static final Map<String, OutputForm> FORMS = Map.ofEntries(
            Map.entry(WireForm.TEXT, SAID),
            Map.entry(WireForm.REASONING, SAID),
            Map.entry(WireForm.TOOL_INPUT, TOOL_INPUT),
            Map.entry("start", new OutputForm(List.of("messageId", "messageMetadata"), null, List.of())),
            Map.entry("start-step", NOTHING),
            Map.entry("finish-step", NOTHING),
            Map.entry("finish", new OutputForm(List.of("finishReason", "messageMetadata"), null, List.of())),
            Map.entry("message-metadata", new OutputForm(List.of("messageMetadata"), null, List.of())),
            Map.entry("error", new OutputForm(List.of(), "errorText", List.of())),
            Map.entry("abort", new OutputForm(List.of(), "reason", List.of())),
            Map.entry("file", new OutputForm(List.of("mediaType", "filename", "providerMetadata"), "url", List.of())),
            Map.entry("source-url", new OutputForm(List.of("sourceId", "title", "providerMetadata"), "url", List.of())),
            Map.entry(
                    "source-document",
                    new OutputForm(
                            List.of("sourceId", "mediaType", "title", "filename", "providerMetadata"),
                            null,
                            List.of())),
            Map.entry("tool-input-error", new OutputForm(TOOL_INPUT.headers(), null, List.of("errorText", "input"))),
            Map.entry(
                    "tool-output-available",
                    new OutputForm(
                            List.of("toolCallId", "dynamic", "providerExecuted", "preliminary"),
                            null,
                            List.of("output"))),
            Map.entry(
                    "tool-output-error",
                    new OutputForm(List.of("toolCallId", "dynamic", "providerExecuted"), null, List.of("errorText"))),
            Map.entry(
                    WireForm.TOOL_APPROVAL_REQUEST,
                    new OutputForm(List.of("toolCallId", "approvalId"), null, List.of())),
            Map.entry("tool-output-denied", new OutputForm(List.of("toolCallId"), null, List.of())));

    /** The form of a kind, null if there is none. */
    static @Nullable OutputForm of(String kind) {
        return kind.startsWith(WireForm.DATA_PREFIX) ? DATA : FORMS.get(kind);
    }

    /** The codec headers of a chunk. */
    Map<String, String> write(String kind, UiChunk chunk) {
        Map<String, String> codec = new LinkedHashMap<>();
        codec.put(WireForm.KIND, kind);
        for (String field : headers) {
            JsonNode value = chunk.get(field);
            if (value == null || value.isNull()) {
                continue;
            }
            if (JSON.contains(field)) {
                codec.put(field, value.toString());
            } else if (BOOLEANS.contains(field) ? value.isBoolean() : value.isString()) {
                codec.put(field, value.asString());
            }
        }
        return codec;
    }

    /** The data of a chunk that is a message of its own. */
    @Nullable
    JsonNode data(UiChunk chunk) {
        if (whole != null) {
            JsonNode value = chunk.get(whole);
            return value == null && !equals(DATA) ? JsonNodeFactory.instance.stringNode("") : value;
        }
        if (members.isEmpty()) {
            return JsonNodeFactory.instance.stringNode("");
        }
        ObjectNode data = JsonMapper.shared().createObjectNode();
        for (String member : members) {
            JsonNode value = chunk.get(member);
            if (value != null) {
                data.set(member, value);
            }
        }
        return data;
    }

    /** A chunk of a type with the fields that are in the headers. */
    UiChunk read(String type, Headers from) {
        UiChunk chunk = UiChunk.of(type);
        for (String field : headers) {
            String value = from.codec(field);
            if (value == null) {
                boolean required =
                        REQUIRED.contains(field) || (type.equals("source-document") && field.equals("title"));
                chunk = required ? chunk.with(field, "") : chunk;
            } else if (JSON.contains(field)) {
                chunk = chunk.with(field, ContentFold.json(value));
            } else if (BOOLEANS.contains(field)) {
                chunk = chunk.with(field, Boolean.valueOf(value));
            } else {
                chunk = chunk.with(field, value);
            }
        }
        return chunk;
    }

    /** A chunk with the fields that are in the headers and in the data. */
    UiChunk read(String type, LoggedMessage message) {
        UiChunk chunk = read(type, message.headers());
        JsonNode data = message.data();
        if (whole != null) {
            if (equals(DATA)) {
                return chunk.with(whole, data);
            }
            boolean said = !message.text().isEmpty() || !type.equals("abort");
            return said ? chunk.with(whole, message.text()) : chunk;
        }
        for (String member : members) {
            JsonNode value = data == null || !data.has(member) ? null : data.get(member);
            if (value == null && member.equals("errorText")) {
                chunk = chunk.with(member, "");
            } else {
                chunk = chunk.with(member, value);
            }
        }
        return chunk;
    }
}
