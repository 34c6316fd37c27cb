package dev.parley.server.channel;

import dev.parley.conversation.RunStatus;
import dev.parley.conversation.WireForm;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.server.wire.InboundMessage;
import dev.parley.server.wire.Serials;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads what messages mean for the runs of agents, as AI Transport writes them: by their names and transport headers, which
 * {@link WireForm} knows. Words what the session says about a run if its agent is lost or a person takes over, so that the engine need not
 * know how messages are written. One for each connection, as it remembers what the appends of growing messages looked like;
 * not thread-safe.
 */
public final class RunNotes {
    /** The name of the message that says that the agent of a run is away. */
    static final String AGENT_AWAY = "parley.agent-away";

    /** The name of the message that says that the agent of a run is back. */
    static final String AGENT_BACK = "parley.agent-back";

    /** The name of the message that says whether the agent of a run is stalled. */
    static final String AGENT_STALLED = "parley.agent-stalled";

    /** The names of messages that are about runs and steps, and of which nobody needs to see any. */
    public static final List<String> ABOUT_RUNS = List.of(
            WireForm.RUN_START,
            WireForm.RUN_RESUME,
            WireForm.RUN_SUSPEND,
            WireForm.RUN_END,
            WireForm.STEP_START,
            WireForm.STEP_END,
            WireForm.CANCEL);

    /** The longest reason of an answer that is kept with the request. The message has it in any case. */
    static final int MAX_COMMENT_CHARS = 4_000;

    /** The number of growing messages of which the extras of the last append are remembered. */
    static final int MAX_GROWING = 64;

    /** In the extras of every message that is being streamed. */
    private static final String STREAMING = '"' + WireForm.STREAMING + '"';

    /** Longest id of a run or an input that is followed. */
    private static final int MAX_ID_CHARS = 256;

    /** The headers of a run's start that are repeated at its end. */
    private static final List<String> KEPT_HEADERS = List.of(
            WireForm.RUN_CLIENT_ID,
            WireForm.INVOCATION_ID,
            WireForm.PARENT,
            WireForm.FORK_OF,
            WireForm.REGENERATES,
            WireForm.INPUT_CLIENT_ID,
            WireForm.INPUT_MESSAGE_ID);

    private record Message(String channel, String serial) {}

    /** What the extras of the last append of a message looked like; the message that has rested longest is first. */
    private final Map<Message, Long> growing = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Message, Long> eldest) {
            return size() > MAX_GROWING;
        }
    };

    /** The notes about messages that are published together, and that are valid otherwise, by somebody who takes nothing over. */
    public List<RunNote> of(String channel, List<InboundMessage> messages) {
        return of(channel, messages, new By("", List::of), List.of());
    }

    /**
     * Who publishes.
     *
     * @param key the name of the key of the credentials
     * @param grants what the credentials grant, as requests may ask for it
     */
    record By(String key, Supplier<List<String>> grants) {}

    /**
     * The notes about messages that are published together, and that are valid otherwise.
     *
     * @param by who their sender is
     * @param takeovers what is made of the messages, if their sender may take over the control of the channel; otherwise empty
     */
    List<RunNote> of(String channel, List<InboundMessage> messages, By by, List<MessageOp> takeovers) {
        List<RunNote> notes = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            InboundMessage message = messages.get(i);
            String extras = message.body().extras();
            if (extras != null && !message.ephemeral()) {
                read(i, channel, message, extras, by, notes);
                RunNote spoken = i < takeovers.size() ? spoken(i, takeovers.get(i)) : null;
                if (spoken != null) {
                    notes.add(spoken);
                    takeovers = List.of();
                }
            }
        }
        return notes;
    }

    /** The note about what a person says; null if that is not so. */
    private static @Nullable RunNote spoken(int index, MessageOp operation) {
        if (operation instanceof MessageOp.Create message
                && message.clientId() != null
                && WireForm.INPUT.equals(message.body().name())
                && message.body().extras() != null
                && tree(message.body().extras())
                        .path(WireForm.AI)
                        .path(WireForm.CODEC)
                        .path(WireForm.KIND)
                        .asString("")
                        .equals(WireForm.USER_MESSAGE)) {
            return new RunNote.Spoken(index, JsonMapper.shared().writeValueAsString(message.clientId()));
        }
        return null;
    }

    private void read(int index, String channel, InboundMessage message, String extras, By by, List<RunNote> notes) {
        String name = message.body().name();
        boolean named = name != null && name.startsWith(WireForm.PREFIX);
        boolean streams = extras.contains(STREAMING);
        String serial = message.serial();
        switch (message.action()) {
            case CREATE -> {
                if (named || streams) {
                    JsonNode tree = tree(extras);
                    if (name != null && named) {
                        note(index, name, headers(tree), notes);
                        call(index, name, tree, by, notes);
                    }
                    if (WireForm.INPUT.equals(name)) {
                        Mentions.said(index, message.body(), tree, notes);
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

    /**
     * Forgets what appends looked like that had notes and were refused: when they are sent again, they have notes again.
     * Not only what is accepted is remembered, as then all appends would have notes that are sent before the answer to the
     * first.
     */
    public void refused(String channel, List<InboundMessage> messages) {
        for (InboundMessage message : messages) {
            String serial = message.serial();
            if (serial != null) {
                growing.remove(new Message(channel, serial));
            }
        }
    }

    private boolean isNew(Message message, String extras) {
        Long look = ((long) extras.hashCode() << 32) | extras.length();
        return !look.equals(growing.put(message, look));
    }

    private static void note(int message, String name, JsonNode headers, List<RunNote> notes) {
        String run = id(headers, WireForm.RUN_ID);
        String input = id(headers, WireForm.INPUT_MESSAGE_ID);
        if (name.equals(WireForm.CANCEL) && (run != null || input != null)) {
            notes.add(new RunNote.Cancel(message, run, input));
        }
        if (run == null) {
            return;
        }
        switch (name) {
            case WireForm.RUN_START, WireForm.RUN_RESUME -> {
                notes.add(new RunNote.Active(run, input, true, startedBy(headers)));
                notes.add(new RunNote.Described(run, texts(run, headers)));
            }
            case WireForm.STEP_START, WireForm.STEP_END, WireForm.OUTPUT ->
                notes.add(new RunNote.Active(run, input, false));
            case WireForm.RUN_SUSPEND -> notes.add(new RunNote.Suspended(run));
            case WireForm.RUN_END -> notes.add(new RunNote.Ended(run, id(headers, WireForm.RUN_REASON)));
            default -> {}
        }
    }

    /** Whose input began a run, or else who wanted it. */
    private static @Nullable String startedBy(JsonNode headers) {
        String author = id(headers, WireForm.INPUT_CLIENT_ID);
        String client = author == null || author.isEmpty() ? id(headers, WireForm.RUN_CLIENT_ID) : author;
        return client == null || client.isEmpty() ? null : client;
    }

    /** What a message says about the call of a tool: that it is made, that it needs an approval, or that it has one. */
    private static void call(int message, String name, JsonNode extras, By by, List<RunNote> notes) {
        JsonNode codec = extras.path(WireForm.AI).path(WireForm.CODEC);
        String run = id(headers(extras), WireForm.RUN_ID);
        String call = id(codec, "toolCallId");
        if (run == null || call == null) {
            return;
        }
        String kind = codec.path(WireForm.KIND).asString("");
        if (name.equals(WireForm.OUTPUT) && kind.equals(WireForm.TOOL_INPUT)) {
            String tool = id(codec, "toolName");
            notes.add(new RunNote.Called(message, run, call, tool == null ? "" : tool));
        } else if (name.equals(WireForm.OUTPUT) && kind.equals(WireForm.TOOL_APPROVAL_REQUEST)) {
            String request = id(codec, "approvalId");
            if (request != null && !request.isEmpty()) {
                notes.add(new RunNote.Asked(message, request, run, id(headers(extras), WireForm.MESSAGE_ID), call));
            }
        } else if (name.equals(WireForm.INPUT) && kind.equals(WireForm.TOOL_APPROVAL_RESPONSE)) {
            boolean approved = codec.path("approved").asString("").equals(WireForm.TRUE);
            String reason = codec.path("reason").asString("");
            notes.add(new RunNote.Decided(
                    message,
                    run,
                    call,
                    approved,
                    by.key(),
                    reason.isEmpty() || reason.length() > MAX_COMMENT_CHARS ? null : reason,
                    by.grants().get()));
        }
    }

    private static void stream(int message, long serial, JsonNode extras, List<RunNote> notes) {
        JsonNode headers = headers(extras);
        String run = id(headers, WireForm.RUN_ID);
        if (run != null && headers.path(WireForm.STATUS).asString("").equals(WireForm.STREAMING)) {
            ((ObjectNode) headers).put(WireForm.STATUS, WireForm.CANCELLED);
            notes.add(new RunNote.Streaming(message, serial, run, extras.toString()));
        } else if (serial != 0) {
            notes.add(new RunNote.Settled(serial));
        }
    }

    private static ObjectNode repeated(String run, JsonNode opening) {
        ObjectNode headers = JsonMapper.shared().createObjectNode().put(WireForm.RUN_ID, run);
        KEPT_HEADERS.forEach(name -> {
            if (opening.has(name)) {
                headers.set(name, opening.get(name));
            }
        });
        return headers;
    }

    private static RunTexts texts(String run, JsonNode opening) {
        ObjectNode headers = repeated(run, opening);
        boolean suspends = opening.path(WireForm.ON_TAKEOVER).asString("").equals(WireForm.SUSPEND);
        return new RunTexts(
                end(headers, WireForm.STREAM_ERROR, "The agent was lost before it ended the run."),
                notice(AGENT_AWAY, run),
                notice(AGENT_BACK, run),
                suspends ? null : end(headers, WireForm.TAKEN_OVER_ERROR, "A person has taken over."),
                new RunTexts.Notice(AGENT_STALLED, about(run) + ",\"stalled\":", ",\"at\":", "}", "json"));
    }

    /**
     * The message that ends a run.
     *
     * @param opening the extras of its first message
     */
    public static Body end(String run, @Nullable String opening, RunStatus status) {
        ObjectNode headers = repeated(run, opening == null ? MissingNode.getInstance() : headers(tree(opening)));
        return end(headers.put(WireForm.RUN_REASON, status.wireName()));
    }

    private static Body end(ObjectNode headers, int code, String message) {
        headers.put(WireForm.RUN_REASON, RunStatus.ERROR.wireName())
                .put(WireForm.ERROR_CODE, Integer.toString(code))
                .put(WireForm.ERROR_MESSAGE, message);
        return end(headers);
    }

    private static Body end(ObjectNode headers) {
        ObjectNode extras = JsonMapper.shared().createObjectNode();
        extras.putObject(WireForm.AI).set(WireForm.TRANSPORT, headers);
        return new Body(WireForm.RUN_END, null, null, extras.toString());
    }

    private static RunTexts.Notice notice(String name, String run) {
        // A connection's id has no characters that would have to be escaped.
        return new RunTexts.Notice(name, about(run) + ",\"connectionId\":\"", "\",\"at\":", "}", "json");
    }

    /** The beginning of an object about a run. */
    private static String about(String run) {
        String whole = JsonMapper.shared().createObjectNode().put("runId", run).toString();
        return whole.substring(0, whole.length() - 1);
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
        if (tree != null && run.id().equals(id(headers(tree), WireForm.RUN_ID))) {
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

    /** The extras of a message. */
    public static JsonNode tree(String extras) {
        try {
            return JsonMapper.shared().readTree(extras);
        } catch (JacksonException e) {
            // Extras are written by our own reader of requests.
            throw new IllegalStateException("extras are no JSON", e);
        }
    }

    static JsonNode headers(JsonNode extras) {
        return extras.path(WireForm.AI).path(WireForm.TRANSPORT);
    }

    static @Nullable String id(JsonNode headers, String name) {
        JsonNode value = headers.path(name);
        return value.isString() && value.stringValue().length() <= MAX_ID_CHARS ? value.stringValue() : null;
    }
}
