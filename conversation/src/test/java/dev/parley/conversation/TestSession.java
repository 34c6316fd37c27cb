package dev.parley.conversation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A session in memory: what is published gets a serial, goes over the wire as JSON, and makes a conversation. */
final class TestSession {
    final Conversation conversation = new Conversation();
    final List<SessionMessage> log = new ArrayList<>();
    private final Map<String, String> growing = new HashMap<>();
    private int ids;

    String id() {
        return "id-" + ++ids;
    }

    /** Publishes messages and gives the serial of the last. */
    String publish(String clientId, OutboundMessage... messages) {
        String serial = "";
        for (OutboundMessage message : messages) {
            serial = next();
            deliver(message.toJson().put("action", 0).put("serial", serial), serial, clientId);
        }
        return serial;
    }

    void write(String clientId, OutputWriter.Write write) {
        if (write instanceof OutputWriter.Publish publish) {
            String serial = publish(clientId, publish.message());
            if (publish.streamId() != null) {
                growing.put(publish.streamId(), serial);
            }
        } else if (write instanceof OutputWriter.Append append) {
            ObjectNode json = JsonMapper.shared().createObjectNode();
            json.put("action", 5).put("serial", growing.get(append.streamId())).put("data", append.text());
            json.set("extras", append.headers().toExtras(false));
            deliver(json, next(), clientId);
        }
    }

    /** Replaces what a message says, as a moderator does who does not know what it is. */
    void moderate(String serial, SessionMessage.Action action, @Nullable String text) {
        ObjectNode json = JsonMapper.shared().createObjectNode();
        json.put("action", action == SessionMessage.Action.DELETE ? 2 : 1).put("serial", serial);
        json.put("data", text);
        deliver(json, next(), "moderator");
    }

    private void deliver(ObjectNode json, String version, String clientId) {
        json.putObject("version").put("serial", version);
        json.put("clientId", clientId).put("timestamp", 1000 + log.size());
        JsonNode overTheWire = JsonMapper.shared().readTree(json.toString());
        SessionMessage message = Objects.requireNonNull(SessionMessage.parse(overTheWire));
        log.add(message);
        conversation.apply(message);
    }

    private String next() {
        return String.format("%06d", log.size() + 1);
    }

    /** A person says something after a message; gives its id. */
    String say(String clientId, @Nullable String parent, String text) {
        return say(clientId, Inputs.Placement.after(parent, id(), id(), clientId), new Part.Text(text));
    }

    String say(String clientId, Inputs.Placement placement, Part... parts) {
        publish(
                clientId,
                Inputs.userMessage(placement, placement.messageId(), List.of(parts))
                        .toArray(OutboundMessage[]::new));
        return placement.messageId();
    }

    /** An agent begins a run that answers a message. */
    RunContext begin(String agent, String messageId, @Nullable String regenerates) {
        RunContext run =
                new RunContext("run-" + id(), "somebody", id(), "somebody", messageId, messageId, null, regenerates);
        publish(agent, RunMessages.start(run));
        return run;
    }

    /** An agent says chunks in a message of its own; gives its id. */
    String pipe(
            String agent, RunContext run, RunContext.@Nullable Step step, List<String> steers, List<UiChunk> chunks) {
        String messageId = id();
        OutputWriter writer = new OutputWriter(run, step, messageId, steers);
        chunks.forEach(chunk -> write(agent, writer.write(chunk)));
        return messageId;
    }

    /** An agent answers a message with a text in a run of its own; gives the id of the answer. */
    String answer(String agent, String messageId, String text) {
        RunContext run = begin(agent, messageId, null);
        String answer = pipe(agent, run, null, List.of(), text(text));
        publish(agent, RunMessages.end(run, RunStatus.COMPLETE, null));
        return answer;
    }

    static List<UiChunk> text(String text) {
        return List.of(
                UiChunk.of("start"),
                UiChunk.of("start-step"),
                UiChunk.textStart("t"),
                UiChunk.textDelta("t", text),
                UiChunk.textEnd("t"),
                UiChunk.of("finish-step"),
                UiChunk.of("finish").with("finishReason", "stop"));
    }

    static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }

    static JsonNode string(String text) {
        return JsonNodeFactory.instance.stringNode(text);
    }

    static List<String> texts(List<Message> messages) {
        return messages.stream().map(Message::text).toList();
    }
}
