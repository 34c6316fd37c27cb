package dev.parley.conversation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.NullNode;
import tools.jackson.databind.node.ObjectNode;

/** Messages in the JSON form of Vercel's UI messages, as {@code useChat} has them. */
public final class UiMessages {
    private static final String TYPE = "type";
    private static final String STATE = "state";
    private static final String TOOL_PREFIX = "tool-";
    private static final String DYNAMIC_TOOL = "dynamic-tool";
    private static final String METADATA = "providerMetadata";
    private static final String CALL_METADATA = "callProviderMetadata";

    /** So that all versions of a stream have as many digits, and are in order as strings. */
    private static final long FIRST_VERSION = 1L << 60;

    private UiMessages() {}

    /**
     * Writes a message. Binary data becomes text in Base64.
     *
     * @param message the message
     * @return its JSON
     */
    public static ObjectNode write(Message message) {
        ObjectNode json = JsonMapper.shared().createObjectNode();
        json.put("id", message.uiId()).put("role", message.role().wireName());
        if (message.metadata() != null) {
            json.set("metadata", message.metadata());
        }
        ArrayNode parts = json.putArray("parts");
        for (Part part : message.parts()) {
            ObjectNode written = write(part);
            if (part instanceof Part.Text && message.role() == Role.USER) {
                // Only what a model says can be on its way.
                written.remove(STATE);
            }
            parts.add(written);
        }
        return json;
    }

    /**
     * Writes a part.
     *
     * @param part the part
     * @return its JSON
     */
    public static ObjectNode write(Part part) {
        ObjectNode json = JsonMapper.shared().createObjectNode();
        if (part instanceof Part.Text text) {
            json.put(TYPE, WireForm.TEXT).put("text", text.text());
            said(json, text.progress(), text.providerMetadata());
        } else if (part instanceof Part.Reasoning reasoning) {
            json.put(TYPE, WireForm.REASONING).put("text", reasoning.text());
            said(json, reasoning.progress(), reasoning.providerMetadata());
        } else if (part instanceof ToolCall call) {
            write(call, json);
        } else if (part instanceof Part.UrlSource source) {
            json.put(TYPE, "source-url").put("sourceId", source.sourceId()).put("url", source.url());
            put(json, "title", source.title());
            set(json, METADATA, source.providerMetadata());
        } else if (part instanceof Part.DocumentSource source) {
            json.put(TYPE, "source-document")
                    .put("sourceId", source.sourceId())
                    .put("mediaType", source.mediaType())
                    .put("title", source.title());
            put(json, "filename", source.filename());
            set(json, METADATA, source.providerMetadata());
        } else if (part instanceof Part.File file) {
            json.put(TYPE, "file").put("mediaType", file.mediaType()).put("url", file.url());
            put(json, "filename", file.filename());
            set(json, METADATA, file.providerMetadata());
        } else if (part instanceof Part.Data data) {
            json.put(TYPE, WireForm.DATA_PREFIX + data.name());
            put(json, "id", data.id());
            set(json, "data", data.data());
        } else if (part instanceof Part.StepStart) {
            json.put(TYPE, "step-start");
        } else if (part instanceof Part.Other other) {
            json.setAll(other.json());
        }
        return json;
    }

    private static void said(ObjectNode json, Part.Progress progress, @Nullable JsonNode metadata) {
        // What was broken off grows no more.
        json.put(STATE, progress == Part.Progress.STREAMING ? "streaming" : "done");
        set(json, METADATA, metadata);
    }

    private static void write(ToolCall call, ObjectNode json) {
        json.put(TYPE, call.dynamic() ? DYNAMIC_TOOL : TOOL_PREFIX + call.toolName());
        if (call.dynamic()) {
            json.put("toolName", call.toolName());
        }
        json.put("toolCallId", call.toolCallId());
        put(json, "title", call.title());
        put(json, "providerExecuted", call.providerExecuted());
        json.put(STATE, call.state().wireName());
        set(json, "input", call.input());
        set(json, "output", call.output());
        put(json, "errorText", call.errorText());
        put(json, "preliminary", call.preliminary());
        set(json, CALL_METADATA, call.providerMetadata());
        ToolCall.Approval approval = call.approval();
        if (approval != null) {
            ObjectNode asked = json.putObject("approval").put("id", approval.id());
            put(asked, "approved", approval.approved());
            put(asked, "reason", approval.reason());
        }
    }

    /**
     * {@return the chunks that make the parts of a message, without those that begin and end it} What a page of this
     * SDK makes of them is the same message; of a part whose type is not known there is no chunk.
     *
     * @param message the message
     */
    public static List<UiChunk> chunks(Message message) {
        List<UiChunk> chunks = new ArrayList<>();
        for (int i = 0; i < message.parts().size(); i++) {
            Part part = message.parts().get(i);
            String id = message.id() + "-" + i;
            if (part instanceof Part.Text text) {
                chunks.addAll(said(WireForm.TEXT, id, text.text(), text.providerMetadata()));
            } else if (part instanceof Part.Reasoning reasoning) {
                chunks.addAll(said(WireForm.REASONING, id, reasoning.text(), reasoning.providerMetadata()));
            } else if (part instanceof ToolCall call) {
                chunks.addAll(chunks(call));
            } else if (part instanceof Part.StepStart) {
                chunks.add(UiChunk.of("start-step"));
            } else if (!(part instanceof Part.Other)) {
                // Sources, files and data are written as chunks as they are as parts.
                chunks.add(new UiChunk(write(part)));
            }
        }
        return chunks;
    }

    /**
     * {@return the message that a stream of chunks makes}
     *
     * @param id the message's id; its id as a UI message is that of the chunk that begins it, if there is one
     * @param chunks the chunks, in order
     * @throws IllegalArgumentException if there is a chunk that the form on the wire has no place for
     */
    public static Message of(String id, List<UiChunk> chunks) {
        RunContext run = new RunContext("", "", null, null, null, null, null, null);
        OutputWriter writer = new OutputWriter(run, null, id, List.of());
        Map<String, LoggedMessage> growing = new HashMap<>();
        List<LoggedMessage> log = new ArrayList<>();
        long version = 0;
        for (UiChunk chunk : chunks) {
            version++;
            String serial = Long.toHexString(FIRST_VERSION + version);
            OutputWriter.Write write = writer.write(chunk);
            if (write instanceof OutputWriter.Publish publish) {
                LoggedMessage message = new LoggedMessage(serial);
                OutboundMessage out = publish.message();
                message.apply(new SessionMessage(
                        SessionMessage.Action.CREATE,
                        serial,
                        serial,
                        out.name(),
                        null,
                        0,
                        out.data(),
                        out.headers(),
                        false));
                log.add(message);
                if (publish.streamId() != null) {
                    growing.put(publish.streamId(), message);
                }
            } else if (write instanceof OutputWriter.Append append) {
                LoggedMessage message = growing.get(append.streamId());
                if (message != null) {
                    message.apply(new SessionMessage(
                            SessionMessage.Action.APPEND,
                            message.serial(),
                            serial,
                            null,
                            null,
                            0,
                            JsonNodeFactory.instance.stringNode(append.text()),
                            append.headers(),
                            false));
                }
            }
        }
        ContentFold fold = new ContentFold();
        log.forEach(fold::add);
        List<Message> messages = fold.messages();
        return messages.isEmpty() ? new Message(id, id, Role.ASSISTANT, List.of(), null, null, "") : messages.get(0);
    }

    private static List<UiChunk> said(String kind, String id, String text, @Nullable JsonNode metadata) {
        return List.of(
                UiChunk.of(kind + "-start").with("id", id),
                UiChunk.of(kind + "-delta").with("id", id).with("delta", text),
                UiChunk.of(kind + "-end").with("id", id).with(METADATA, metadata));
    }

    private static List<UiChunk> chunks(ToolCall call) {
        List<UiChunk> chunks = new ArrayList<>();
        UiChunk named = UiChunk.of("tool-input-start")
                .with("toolCallId", call.toolCallId())
                .with("toolName", call.toolName())
                .with("dynamic", call.dynamic() ? Boolean.TRUE : null)
                .with("title", call.title())
                .with("providerExecuted", call.providerExecuted());
        chunks.add(named);
        if (call.state() == ToolCall.State.INPUT_STREAMING) {
            return chunks;
        }
        chunks.add(named.with(TYPE, "tool-input-available")
                .with("input", call.input() == null ? NullNode.getInstance() : call.input())
                .with(METADATA, call.providerMetadata()));
        ToolCall.Approval approval = call.approval();
        if (approval != null && approval.approved() == null) {
            chunks.add(UiChunk.approvalRequest(approval.id(), call.toolCallId()));
        }
        UiChunk id = UiChunk.of("tool-output").with("toolCallId", call.toolCallId());
        switch (call.state()) {
            case OUTPUT_AVAILABLE ->
                chunks.add(id.with(TYPE, "tool-output-available")
                        .with("output", call.output())
                        .with("preliminary", call.preliminary()));
            case OUTPUT_ERROR -> chunks.add(id.with(TYPE, "tool-output-error").with("errorText", call.errorText()));
            case OUTPUT_DENIED -> chunks.add(id.with(TYPE, "tool-output-denied"));
            case INPUT_STREAMING, INPUT_AVAILABLE, APPROVAL_REQUESTED, APPROVAL_RESPONDED -> {}
        }
        return chunks;
    }

    private static void put(ObjectNode json, String name, @Nullable String value) {
        if (value != null) {
            json.put(name, value);
        }
    }

    private static void put(ObjectNode json, String name, @Nullable Boolean value) {
        if (value != null) {
            json.put(name, value);
        }
    }

    private static void set(ObjectNode json, String name, @Nullable JsonNode value) {
        if (value != null) {
            json.set(name, value);
        }
    }

    /**
     * Reads a message. Its id is that of the UI message; it has no client and no serial.
     *
     * @param json the UI message, or the part, as JSON
     * @return the message
     * @throws IllegalArgumentException if it has no list of parts, or a part has no type
     */
    public static Message read(JsonNode json) {
        JsonNode list = json.path("parts");
        if (!list.isArray()) {
            throw new IllegalArgumentException("a UI message has an array of parts");
        }
        List<Part> parts = new ArrayList<>();
        list.values().forEach(part -> parts.add(readPart(part)));
        String id = json.path("id").asString("");
        JsonNode metadata = json.has("metadata") ? json.get("metadata") : null;
        return new Message(id, id, Role.of(json.path("role").asString("")), parts, metadata, null, "");
    }

    /**
     * Reads a part; one whose type is not known is kept as it is.
     *
     * @param json the UI message, or the part, as JSON
     * @return the part
     * @throws IllegalArgumentException if it has no type
     */
    public static Part readPart(JsonNode json) {
        if (!(json instanceof ObjectNode object) || !isPart(json)) {
            throw new IllegalArgumentException("a part of a UI message is an object with a type");
        }
        String type = json.path(TYPE).stringValue();
        JsonNode metadata = field(json, METADATA);
        return switch (type) {
            case WireForm.TEXT -> new Part.Text(json.path("text").asString(""), progress(json), metadata);
            case WireForm.REASONING -> new Part.Reasoning(json.path("text").asString(""), progress(json), metadata);
            case "source-url" ->
                new Part.UrlSource(
                        json.path("sourceId").asString(""),
                        json.path("url").asString(""),
                        text(json, "title"),
                        metadata);
            case "source-document" ->
                new Part.DocumentSource(
                        json.path("sourceId").asString(""),
                        json.path("mediaType").asString(""),
                        json.path("title").asString(""),
                        text(json, "filename"),
                        metadata);
            case "file" ->
                new Part.File(
                        json.path("mediaType").asString(""),
                        json.path("url").asString(""),
                        text(json, "filename"),
                        metadata);
            case "step-start" -> new Part.StepStart();
            default -> readNamedPart(type, object);
        };
    }

    /** Whether a message can be read. */
    static boolean isMessage(JsonNode json) {
        return json.path("parts").isArray()
                && json.path("parts").values().stream().allMatch(UiMessages::isPart);
    }

    private static boolean isPart(JsonNode json) {
        return json.isObject() && json.path(TYPE).isString();
    }

    /** A part whose type says more than what kind of part it is: the name of the data or of the tool. */
    private static Part readNamedPart(String type, ObjectNode json) {
        if (type.startsWith(WireForm.DATA_PREFIX)) {
            return new Part.Data(type.substring(WireForm.DATA_PREFIX.length()), text(json, "id"), field(json, "data"));
        }
        boolean dynamic = type.equals(DYNAMIC_TOOL);
        if ((dynamic || type.startsWith(TOOL_PREFIX)) && json.path("toolCallId").isString()) {
            String name = dynamic ? json.path("toolName").asString("") : type.substring(TOOL_PREFIX.length());
            return readCall(json, name, dynamic);
        }
        return new Part.Other(json.deepCopy());
    }

    private static ToolCall readCall(JsonNode json, String toolName, boolean dynamic) {
        JsonNode approval = json.path("approval");
        return new ToolCall(
                json.path("toolCallId").asString(""),
                toolName,
                dynamic,
                text(json, "title"),
                bool(json, "providerExecuted"),
                state(json.path(STATE).asString("")),
                field(json, "input"),
                field(json, "output"),
                text(json, "errorText"),
                bool(json, "preliminary"),
                approval.isObject()
                        ? new ToolCall.Approval(
                                approval.path("id").asString(""),
                                bool(approval, "approved"),
                                text(approval, "reason"),
                                null)
                        : null,
                field(json, CALL_METADATA));
    }

    private static ToolCall.State state(String wireName) {
        for (ToolCall.State state : ToolCall.State.values()) {
            if (state.wireName().equals(wireName)) {
                return state;
            }
        }
        return ToolCall.State.INPUT_STREAMING;
    }

    private static Part.Progress progress(JsonNode json) {
        return json.path(STATE).asString("").equals("streaming") ? Part.Progress.STREAMING : Part.Progress.DONE;
    }

    private static @Nullable JsonNode field(JsonNode json, String name) {
        return json.has(name) ? json.get(name) : null;
    }

    private static @Nullable String text(JsonNode json, String name) {
        JsonNode value = json.path(name);
        return value.isString() ? value.stringValue() : null;
    }

    private static @Nullable Boolean bool(JsonNode json, String name) {
        JsonNode value = json.path(name);
        return value.isBoolean() ? value.booleanValue() : null;
    }
}
