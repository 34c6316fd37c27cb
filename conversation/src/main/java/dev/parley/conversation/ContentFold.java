package dev.parley.conversation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Folds the session messages of one node, which come in the order of their serials, into messages of the conversation. For
 * one thread and one use: the messages of a node that has changed are folded anew.
 */
final class ContentFold {
    private static final String TOOL_CALL_ID = "toolCallId";
    private static final String OUTPUT = "output";
    private static final String PROVIDER_METADATA = "providerMetadata";
    private static final String MESSAGE_METADATA = "messageMetadata";
    private static final String MEDIA_TYPE = "mediaType";
    private static final String FILENAME = "filename";

    /** What is being put together. */
    private static final class Draft {
        final String id;
        String uiId;
        Role role;
        final List<Part> parts = new ArrayList<>();
        final Map<String, Integer> tools = new HashMap<>();
        final Map<List<String>, Integer> data = new HashMap<>();

        /** The number of messages before this one. */
        final int place;

        @Nullable
        JsonNode metadata;

        final @Nullable String clientId;
        final String serial;

        Draft(String id, int place, Role role, @Nullable String clientId, String serial) {
            this.id = id;
            this.place = place;
            this.uiId = id;
            this.role = role;
            this.clientId = clientId;
            this.serial = serial;
        }

        /** Adds a part. */
        void add(Part part) {
            if (part instanceof ToolCall call) {
                tools.put(call.toolCallId(), parts.size());
            } else if (part instanceof Part.Data data && data.id() != null) {
                this.data.putIfAbsent(List.of(data.name(), data.id()), parts.size());
            }
            parts.add(part);
        }

        /** Adds data, in the place of that of the same name and id if there is some. */
        void addOrReplace(Part.Data part) {
            Integer at = part.id() == null ? null : data.get(List.of(part.name(), part.id()));
            if (at == null) {
                add(part);
            } else {
                parts.set(at, part);
            }
        }

        @Nullable
        ToolCall tool(String toolCallId) {
            Integer at = tools.get(toolCallId);
            return at == null ? null : (ToolCall) parts.get(at);
        }

        void replaceTool(ToolCall call) {
            Integer at = tools.get(call.toolCallId());
            if (at != null) {
                parts.set(at, call);
            }
        }
    }

    /** What is to happen to a call. */
    private interface Change {
        ToolCall apply(ToolCall call);
    }

    /** Where a call is. */
    private record Place(String messageId, String toolCallId) {}

    private final Map<String, Draft> drafts = new LinkedHashMap<>();

    /** The first message with a call, by the call's id. */
    private final Map<String, Draft> callers = new HashMap<>();

    /** Answers to calls that are not there yet. */
    private final Map<Place, List<Change>> pending = new HashMap<>();

    /** Whether the agent has said by itself that a round with the model has begun, or it was added. */
    private boolean inRound;

    /** Takes a message of the node. */
    void add(LoggedMessage message) {
        String id = message.headers().get(WireForm.MESSAGE_ID);
        if (WireForm.INPUT.equals(message.name())) {
            addInput(message, id);
        } else if (id != null) {
            addOutput(message, id);
        }
    }

    /** The messages of all that was added. */
    List<Message> messages() {
        return drafts.values().stream()
                .map(draft -> new Message(
                        draft.id, draft.uiId, draft.role, draft.parts, draft.metadata, draft.clientId, draft.serial))
                .toList();
    }

    private void addInput(LoggedMessage message, @Nullable String id) {
        Headers headers = message.headers();
        JsonNode data = message.data();
        switch (headers.kind()) {
            case WireForm.USER_MESSAGE -> addUserPart(message, id);
            case WireForm.TOOL_RESULT -> {
                JsonNode output = field(data, OUTPUT);
                addAnswer(message, id, call -> call.withOutput(output, null));
            }
            case WireForm.TOOL_RESULT_ERROR -> {
                JsonNode text = field(data, "message");
                addAnswer(message, id, call -> call.withError(text == null ? "" : text.asString("")));
            }
            case WireForm.TOOL_APPROVAL_RESPONSE -> {
                boolean approved = WireForm.TRUE.equals(headers.codec("approved"));
                String edited = approved ? headers.codec(WireForm.APPROVED_ARGUMENTS) : null;
                JsonNode arguments = json(edited);
                // What was approved cannot be called if nobody can read it, and nothing else was approved.
                boolean callable = approved && (edited == null || arguments != null);
                addAnswer(message, id, call -> call.withDecision(callable, headers.codec("reason"), arguments));
            }
            default -> {}
        }
    }

    private void addUserPart(LoggedMessage message, @Nullable String id) {
        Headers headers = message.headers();
        String uiId = headers.codec().getOrDefault("messageId", "");
        String draftId = id == null ? uiId : id;
        String type = headers.codec(WireForm.PART_TYPE);
        Part part = type == null ? null : userPart(type, message);
        if (part == null) {
            return;
        }
        Draft draft = drafts.computeIfAbsent(draftId, key -> {
            Draft fresh = new Draft(
                    key, drafts.size(), Role.of(headers.get(WireForm.ROLE)), message.clientId(), message.serial());
            fresh.uiId = uiId;
            return fresh;
        });
        if (!message.deleted()) {
            draft.add(part);
        }
    }

    private static @Nullable Part userPart(String type, LoggedMessage message) {
        Headers headers = message.headers();
        if (type.equals(WireForm.TEXT)) {
            return new Part.Text(message.text());
        }
        if (type.equals("file")) {
            return file(message);
        }
        return type.startsWith(WireForm.DATA_PREFIX)
                ? new Part.Data(type.substring(WireForm.DATA_PREFIX.length()), headers.codec("id"), message.data())
                : null;
    }

    private static Part.File file(LoggedMessage message) {
        Headers headers = message.headers();
        String mediaType = headers.codec().getOrDefault(MEDIA_TYPE, "");
        JsonNode data = message.data();
        // A client that is not ours may have published the bytes themselves.
        String url =
                data != null && data.isBinary() ? Part.File.dataUrl(mediaType, data.binaryValue()) : message.text();
        return new Part.File(mediaType, url, headers.codec(FILENAME), json(headers.codec(PROVIDER_METADATA)));
    }

    private void addAnswer(LoggedMessage message, @Nullable String id, Change change) {
        String toolCallId = message.headers().codec().getOrDefault(TOOL_CALL_ID, "");
        String target = id == null ? "" : id;
        JsonNode seed = field(message.data(), "forkSeed");
        if (seed != null) {
            addSeed(seed, target, message);
        }
        if (!message.deleted()) {
            Draft draft = drafts.get(target);
            if (draft != null && draft.tool(toolCallId) != null) {
                change(draft, toolCallId, change);
            } else {
                pending.computeIfAbsent(new Place(target, toolCallId), key -> new ArrayList<>())
                        .add(change);
            }
        }
    }

    /** The messages that the client has copied from the run that its answer replaces. */
    private void addSeed(JsonNode seed, String target, LoggedMessage message) {
        if (drafts.containsKey(target)) {
            return;
        }
        for (JsonNode entry : seed.path("messages").values()) {
            JsonNode id = entry.path("codecMessageId");
            JsonNode copied = entry.path("message");
            if (!id.isString() || !UiMessages.isMessage(copied) || drafts.containsKey(id.stringValue())) {
                continue;
            }
            Message read = UiMessages.read(copied);
            Draft draft = new Draft(id.stringValue(), drafts.size(), read.role(), null, message.serial());
            draft.uiId = read.uiId();
            draft.metadata = read.metadata();
            drafts.put(draft.id, draft);
            for (Part part : read.parts()) {
                if (part instanceof ToolCall call) {
                    addCall(draft, call);
                } else {
                    draft.add(part);
                }
            }
        }
    }

    /** Adds a call, with the answers to it that have come before. */
    private void addCall(Draft draft, ToolCall call) {
        draft.add(call);
        callers.merge(call.toolCallId(), draft, (one, other) -> one.place <= other.place ? one : other);
        List<Change> answers = pending.remove(new Place(draft.id, call.toolCallId()));
        if (answers != null) {
            answers.forEach(answer -> change(draft, call.toolCallId(), answer));
        }
    }

    private void addOutput(LoggedMessage message, String id) {
        Headers headers = message.headers();
        String kind = headers.kind();
        String toolCallId = headers.codec().getOrDefault(TOOL_CALL_ID, "");
        switch (kind) {
            case "finish-step" -> inRound = false;
            case "error", "abort" -> inRound = false;
            case "finish" -> {
                inRound = false;
                setMetadata(id, headers);
            }
            case "message-metadata" -> setMetadata(id, headers);
            case "start" -> {
                Draft draft = draft(id, message);
                String uiId = headers.codec("messageId");
                draft.uiId = uiId == null ? draft.uiId : uiId;
                setMetadata(id, headers);
            }
            case "start-step" -> {
                inRound = true;
                draft(id, message).add(new Part.StepStart());
            }
            case WireForm.TEXT, WireForm.REASONING -> {
                if (headers.streams()) {
                    Draft draft = inRound(id, message);
                    if (!message.deleted()) {
                        draft.add(said(kind, message));
                    }
                }
            }
            case WireForm.TOOL_INPUT -> addToolInput(inRound(id, message), message, toolCallId);
            case "tool-input-error" -> addToolInputError(draft(id, message), message, toolCallId);
            case "tool-output-available" -> {
                JsonNode output = field(message.data(), OUTPUT);
                Boolean preliminary = bool(headers.codec("preliminary"));
                changeAnywhere(toolCallId, call -> call.withOutput(output, preliminary));
            }
            case "tool-output-error" -> {
                JsonNode text = field(message.data(), "errorText");
                changeAnywhere(toolCallId, call -> call.withError(text == null ? "" : text.asString("")));
            }
            case WireForm.TOOL_APPROVAL_REQUEST -> {
                String approvalId = headers.codec().getOrDefault("approvalId", "");
                change(draft(id, message), toolCallId, call -> call.withApprovalRequest(approvalId));
            }
            case "tool-output-denied" -> change(draft(id, message), toolCallId, ToolCall::withDenial);
            case "file" -> addUnlessDeleted(id, message, file(message));
            case "source-url" ->
                addUnlessDeleted(
                        id,
                        message,
                        new Part.UrlSource(
                                headers.codec().getOrDefault("sourceId", ""),
                                message.text(),
                                headers.codec("title"),
                                json(headers.codec(PROVIDER_METADATA))));
            case "source-document" ->
                addUnlessDeleted(
                        id,
                        message,
                        new Part.DocumentSource(
                                headers.codec().getOrDefault("sourceId", ""),
                                headers.codec().getOrDefault(MEDIA_TYPE, ""),
                                headers.codec().getOrDefault("title", ""),
                                headers.codec(FILENAME),
                                json(headers.codec(PROVIDER_METADATA))));
            default -> {
                if (kind.startsWith(WireForm.DATA_PREFIX)) {
                    addData(id, message, kind.substring(WireForm.DATA_PREFIX.length()));
                }
            }
        }
    }

    private static Part said(String kind, LoggedMessage message) {
        JsonNode metadata = json(message.headers().codec(PROVIDER_METADATA));
        return kind.equals(WireForm.TEXT)
                ? new Part.Text(message.text(), message.progress(), metadata)
                : new Part.Reasoning(message.text(), message.progress(), metadata);
    }

    private void addToolInput(Draft draft, LoggedMessage message, String toolCallId) {
        ToolCall call = call(message, toolCallId);
        if (message.deleted()) {
            addCall(draft, call);
        } else if (!message.headers().streams()) {
            addCall(draft, call.withInput(message.data()));
        } else if (message.progress() == Part.Progress.DONE) {
            addCall(draft, call.withInput(jsonOrText(message.text())));
        } else {
            addCall(draft, call.withPartialInput(json(message.text())));
        }
    }

    private void addToolInputError(Draft draft, LoggedMessage message, String toolCallId) {
        JsonNode text = field(message.data(), "errorText");
        String why = text == null ? "" : text.asString("");
        ToolCall known = draft.tool(toolCallId);
        ToolCall call = known == null ? call(message, toolCallId) : known;
        ToolCall failed = call.withInput(field(message.data(), "input")).withError(why);
        if (known == null) {
            addCall(draft, failed);
        } else {
            draft.replaceTool(failed);
        }
    }

    private static ToolCall call(LoggedMessage message, String toolCallId) {
        Headers headers = message.headers();
        return new ToolCall(
                toolCallId,
                headers.codec().getOrDefault("toolName", ""),
                WireForm.TRUE.equals(headers.codec("dynamic")),
                headers.codec("title"),
                bool(headers.codec("providerExecuted")),
                ToolCall.State.INPUT_STREAMING,
                null,
                null,
                null,
                null,
                null,
                json(headers.codec(PROVIDER_METADATA)));
    }

    private void addData(String id, LoggedMessage message, String name) {
        Headers headers = message.headers();
        if (WireForm.TRUE.equals(headers.codec("transient"))) {
            return;
        }
        Draft draft = draft(id, message);
        if (message.deleted()) {
            return;
        }
        draft.addOrReplace(new Part.Data(name, headers.codec("id"), message.data()));
    }

    private void addUnlessDeleted(String id, LoggedMessage message, Part part) {
        Draft draft = draft(id, message);
        if (!message.deleted()) {
            draft.add(part);
        }
    }

    private void setMetadata(String id, Headers headers) {
        JsonNode metadata = json(headers.codec(MESSAGE_METADATA));
        Draft draft = drafts.get(id);
        if (metadata != null && draft != null) {
            draft.metadata = metadata;
        }
    }

    private Draft draft(String id, LoggedMessage message) {
        return drafts.computeIfAbsent(
                id, key -> new Draft(key, drafts.size(), Role.ASSISTANT, message.clientId(), message.serial()));
    }

    /** The message, with a round begun if the agent has not said that one begins. */
    private Draft inRound(String id, LoggedMessage message) {
        Draft draft = draft(id, message);
        if (!inRound) {
            inRound = true;
            draft.add(new Part.StepStart());
        }
        return draft;
    }

    private void changeAnywhere(String toolCallId, Change change) {
        Draft draft = callers.get(toolCallId);
        if (draft != null) {
            change(draft, toolCallId, change);
        }
    }

    private static void change(Draft draft, String toolCallId, Change change) {
        ToolCall call = draft.tool(toolCallId);
        if (call != null) {
            draft.replaceTool(change.apply(call));
        }
    }

    private static @Nullable JsonNode field(@Nullable JsonNode data, String name) {
        return data == null || !data.has(name) ? null : data.get(name);
    }

    private static @Nullable Boolean bool(@Nullable String header) {
        return header == null ? null : WireForm.TRUE.equals(header);
    }

    /** The value of a text that may be no JSON, or not yet: then null. */
    static @Nullable JsonNode json(@Nullable String text) {
        if (text == null || text.isEmpty()) {
            return null;
        }
        try {
            JsonNode read = JsonMapper.shared().readTree(text);
            return read.isMissingNode() ? null : read;
        } catch (JacksonException e) {
            return null;
        }
    }

    /** The value of a text: the text itself if it is no JSON. */
    static @Nullable JsonNode jsonOrText(String text) {
        if (text.isEmpty()) {
            return null;
        }
        JsonNode read = json(text);
        return read == null ? JsonNodeFactory.instance.stringNode(text) : read;
    }
}
