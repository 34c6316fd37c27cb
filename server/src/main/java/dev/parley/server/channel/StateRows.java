package dev.parley.server.channel;

import dev.parley.conversation.Headers;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.WireForm;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SummaryEntry;
import dev.parley.server.wire.Serials;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What is in a session as rows of tables, and changes of rows in the form of the state protocol of Durable Streams. A message
 * is one row of the type {@value #CHUNK}, and its key is its serial, so the key stays whatever becomes of the message. The
 * row follows from the newest version of the message alone; how the message came to be makes no difference.
 */
public final class StateRows {
    /** The type of rows with what was said. */
    public static final String CHUNK = "chunk";

    /** The type of rows with presence members. */
    public static final String PRESENCE = "presence";

    /** The type of rows with agents. */
    public static final String AGENT = "agent";

    /** The type of rows with what people are asked, as long as it is open. */
    public static final String REQUEST = "request";

    private static final String TXID = "txid";

    /** Stands for a client that is not known, where there has to be one. */
    private static final String ANONYMOUS = "anonymous";

    private static final Set<String> ROLES = Set.of("user", "assistant", "system");

    /** The beginning of 2025: numbers of chunks are counted from here, so that JavaScript has them exactly. */
    private static final long FIRST_MILLIS = 1_735_689_600_000L;

    private static final int COUNTER_BITS = 13;

    /** As JavaScript writes times: always with milliseconds, so that their order as texts is that of the times. */
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    private StateRows() {}

    /** The change of a row that an entry is; null if it changes none. */
    public static @Nullable ObjectNode change(SessionEntry entry) {
        return switch (entry) {
            case MessageEntry message
            when message.action() == MessageEntry.Action.DELETE -> delete(CHUNK, Serials.render(message.serial()));
            case MessageEntry message -> chunk(message);
            case PresenceEntry member -> member(member);
            case ObjectEntry object -> null;
            case AnnotationEntry annotation -> null;
            case SummaryEntry summary -> null;
        };
    }

    /** The value of the row of an open request. */
    public static ObjectNode request(SessionRequest request) {
        SessionRequest.Terms terms = request.terms();
        ObjectNode value = JsonMapper.shared().createObjectNode();
        value.put("requestId", request.id())
                .put("kind", Requesting.wireName(terms.kind()))
                .put("status", Requesting.wireName(request.status()))
                .put("title", terms.title());
        put(value, "by", terms.by());
        put(value, "runId", terms.runId());
        put(value, "messageId", terms.messageId());
        put(value, "toolCallId", terms.toolCallId());
        if (terms.arguments() != null) {
            if (Requesting.isJson(terms.arguments())) {
                value.set("arguments", JsonMapper.shared().readTree(terms.arguments()));
            } else {
                value.put("arguments", terms.arguments());
            }
        }
        if (!terms.clientIds().isEmpty()) {
            terms.clientIds().forEach(value.putArray("clientIds")::add);
        }
        value.put("quorum", terms.quorum());
        if (terms.due() != 0) {
            value.put("due", terms.due()).put("whenDue", Requesting.wireName(terms.whenDue()));
        }
        value.put("serial", Serials.render(request.since())).put("createdAt", time(Positions.millis(request.since())));
        var decisions = value.putArray("decisions");
        for (SessionRequest.Decision decision : request.decisions()) {
            ObjectNode decided = decisions.addObject().put("decision", Requesting.wireName(decision.verdict()));
            put(decided, "by", decision.clientId());
            decided.put("at", decision.time());
        }
        return value;
    }

    /** A row is there, or has changed. */
    public static ObjectNode upsert(String type, String key, ObjectNode value) {
        ObjectNode change = JsonMapper.shared().createObjectNode();
        change.put("type", type).put("key", key);
        change.set("value", value);
        change.putObject("headers").put("operation", "upsert");
        return change;
    }

    /** A row is gone. */
    public static ObjectNode delete(String type, String key) {
        ObjectNode change = JsonMapper.shared().createObjectNode();
        change.put("type", type).put("key", key);
        change.putObject("headers").put("operation", "delete");
        return change;
    }

    private static ObjectNode member(PresenceEntry member) {
        String key = member.clientId() + ":" + deviceId(member);
        if (member.action() == PresenceEntry.Action.LEAVE) {
            return delete(PRESENCE, key);
        }
        ObjectNode value = JsonMapper.shared().createObjectNode();
        JsonNode data = SessionMessages.data(member.body());
        boolean agent = data != null && data.path("actorType").asString("").equals(AGENT);
        value.put("actorId", member.clientId())
                .put("deviceId", deviceId(member))
                .put("actorType", agent ? AGENT : "user")
                .put("status", status(member, data))
                .put("lastSeenAt", time(Positions.millis(member.position())));
        if (data != null) {
            if (data.path("name").isString()) {
                value.set("name", data.get("name"));
            }
            value.set("data", data);
        }
        ObjectNode change = upsert(PRESENCE, key, value);
        if (data != null && Devices.is(member.connectionId()) && data.path(TXID).isString()) {
            change.withObject("headers").set(TXID, data.get(TXID));
        }
        return change;
    }

    /** The device of a member, or its connection. */
    private static String deviceId(PresenceEntry member) {
        String device = Devices.deviceId(member.connectionId());
        return device == null ? member.connectionId() : device;
    }

    private static String status(PresenceEntry member, @Nullable JsonNode data) {
        return data != null
                        && Devices.is(member.connectionId())
                        && data.path("status").asString("").equals("away")
                ? "away"
                : "online";
    }

    private static ObjectNode chunk(MessageEntry entry) {
        SessionMessage message = SessionMessages.of(entry);
        Headers headers = message.headers();
        String serial = Serials.render(entry.serial());
        ObjectNode value = JsonMapper.shared().createObjectNode();
        value.put("messageId", messageId(entry, message))
                .put("actorId", entry.clientId() == null ? ANONYMOUS : entry.clientId())
                .put("role", role(message))
                .put("chunk", chunk(message, messageId(entry, message)).toString())
                .put("seq", seq(entry.serial()))
                .put("createdAt", time(message.timestamp()))
                .put("serial", serial);
        put(value, "name", message.name());
        put(value, "runId", headers.get(WireForm.RUN_ID));
        put(value, "codecMessageId", headers.get(WireForm.MESSAGE_ID));
        put(value, "parent", headers.get(WireForm.PARENT));
        put(value, "forkOf", headers.get(WireForm.FORK_OF));
        put(value, "regenerates", headers.get(WireForm.REGENERATES));
        put(value, "supersedes", headers.get(WireForm.SUPERSEDES));
        put(value, "status", headers.get(WireForm.STATUS));
        if (WireForm.TRUE.equals(headers.get(WireForm.CLAIMED))) {
            value.put("claimed", true);
        }
        ObjectNode change = upsert(CHUNK, serial, value);
        String txid = headers.get(WireForm.TXID);
        if (txid != null) {
            change.withObject("headers").put(TXID, txid);
        }
        return change;
    }

    /**
     * Which message of the conversation a message of the session belongs to: a person's is one of its own, and all that is said
     * in a run is one.
     */
    public static String messageId(MessageEntry entry, SessionMessage message) {
        Headers headers = message.headers();
        String known = isSaidByAPerson(message) ? null : headers.get(WireForm.RUN_ID);
        if (known == null && WireForm.CANCEL.equals(message.name())) {
            known = headers.get(WireForm.INPUT_MESSAGE_ID);
        } else if (known == null && headers.kind().equals(WireForm.REGENERATE)) {
            // Beside what is to be answered anew, as it says nothing itself.
            known = headers.get(WireForm.PARENT);
        }
        if (known == null) {
            known = headers.get(WireForm.MESSAGE_ID);
        }
        if (known == null) {
            known = entry.id();
        }
        return known == null ? Serials.render(entry.serial()) : known;
    }

    private static boolean isSaidByAPerson(SessionMessage message) {
        return WireForm.INPUT.equals(message.name()) && message.headers().kind().equals(WireForm.USER_MESSAGE);
    }

    private static String role(SessionMessage message) {
        String shown = message.headers().get(WireForm.SHOWN_ROLE);
        String said = shown == null ? message.headers().get(WireForm.ROLE) : shown;
        if (said != null && ROLES.contains(said)) {
            return said;
        }
        String name = message.name();
        boolean byAgent = name != null
                && name.startsWith(WireForm.PREFIX)
                && !name.equals(WireForm.INPUT)
                && !name.equals(WireForm.CANCEL);
        return byAgent ? "assistant" : "user";
    }

    /**
     * The place of a chunk in its message: a number that grows with the serial. Of chunks that are made in one millisecond, the
     * first 8,192 have different numbers.
     */
    private static long seq(long serial) {
        int most = (1 << COUNTER_BITS) - 1;
        return Math.max(0, Positions.millis(serial) - FIRST_MILLIS) << COUNTER_BITS
                | Math.min(most, Positions.counter(serial));
    }

    private static String time(long millis) {
        return TIME.format(Instant.ofEpochMilli(millis));
    }

    private static void put(ObjectNode json, String field, @Nullable String value) {
        if (value != null) {
            json.put(field, value);
        }
    }

    /** What a message says, as those who read this protocol understand it. */
    private static ObjectNode chunk(SessionMessage message, String messageId) {
        Headers headers = message.headers();
        return switch (message.name()) {
            case WireForm.OUTPUT -> output(message);
            case WireForm.INPUT -> isSaidByAPerson(message) ? said(message, messageId) : input(message);
            case WireForm.RUN_START -> of("run-start");
            case WireForm.RUN_RESUME -> of("run-resume");
            case WireForm.RUN_SUSPEND -> of("done").put("finishReason", "tool_calls");
            case WireForm.RUN_END -> end(headers);
            case WireForm.STEP_START -> of("step-start");
            case WireForm.STEP_END -> of("step-end");
            case WireForm.CANCEL -> of("cancel");
            case null, default -> said(message, messageId);
        };
    }

    private static ObjectNode of(String type) {
        return JsonMapper.shared().createObjectNode().put("type", type);
    }

    private static ObjectNode end(Headers headers) {
        return switch (headers.get(WireForm.RUN_REASON)) {
            case WireForm.CANCELLED -> of("stop").put("reason", "aborted");
            case WireForm.ERROR ->
                of("error").put("error", headers.find(WireForm.ERROR_MESSAGE).orElse("The run has failed."));
            case null, default -> of("done").put("finishReason", "stop");
        };
    }

    /** A whole message of a person, or one that belongs to no conversation. */
    private static ObjectNode said(SessionMessage message, String messageId) {
        ObjectNode chunk = of(WireForm.USER_MESSAGE);
        ObjectNode whole = chunk.putObject("message").put("id", messageId).put("role", role(message));
        ObjectNode part = whole.putArray("parts").addObject();
        Map<String, String> codec = message.headers().codec();
        String type = codec.getOrDefault(WireForm.PART_TYPE, "text");
        if (type.equals("file")) {
            part.put("type", "file")
                    .put("mediaType", codec.getOrDefault("mediaType", ""))
                    .put("url", text(message));
            put(part, "filename", codec.get("filename"));
        } else if (type.equals("text")
                && message.data() != null
                && message.data().isString()) {
            part.put("type", "text").put("content", text(message));
        } else {
            part.put("type", type.equals("text") ? "data" : type);
            put(part, "id", codec.get("id"));
            part.set("data", message.data());
        }
        whole.put("createdAt", time(message.timestamp()));
        return chunk;
    }

    /** An answer to what an agent waits for, or another request of a person. */
    private static ObjectNode input(SessionMessage message) {
        Headers headers = message.headers();
        String toolCallId = headers.codec().getOrDefault("toolCallId", "");
        return switch (headers.kind()) {
            case WireForm.TOOL_RESULT -> result(toolCallId, field(message, "output"), null);
            case WireForm.TOOL_RESULT_ERROR -> result(toolCallId, null, string(field(message, "message")));
            case WireForm.TOOL_APPROVAL_RESPONSE -> {
                ObjectNode chunk = of("approval-response")
                        .put("toolCallId", toolCallId)
                        .put("approved", WireForm.TRUE.equals(headers.codec("approved")));
                put(chunk, "reason", headers.codec("reason"));
                yield chunk;
            }
            default -> as(headers.kind().isEmpty() ? "input" : headers.kind(), message);
        };
    }

    private static ObjectNode output(SessionMessage message) {
        Headers headers = message.headers();
        String toolCallId = headers.codec()
                .getOrDefault("toolCallId", headers.find(WireForm.STREAM_ID).orElse(""));
        return switch (headers.kind()) {
            case "text" -> text("content", message).put("role", "assistant");
            case "reasoning" -> text("thinking", message);
            case "tool-input" -> {
                ObjectNode chunk = of("tool_call").put("index", 0);
                chunk.putObject("toolCall")
                        .put("id", toolCallId)
                        .put("type", "function")
                        .putObject("function")
                        .put("name", headers.codec().getOrDefault("toolName", ""))
                        .put("arguments", string(message.data()));
                yield chunk;
            }
            case "tool-output-available" -> result(toolCallId, field(message, "output"), null);
            case "tool-output-error" -> result(toolCallId, null, string(field(message, "errorText")));
            case "tool-approval-request" -> {
                ObjectNode chunk = of("approval-requested").put("toolCallId", toolCallId);
                chunk.putObject("approval")
                        .put("id", headers.codec().getOrDefault("approvalId", ""))
                        .put("needsApproval", true);
                yield chunk;
            }
            case "error" -> of("error").put("error", text(message));
            default -> as(headers.kind().isEmpty() ? "output" : headers.kind(), message);
        };
    }

    private static ObjectNode text(String type, SessionMessage message) {
        return of(type).put("delta", text(message)).put("content", text(message));
    }

    private static ObjectNode result(String toolCallId, @Nullable JsonNode output, @Nullable String error) {
        ObjectNode chunk = of("tool_result").put("toolCallId", toolCallId);
        if (error == null) {
            chunk.put("content", string(output)).put("state", "complete");
            chunk.set("output", output);
        } else {
            chunk.put("content", error).put("state", "error").put("error", error);
        }
        return chunk;
    }

    /** Whatever has no form of its own here: under the name that it has in a session, with all that is said about it. */
    private static ObjectNode as(String kind, SessionMessage message) {
        ObjectNode chunk = JsonMapper.shared().createObjectNode();
        message.headers().codec().forEach(chunk::put);
        chunk.remove(WireForm.KIND);
        chunk.put("type", kind);
        chunk.set("data", message.data());
        return chunk;
    }

    private static String text(SessionMessage message) {
        JsonNode data = message.data();
        return data == null ? "" : data.asString("");
    }

    /** A text as it is, and everything else as JSON. */
    private static String string(@Nullable JsonNode json) {
        return json == null ? "" : json.isString() ? json.stringValue() : json.toString();
    }

    private static @Nullable JsonNode field(SessionMessage message, String name) {
        JsonNode data = message.data();
        return data == null ? null : data.get(name);
    }
}
