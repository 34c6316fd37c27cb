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
import tools.jackson.databind.node.ObjectNode;

/**
 * The messages that a person's side publishes. Those of one input belong together and are published at once, in the order in
 * which they are given.
 */
public final class Inputs {
    /**
     * Where an input belongs. The caller makes up the ids.
     *
     * @param eventId the input's id as an event, unique in the session
     * @param messageId the id of its message: a new one, or of the message that holds the tool call that is answered
     * @param clientId the client that sends it
     * @param runId the run that it goes on with; null if it asks for a new one
     * @param parent the id of the message before it; null at the beginning, or if it goes on with a run
     * @param forkOf the id of the message that it is an edited version of
     */
    public record Placement(
            String eventId,
            String messageId,
            @Nullable String clientId,
            @Nullable String runId,
            @Nullable String parent,
            @Nullable String forkOf) {

        /**
         * {@return a new message after another}
         *
         * @param parent the id of the message before it; null at the beginning
         * @param eventId the input's id as an event, unique in the session
         * @param messageId the id of its message
         * @param clientId the client that sends it
         */
        public static Placement after(
                @Nullable String parent, String eventId, String messageId, @Nullable String clientId) {
            return new Placement(eventId, messageId, clientId, null, parent, null);
        }

        /**
         * Something for a run: a message that steers it, or an answer that it waits for.
         *
         * @param runId the run
         * @param eventId the input's id as an event, unique in the session
         * @param messageId the id of its message
         * @param clientId the client that sends it
         * @return where it belongs
         */
        public static Placement in(String runId, String eventId, String messageId, @Nullable String clientId) {
            return new Placement(eventId, messageId, clientId, runId, null, null);
        }
    }

    private Inputs() {}

    /**
     * What a person says.
     *
     * @param placement where it belongs
     * @param uiId its id as one of Vercel's UI messages
     * @param parts what it is made of: texts, files and data
     * @return the messages to publish together
     * @throws IllegalArgumentException if there is a part of another kind
     */
    public static List<OutboundMessage> userMessage(Placement placement, String uiId, List<Part> parts) {
        List<OutboundMessage> messages = new ArrayList<>();
        for (Part part : parts.isEmpty() ? List.of(new Part.Text("")) : parts) {
            messages.add(userPart(placement, uiId, part));
        }
        return messages;
    }

    private static OutboundMessage userPart(Placement placement, String uiId, Part part) {
        Map<String, String> codec = new LinkedHashMap<>();
        codec.put(WireForm.KIND, WireForm.USER_MESSAGE);
        codec.put("messageId", uiId);
        JsonNode data;
        if (part instanceof Part.Text text) {
            codec.put(WireForm.PART_TYPE, WireForm.TEXT);
            data = JsonNodeFactory.instance.stringNode(text.text());
        } else if (part instanceof Part.File file) {
            codec.put(WireForm.PART_TYPE, "file");
            codec.put("mediaType", file.mediaType());
            if (file.filename() != null) {
                codec.put("filename", file.filename());
            }
            if (file.providerMetadata() != null) {
                codec.put("providerMetadata", file.providerMetadata().toString());
            }
            data = JsonNodeFactory.instance.stringNode(file.url());
        } else if (part instanceof Part.Data said) {
            codec.put(WireForm.PART_TYPE, WireForm.DATA_PREFIX + said.name());
            if (said.id() != null) {
                codec.put("id", said.id());
            }
            data = said.data();
        } else {
            throw new IllegalArgumentException("a person's message has texts, files and data, and no "
                    + part.getClass().getSimpleName());
        }
        HeaderList headers = placed(placement, Role.USER, null, null).put(WireForm.DISCRETE, WireForm.TRUE);
        return new OutboundMessage(WireForm.INPUT, data, new Headers(headers.map(), codec));
    }

    /**
     * Asks for a message to be generated anew.
     *
     * @param placement whose parent is the message before that message
     * @param target the id of the message
     * @return the message to publish
     */
    public static OutboundMessage regenerate(Placement placement, String target) {
        HeaderList headers = placed(placement, Role.USER, target, null);
        return input(headers, Map.of(WireForm.KIND, WireForm.REGENERATE), null);
    }

    /**
     * Gives the result of a tool call to the run that waits for it.
     *
     * @param placement where it belongs
     * @param toolCallId the call's id
     * @param output the result; null if there is none
     * @return the message to publish
     */
    public static OutboundMessage toolResult(Placement placement, String toolCallId, @Nullable JsonNode output) {
        return answer(placement, WireForm.TOOL_RESULT, toolCallId, "output", output);
    }

    /**
     * Tells the run that waits for a tool call that the call has failed.
     *
     * @param placement where it belongs
     * @param toolCallId the call's id
     * @param message why it has failed
     * @return the message to publish
     */
    public static OutboundMessage toolResultError(Placement placement, String toolCallId, String message) {
        JsonNode text = JsonNodeFactory.instance.stringNode(message);
        return answer(placement, WireForm.TOOL_RESULT_ERROR, toolCallId, "message", text);
    }

    /**
     * Tells the run that waits for a tool call of which nobody knew whether it was made that it has had no effect.
     *
     * @param placement where it belongs
     * @param toolCallId the call's id
     * @return the message to publish
     */
    public static OutboundMessage toolNotDone(Placement placement, String toolCallId) {
        return input(
                placed(placement, Role.USER, null, null),
                Map.of(WireForm.KIND, WireForm.TOOL_NOT_DONE, "toolCallId", toolCallId),
                null);
    }

    private static OutboundMessage answer(
            Placement placement, String kind, String toolCallId, String field, @Nullable JsonNode value) {
        ObjectNode data = JsonMapper.shared().createObjectNode();
        if (value != null) {
            data.set(field, value);
        }
        return input(
                placed(placement, Role.USER, null, null), Map.of(WireForm.KIND, kind, "toolCallId", toolCallId), data);
    }

    /**
     * Approves a tool call or not.
     *
     * @param placement where it belongs
     * @param toolCallId the call's id
     * @param approved whether it was approved
     * @param reason why; null if nobody has said
     * @return the message to publish
     */
    public static OutboundMessage approval(
            Placement placement, String toolCallId, boolean approved, @Nullable String reason) {
        Map<String, String> codec = new LinkedHashMap<>();
        codec.put(WireForm.KIND, WireForm.TOOL_APPROVAL_RESPONSE);
        codec.put("toolCallId", toolCallId);
        codec.put("approved", Boolean.toString(approved));
        if (reason != null) {
            codec.put("reason", reason);
        }
        return input(placed(placement, Role.USER, null, null), codec, null);
    }

    /**
     * Gives the result of a tool call to a run of its own, which takes the place of the one that waits. Several clients that
     * answer at once thereby get a branch each.
     *
     * @param placement whose message id is a new one, and whose parent is that of the suspended run
     * @param suspended the run that waits
     * @param toolCallId the call's id
     * @param output the result, null if it has failed
     * @param errorText why it has failed, null if it has not
     * @param seedIds new ids for the run's messages that are copied, except for the one with the call, which gets that of
     *     the placement; as many as the run has messages
     * @return the message to publish
     * @throws IllegalArgumentException if the run has no such call, or there are too few ids
     */
    public static OutboundMessage toolResultFork(
            Placement placement,
            Node.Run suspended,
            String toolCallId,
            @Nullable JsonNode output,
            @Nullable String errorText,
            List<String> seedIds) {
        List<Message> messages = suspended.messages();
        if (seedIds.size() < messages.size()) {
            throw new IllegalArgumentException("a copy of each of the run's messages needs an id");
        }
        ObjectNode data = JsonMapper.shared().createObjectNode();
        if (errorText != null) {
            data.put("message", errorText);
        } else if (output != null) {
            data.set("output", output);
        }
        ArrayNode seed = data.putObject("forkSeed").putArray("messages");
        boolean found = false;
        for (int i = 0; i < messages.size(); i++) {
            boolean isTarget = !found
                    && messages.get(i).toolCalls().stream()
                            .anyMatch(call -> call.toolCallId().equals(toolCallId));
            found |= isTarget;
            seed.addObject()
                    .put("codecMessageId", isTarget ? placement.messageId() : seedIds.get(i))
                    .set("message", UiMessages.write(messages.get(i)));
        }
        if (!found) {
            throw new IllegalArgumentException("the run has no tool call " + toolCallId);
        }
        String kind = errorText == null ? WireForm.TOOL_RESULT : WireForm.TOOL_RESULT_ERROR;
        return input(
                placed(placement, Role.ASSISTANT, null, suspended.key()),
                Map.of(WireForm.KIND, kind, "toolCallId", toolCallId),
                data);
    }

    private static OutboundMessage input(HeaderList headers, Map<String, String> codec, @Nullable JsonNode data) {
        return new OutboundMessage(
                WireForm.INPUT,
                data == null ? JsonNodeFactory.instance.stringNode("") : data,
                new Headers(headers.map(), codec));
    }

    private static HeaderList placed(
            Placement placement, Role role, @Nullable String regenerates, @Nullable String supersedes) {
        return new HeaderList()
                .put(WireForm.ROLE, role.wireName())
                .put(WireForm.MESSAGE_ID, placement.messageId())
                .put(WireForm.RUN_ID, placement.runId())
                .put(WireForm.RUN_CLIENT_ID, placement.clientId())
                .putUnlessEmpty(WireForm.PARENT, placement.parent())
                .putUnlessEmpty(WireForm.FORK_OF, placement.forkOf())
                .putUnlessEmpty(WireForm.REGENERATES, regenerates)
                .putUnlessEmpty(WireForm.SUPERSEDES, supersedes)
                .putUnlessEmpty(WireForm.EVENT_ID, placement.eventId())
                .put(WireForm.STREAM, WireForm.FALSE);
    }
}
