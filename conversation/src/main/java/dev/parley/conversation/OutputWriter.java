package dev.parley.conversation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Turns what an agent says into what is to be written to the session: one message of the conversation, in as many messages
 * of the session as it has texts, tool calls and other pieces. It says what is to be written; the caller writes it, in
 * order, and keeps the serials of what grows.
 *
 * <p>A writer belongs to one thread at a time.
 */
public final class OutputWriter {
    /** Something to be written. */
    public sealed interface Write permits Publish, Append {}

    /**
     * A message to be published.
     *
     * @param message the message
     * @param streamId the name under which it grows; null if it does not. The caller needs its serial for the appends
     */
    public record Publish(OutboundMessage message, @Nullable String streamId) implements Write {}

    /**
     * More of a message that grows.
     *
     * @param streamId the name under which it grows
     * @param text what is appended, empty if it only ends
     * @param headers the headers that the message has from now on
     * @param isLast whether it grows no more
     */
    public record Append(String streamId, String text, Headers headers, boolean isLast) implements Write {}

    private static final class Growing {
        final String kind;
        final StringBuilder text = new StringBuilder();

        /** As they were written last: an append replaces them all. */
        Headers headers;

        boolean closed;

        Growing(String kind, Headers headers) {
            this.kind = kind;
            this.headers = headers;
        }
    }

    private static final Map<String, String> STARTS = Map.of(
            "text-start",
            WireForm.TEXT,
            "reasoning-start",
            WireForm.REASONING,
            "tool-input-start",
            WireForm.TOOL_INPUT);

    private final Map<String, String> transport;
    private final String messageId;
    private final Map<String, Growing> growing = new LinkedHashMap<>();

    /**
     * Makes one for a message of which nothing is written yet.
     *
     * @param run the run in which it is said
     * @param step the step in which it is said, null if in none
     * @param messageId the id of the message; every answer of a model to one request has its own
     * @param steers the ids of the messages with which people have steered the run and that this takes account of
     */
    public OutputWriter(RunContext run, RunContext.@Nullable Step step, String messageId, List<String> steers) {
        HeaderList headers = new HeaderList()
                .put(WireForm.ROLE, Role.ASSISTANT.wireName())
                .put(WireForm.MESSAGE_ID, messageId)
                .put(WireForm.RUN_ID, run.runId())
                .put(WireForm.RUN_CLIENT_ID, run.ownerId())
                .putUnlessEmpty(WireForm.PARENT, run.parent())
                .putUnlessEmpty(WireForm.FORK_OF, run.forkOf())
                .putUnlessEmpty(WireForm.REGENERATES, run.regenerates())
                .putUnlessEmpty(WireForm.INVOCATION_ID, run.invocationId())
                .put(WireForm.INPUT_CLIENT_ID, run.inputClientId())
                .put(WireForm.INPUT_MESSAGE_ID, run.inputMessageId());
        if (step != null) {
            headers.put(WireForm.STEP_ID, step.id())
                    .put(WireForm.STEP_CLIENT_ID, step.clientId())
                    .put(WireForm.STEP_START_SERIAL, step.startSerial());
        }
        if (!steers.isEmpty()) {
            ArrayNode ids = JsonMapper.shared().createArrayNode();
            steers.forEach(ids::add);
            headers.put(WireForm.STEERS, ids.toString());
        }
        this.transport = headers.map();
        this.messageId = messageId;
    }

    /**
     * {@return what is to be written for a chunk}
     *
     * @param chunk the chunk
     * @throws IllegalArgumentException if the form on the wire has no place for chunks of this type, or if the chunk goes on
     *     with something that has not begun or has ended
     */
    public Write write(UiChunk chunk) {
        String type = chunk.type();
        String kind = STARTS.get(type);
        if (kind != null) {
            return begin(kind, streamId(kind, chunk), chunk);
        }
        return switch (type) {
            case "text-delta", "reasoning-delta" -> goOn(streamId("", chunk), chunk.text("delta"));
            case "tool-input-delta" -> goOn(streamId(WireForm.TOOL_INPUT, chunk), chunk.text("inputTextDelta"));
            case "text-end" -> close(WireForm.TEXT, chunk);
            case "reasoning-end" -> close(WireForm.REASONING, chunk);
            case "tool-input-available" -> toolInput(chunk);
            default -> discrete(type, chunk);
        };
    }

    /** {@return what is to be written so that nothing grows any more after a cancel} */
    public List<Write> cancel() {
        List<Write> writes = new ArrayList<>();
        growing.forEach((streamId, stream) -> {
            if (!stream.closed) {
                writes.add(end(streamId, stream, "", WireForm.CANCELLED, Map.of()));
            }
        });
        return writes;
    }

    /**
     * All of what has grown under a name, to replace the message with when an append has failed.
     *
     * @param streamId the name under which it grows, or has grown
     * @return its text, with the headers that were written last: those of its end if it has ended or was cancelled
     * @throws IllegalArgumentException if nothing has grown under this name
     */
    public Append whole(String streamId) {
        Growing stream = growing.get(streamId);
        if (stream == null) {
            throw new IllegalArgumentException("nothing has begun as " + streamId);
        }
        return new Append(streamId, stream.text.toString(), stream.headers, stream.closed);
    }

    private static String streamId(String kind, UiChunk chunk) {
        String id = chunk.text(kind.equals(WireForm.TOOL_INPUT) ? "toolCallId" : "id");
        if (id == null) {
            throw new IllegalArgumentException("a chunk of type " + chunk.type() + " says what it is a piece of");
        }
        return id;
    }

    private Publish begin(String kind, String streamId, UiChunk chunk) {
        Map<String, String> placed = new LinkedHashMap<>(transport);
        placed.put(WireForm.STREAM, WireForm.TRUE);
        placed.put(WireForm.STATUS, WireForm.STREAMING);
        placed.put(WireForm.STREAM_ID, streamId);
        Headers headers = new Headers(placed, form(kind).write(kind, chunk));
        growing.put(streamId, new Growing(kind, headers));
        return new Publish(
                new OutboundMessage(WireForm.OUTPUT, JsonNodeFactory.instance.stringNode(""), headers), streamId);
    }

    private Append goOn(String streamId, @Nullable String delta) {
        Growing stream = open(streamId);
        String text = delta == null ? "" : delta;
        stream.text.append(text);
        return new Append(streamId, text, stream.headers, false);
    }

    private Growing open(String streamId) {
        Growing stream = growing.get(streamId);
        if (stream == null || stream.closed) {
            throw new IllegalArgumentException("nothing grows as " + streamId);
        }
        return stream;
    }

    private Append close(String kind, UiChunk chunk) {
        return close(streamId(kind, chunk), "", form(kind).write(kind, chunk));
    }

    private Append close(String streamId, String text, Map<String, String> codec) {
        return end(streamId, open(streamId), text, WireForm.COMPLETE, codec);
    }

    private static Append end(String streamId, Growing stream, String text, String status, Map<String, String> codec) {
        stream.closed = true;
        stream.text.append(text);
        stream.headers = status(stream.headers, status, codec);
        return new Append(streamId, text, stream.headers, true);
    }

    private Write toolInput(UiChunk chunk) {
        String streamId = streamId(WireForm.TOOL_INPUT, chunk);
        Growing stream = growing.get(streamId);
        OutputForm form = form(WireForm.TOOL_INPUT);
        if (stream != null && !stream.closed && stream.kind.equals(WireForm.TOOL_INPUT)) {
            Map<String, String> codec = form.write(WireForm.TOOL_INPUT, chunk);
            codec.keySet().retainAll(List.of(WireForm.KIND, "toolCallId", "toolName", "providerMetadata"));
            // Whoever has not said the input piece by piece says it now.
            JsonNode input = chunk.get("input");
            return close(streamId, stream.text.isEmpty() && input != null ? input.toString() : "", codec);
        }
        return publish(form.write(WireForm.TOOL_INPUT, chunk), chunk.get("input"), false);
    }

    private Publish discrete(String type, UiChunk chunk) {
        // The kinds of what grows are no types of chunks.
        OutputForm form = form(STARTS.containsValue(type) ? "" : type);
        UiChunk said =
                type.equals("start") && chunk.text("messageId") == null ? chunk.with("messageId", messageId) : chunk;
        JsonNode isTransient = chunk.get("transient");
        return publish(form.write(type, said), form.data(said), isTransient != null && isTransient.asBoolean(false));
    }

    private Publish publish(Map<String, String> codec, @Nullable JsonNode data, boolean ephemeral) {
        Map<String, String> placed = new LinkedHashMap<>(transport);
        placed.put(WireForm.STREAM, WireForm.FALSE);
        return new Publish(new OutboundMessage(WireForm.OUTPUT, data, new Headers(placed, codec), ephemeral), null);
    }

    private static OutputForm form(String kind) {
        OutputForm form = OutputForm.of(kind);
        if (form == null) {
            throw new IllegalArgumentException(
                    "version " + WireForm.VERSION + " of the form has no place for such chunks: " + kind);
        }
        return form;
    }

    private static Headers status(Headers headers, String status, Map<String, String> codec) {
        Map<String, String> placed = new LinkedHashMap<>(headers.transport());
        placed.put(WireForm.STATUS, status);
        Map<String, String> read = new LinkedHashMap<>(headers.codec());
        read.putAll(codec);
        return new Headers(placed, read);
    }
}
