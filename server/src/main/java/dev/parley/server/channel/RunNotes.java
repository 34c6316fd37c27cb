package dev.parley.server.channel;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.server.wire.InboundMessage;
import dev.parley.server.wire.Serials;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads what messages mean for the runs of agents, as AI Transport writes them: by their names, and the headers in
 * {@code extras.ai.transport}. Words what the session says about a run if its agent is lost, so that the engine need not
 * know how messages are written. One for each connection, as it remembers what the appends of growing messages looked like;
 * not thread-safe.
 */
public final class RunNotes {
    /** The name of the message that ends a run. */
    static final String RUN_END = "ai-run-end";

    /** The name of the message that says that the agent of a run is away. */
    static final String AGENT_AWAY = "parley.agent-away";

    /** The name of the message that says that the agent of a run is back. */
    static final String AGENT_BACK = "parley.agent-back";

    /** The number of growing messages of which the extras of the last append are remembered. */
    static final int MAX_GROWING = 64;

    private static final String PREFIX = "ai-";

    /** In the extras of every message that is being streamed. */
    private static final String STREAMING = "\"streaming\"";

    /** Longest id of a run or an input that is followed. */
    private static final int MAX_ID_CHARS = 256;

    /** The code for the failure of a stream that AI Transport's clients know. */
    private static final int STREAM_ERROR = 104_008;

    /** The headers of a run's start that are repeated at its end. */
    private static final List<String> KEPT_HEADERS = List.of(
            "run-client-id",
            "invocation-id",
            "parent",
            "fork-of",
            "msg-regenerate",
            "input-client-id",
            "input-codec-message-id");

    private record Message(String channel, String serial) {}

    /** What the extras of the last append of a message looked like; the message that has rested longest is first. */
    private final Map<Message, Long> growing = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Message, Long> eldest) {
            return size() > MAX_GROWING;
        }
    };

    /** The notes about messages that are published together, and that are valid otherwise. */
    public List<RunNote> of(String channel, List<InboundMessage> messages) {
        List<RunNote> notes = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            InboundMessage message = messages.get(i);
            String extras = message.body().extras();
            if (extras != null && !message.ephemeral()) {
                read(i, channel, message, extras, notes);
            }
        }
        return notes;
    }

    private void read(int index, String channel, InboundMessage message, String extras, List<RunNote> notes) {
        String name = message.body().name();
        boolean named = name != null && name.startsWith(PREFIX);
        boolean streams = extras.contains(STREAMING);
        String serial = message.serial();
        switch (message.action()) {
            case CREATE -> {
                if (named || streams) {
                    JsonNode tree = tree(extras);
                    if (name != null && named) {
                        note(index, name, headers(tree), notes);
                    }
                    if (streams) {
                        stream(index, 0, tree, notes);
                    }
                }
            }
            case UPDATE, APPEND -> {
                // Most appends look like the one before: the hot path is not slowed down by this.
                boolean update = message.action() == InboundMessage.Action.UPDATE;
                if (serial != null && (update || isNew(new Message(channel, serial), extras))) {
                    JsonNode tree = tree(extras);
                    if (name != null && named) {
                        note(index, name, headers(tree), notes);
                    }
                    if (headers(tree).isObject()) {
                        stream(index, Serials.parse(serial).orElseThrow(), tree, notes);
                    }
                }
            }
            case DELETE, META, SUMMARY -> {}
        }
    }

    private boolean isNew(Message message, String extras) {
        Long look = ((long) extras.hashCode() << 32) | extras.length();
        return !look.equals(growing.put(message, look));
    }

    private static void note(int message, String name, JsonNode headers, List<RunNote> notes) {
        String run = id(headers, "run-id");
        String input = id(headers, "input-codec-message-id");
        if (name.equals("ai-cancel") && (run != null || input != null)) {
            notes.add(new RunNote.Cancel(message, run, input));
        }
        if (run == null) {
            return;
        }
        switch (name) {
            case "ai-run-start", "ai-run-resume" -> {
                notes.add(new RunNote.Active(run, input, true));
                notes.add(new RunNote.Described(run, texts(run, headers)));
            }
            case "ai-step-start", "ai-step-end", "ai-output" -> notes.add(new RunNote.Active(run, input, false));
            case "ai-run-suspend" -> notes.add(new RunNote.Suspended(run));
            case RUN_END -> notes.add(new RunNote.Ended(run));
            default -> {}
        }
    }

    private static void stream(int message, long serial, JsonNode extras, List<RunNote> notes) {
        JsonNode headers = headers(extras);
        String run = id(headers, "run-id");
        if (run != null && headers.path("status").asString("").equals("streaming")) {
            ((ObjectNode) headers).put("status", "cancelled");
            notes.add(new RunNote.Streaming(message, serial, run, extras.toString()));
        } else if (serial != 0) {
            notes.add(new RunNote.Settled(serial));
        }
    }

    private static RunTexts texts(String run, JsonNode opening) {
        ObjectNode headers = JsonMapper.shared().createObjectNode().put("run-id", run);
        KEPT_HEADERS.forEach(name -> {
            if (opening.has(name)) {
                headers.set(name, opening.get(name));
            }
        });
        headers.put("run-reason", "error")
                .put("error-code", Integer.toString(STREAM_ERROR))
                .put("error-message", "The agent was lost before it ended the run.");
        ObjectNode extras = JsonMapper.shared().createObjectNode();
        extras.putObject("ai").set("transport", headers);
        return new RunTexts(
                new Body(RUN_END, null, null, extras.toString()), notice(AGENT_AWAY, run), notice(AGENT_BACK, run));
    }

    private static RunTexts.Notice notice(String name, String run) {
        String start = JsonMapper.shared().createObjectNode().put("runId", run).toString();
        // A connection's id has no characters that would have to be escaped.
        return new RunTexts.Notice(
                name, start.substring(0, start.length() - 1) + ",\"connectionId\":\"", "\",\"at\":", "}", "json");
    }

    /**
     * Notes about a message that was published before messages had notes of this kind.
     *
     * @param run the run that is described
     */
    public static List<RunNote> ofEarlier(MessageEntry message, Run run) {
        List<RunNote> notes = new ArrayList<>();
        String extras = message.body().extras();
        JsonNode tree = extras == null ? null : tree(extras);
        if (tree != null && run.id().equals(id(headers(tree), "run-id"))) {
            if (message.serial() == run.since()) {
                notes.add(new RunNote.Described(run.id(), texts(run.id(), headers(tree))));
            }
            if (message.action() != MessageEntry.Action.DELETE) {
                stream(0, message.serial(), tree, notes);
            }
        }
        return notes;
    }

    /** What is said of a run of which only the id is known. */
    public static RunNote described(Run run) {
        return new RunNote.Described(
                run.id(), texts(run.id(), JsonMapper.shared().createObjectNode()));
    }

    private static JsonNode tree(String extras) {
        try {
            return JsonMapper.shared().readTree(extras);
        } catch (JacksonException e) {
            // Extras are written by our own reader of requests.
            throw new IllegalStateException("extras are no JSON", e);
        }
    }

    private static JsonNode headers(JsonNode extras) {
        return extras.path("ai").path("transport");
    }

    private static @Nullable String id(JsonNode headers, String name) {
        JsonNode value = headers.path(name);
        return value.isString() && value.stringValue().length() <= MAX_ID_CHARS ? value.stringValue() : null;
    }
}
